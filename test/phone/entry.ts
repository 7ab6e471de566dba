/** Runs `scheduler-phone` from its sources, for tests that need it as a process of its own. */
import { main } from '../../src/devices/simulated/phone-cli.ts';

await main();
