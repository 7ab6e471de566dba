// Guards promise 4: machine trouble rests an account for a while, and never longer than an hour.
import { expect, test } from 'vitest';
import { chargeAccount } from '../../src/domain/cooldown.ts';
import { account } from '../support/build.ts';

const MINUTE = 60_000;

test('the third failure in a row rests 30 minutes, then 40, 50, 60, and never more', () => {
  const rests: (number | null)[] = [];
  let charged = account();
  for (let n = 1; n <= 8; n += 1) {
    charged = { ...charged, ...chargeAccount(charged, 1_000) };
    expect(charged.consecutiveFailures).toBe(n);
    rests.push(charged.cooldownUntilMs === null ? null : (charged.cooldownUntilMs - 1_000) / MINUTE);
  }
  expect(rests).toEqual([null, null, 30, 40, 50, 60, 60, 60]);
});

test('a failure that does not rest leaves an older rest as it is', () => {
  expect(chargeAccount(account({ cooldownUntilMs: 5 }), 1)).toEqual({ consecutiveFailures: 1, cooldownUntilMs: 5 });
});
