/**
 * What a change does to an account, and what the event table says about it.
 * Pure, shared by every store.
 */
import type { Account } from '../domain/account.ts';
import { chargeAccount } from '../domain/cooldown.ts';
import type { EventType } from '../domain/event.ts';
import { isoTime } from '../runtime/clock.ts';
import type { AccountChange } from './store.ts';

export interface AccountEffect {
  readonly account: Account;
  /** null = nothing that people need to hear about. */
  readonly event: EventType | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * A hold outlasts pauses: only a person's release ends it, so neither `pause` nor `resume` touches it.
 *
 * @param now epoch milliseconds
 */
export function applyAccountChange(account: Account, change: AccountChange, now: number): AccountEffect {
  switch (change.type) {
    case 'hold':
      return said(account, { state: 'hold', reason: change.reason }, 'account_hold', { reason: change.reason, evidence: change.evidence });
    case 'release':
      return said(
        account,
        { state: 'active', reason: null, cooldownUntilMs: null, consecutiveFailures: 0 },
        account.state === 'active' && account.cooldownUntilMs === null ? null : 'account_released',
      );
    case 'pause':
      if (account.state !== 'active') return said(account, {}, null);
      return said(account, { state: 'paused', reason: change.reason }, 'account_paused', { reason: change.reason });
    case 'resume':
      if (account.state !== 'paused') return said(account, {}, null);
      return said(account, { state: 'active', reason: null }, 'account_resumed');
    case 'assign_device':
      return said(account, { device: change.device, trouble: null }, null);
    case 'trouble':
      return said(account, { trouble: change.message }, account.trouble === change.message ? null : 'account_trouble', {
        message: change.message,
      });
    case 'charge':
      return charged(account, now);
    case 'clear':
      return said(account, { consecutiveFailures: 0, cooldownUntilMs: null }, null);
  }
}

function charged(account: Account, now: number): AccountEffect {
  const charge = chargeAccount(account, now);
  const rests = charge.cooldownUntilMs !== null && charge.cooldownUntilMs > now;
  return said(account, charge, rests ? 'account_cooldown' : null, {
    consecutive_failures: charge.consecutiveFailures,
    cooldown_until: charge.cooldownUntilMs === null ? null : isoTime(charge.cooldownUntilMs),
  });
}

function said(
  account: Account,
  fields: Partial<Account>,
  event: EventType | null,
  details: Readonly<Record<string, unknown>> = {},
): AccountEffect {
  return { account: { ...account, ...fields }, event, details };
}
