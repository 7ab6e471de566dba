/**
 * Circuit breakers: a phone, a server or a step of an app that fails again and
 * again rests, so that its trouble is not charged to the accounts that met it.
 *
 *   closed ──failures in a row──▶ open ──its rest is over──▶ half open
 *     ▲                            ▲                            │
 *     └────────── success ─────────┼──────── one trial ─────────┤
 *                                  └──────── failure ───────────┘
 *
 * Whom a failure is charged to (docs/retries.md):
 *   1. a screen that did not come, when another account missed it too: the step of the app
 *   2. scope `device`, and the phone serves several accounts: the phone
 *   3. any other machine's failure, when another account failed there since the last success: the server or the phone
 *   4. else the account, also when it is the only one on its phone: then nobody can tell them apart
 *
 * Pure: the loop that asks is scheduler/breakers.ts.
 */
import type { Failure } from './failure.ts';

export type BreakerKind = 'device' | 'server' | 'flow';

export interface Breaker {
  /** Failures since the last success. */
  readonly failures: number;
  /** Who met them, each once, in order; at most `REMEMBERED`. */
  readonly accounts: readonly string[];
  /** On which phones; empty when no phone was needed. */
  readonly devices: readonly string[];
  /** How often it opened since the last success; each rest is twice as long as the one before. */
  readonly openings: number;
  /** End of the rest, epoch milliseconds; null = closed. */
  readonly untilMs: number | null;
  /** The last failure, in words. */
  readonly why: string;
}

export const CLOSED: Breaker = { failures: 0, accounts: [], devices: [], openings: 0, untilMs: null, why: '' };

interface BreakerPolicy {
  /** Failures in a row at which it opens, when they are its own beyond doubt. */
  readonly afterCertain: number;
  /** Failures in a row at which it opens otherwise … */
  readonly after: number;
  /** … if so many accounts met them … */
  readonly accounts: number;
  /** … on so many phones: a step that fails on one phone only is that phone's trouble. */
  readonly devices: number;
  readonly restMs: number;
  readonly maxRestMs: number;
}

const MINUTE_MS = 60_000;
const POLICIES: Readonly<Record<BreakerKind, BreakerPolicy>> = {
  // Soon, but for seconds only: attempts fail by chance as often as one in eight, so two in a row happen every day on a rack.
  // As many doubtful ones as for a step of an app: else an update of the app would rest phones before it is found out.
  device: { afterCertain: 2, after: 5, accounts: 2, devices: 1, restMs: MINUTE_MS / 4, maxRestMs: 60 * MINUTE_MS },
  // The guard restarts Appium by itself within a minute; this is for a server that answers its health check and fails all the same.
  server: { afterCertain: 4, after: 4, accounts: 2, devices: 1, restMs: MINUTE_MS, maxRestMs: 10 * MINUTE_MS },
  flow: { afterCertain: 5, after: 5, accounts: 3, devices: 2, restMs: 2 * MINUTE_MS, maxRestMs: 60 * MINUTE_MS },
};
const REMEMBERED = 8;

/** Failure types by which an app shows that it does not look as the flow expects. */
const SCREEN_TYPES: readonly string[] = ['ui_changed', 'navigation_stuck'];

export interface Met {
  readonly account: string;
  readonly device: string | null;
  readonly why: string;
  /** The failure is this phone's beyond doubt: no second witness is needed. */
  readonly certain: boolean;
}

/** The breaker after one more failure. */
export function failed(breaker: Breaker, kind: BreakerKind, met: Met, now: number): Breaker {
  const policy = POLICIES[kind];
  const after: Breaker = {
    ...breaker,
    failures: breaker.failures + 1,
    accounts: remembered(breaker.accounts, met.account),
    devices: met.device === null ? breaker.devices : remembered(breaker.devices, met.device),
    why: met.why,
  };
  // What was under way when it opened says nothing new.
  if (stateOf(breaker, now) === 'open') return after;
  if (breaker.untilMs === null && !enough(after, policy, met)) return after;
  const restMs = Math.min(policy.restMs * 2 ** breaker.openings, policy.maxRestMs);
  return { ...after, openings: breaker.openings + 1, untilMs: now + restMs };
}

function enough(breaker: Breaker, policy: BreakerPolicy, met: Met): boolean {
  if (met.certain) return breaker.failures >= policy.afterCertain;
  if (breaker.failures < policy.after) return false;
  return breaker.accounts.length >= policy.accounts && (breaker.devices.length === 0 || breaker.devices.length >= policy.devices);
}

/** `half_open`: one attempt may try it. */
export function stateOf(breaker: Breaker, now: number): 'closed' | 'open' | 'half_open' {
  if (breaker.untilMs === null) return 'closed';
  return now < breaker.untilMs ? 'open' : 'half_open';
}

/** The failure says that the app did not look as expected. */
export function isScreenFailure(failure: Pick<Failure, 'type'>): boolean {
  return SCREEN_TYPES.includes(failure.type);
}

export interface ChargeQuestion {
  readonly failure: Pick<Failure, 'category' | 'scope' | 'type'>;
  readonly account: string;
  /** null = the attempt needed no phone. */
  readonly device: Breaker | null;
  /** null = it needed no server that we know. */
  readonly server: Breaker | null;
  /** The step of the app; null when the failure is not about a screen. */
  readonly flow: Breaker | null;
  /** Accounts that post by this phone. */
  readonly accountsOnPhone: number;
}

/** Whom the failure is charged to; null = the failure is nobody's (content, configuration). Asked with the breakers as they were before it. */
export function chargedTo(question: ChargeQuestion): BreakerKind | 'account' | null {
  const { failure, account, device, server, flow, accountsOnPhone } = question;
  if (failure.category !== 'infrastructure' && failure.category !== 'unknown') return null;
  if (metByAnother(flow, account)) return 'flow';
  if (failure.category === 'unknown') return 'account';
  if (failure.scope === 'device' && device !== null && accountsOnPhone > 1) return 'device';
  if (failure.scope === 'server') return metByAnother(server, account) ? 'server' : 'account';
  return metByAnother(device, account) ? 'device' : 'account';
}

function metByAnother(breaker: Breaker | null, account: string): boolean {
  return breaker?.accounts.some((name) => name !== account) ?? false;
}

function remembered(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) || names.length >= REMEMBERED ? names : [...names, name];
}
