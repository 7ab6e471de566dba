// The publisher of the process tests, for which a phone is kept, as if it posted by it.
import ledger from './ledger.mjs';

export default { ...ledger, name: 'ledger on a phone', needs: { appium: false, device: true } };
