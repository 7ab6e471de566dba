/** Cooldown: how long an account rests after infrastructure failures in a row. It never ends an account's day. */
import type { Account } from './account.ts';

/** What a charge changes about an account. */
export type Charge = Pick<Account, 'consecutiveFailures' | 'cooldownUntilMs'>;

/**
 * One more consecutive failure. From the `after`-th on (3 by default) the account rests min(step x n, max): with
 * 10 min and 60 min that is 30, 40, 50, 60, 60 … minutes.
 *
 * @param now epoch milliseconds
 */
export function chargeAccount(account: Account, now: number): Charge {
  const { after, stepMs, maxMs } = account.policy.cooldown;
  const consecutiveFailures = account.consecutiveFailures + 1;
  if (consecutiveFailures < after) return { consecutiveFailures, cooldownUntilMs: account.cooldownUntilMs };
  return { consecutiveFailures, cooldownUntilMs: now + Math.min(stepMs * consecutiveFailures, maxMs) };
}
