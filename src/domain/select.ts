/**
 * Whether an account may post now, why not, and when; and in which order jobs
 * are claimed. The store asks the same questions in SQL; this is the reference
 * its contract is tested against.
 */
import type { Account } from './account.ts';
import { localDay, nextOpen, openUntil } from './window.ts';

const DAY_MS = 24 * 60 * 60_000;

/** Why an account cannot post now. */
export type WaitReason = 'busy' | 'uncertain' | 'paused' | 'hold' | 'configuration' | 'cooldown' | 'cap' | 'window' | 'gap';

export interface EligibilityQuestion {
  readonly account: Account;
  /** Posts that count (committing, uncertain, success) whose commit fell on the account's local day. */
  readonly postedToday: number;
  /** The same in the last 24 hours. */
  readonly postedIn24h: number;
  /** When the oldest of them leaves the last 24 hours; without it that is a day after the last commit, the latest it can be. */
  readonly rollingFreeAtMs?: number | null;
  /** A job of this account is with a worker (`busy`) or in doubt (`uncertain`). */
  readonly busy: 'busy' | 'uncertain' | null;
  readonly now: number;
}

export type Eligibility =
  /** `untilMs`: when it ends by time alone, because the window closes; null = never. */
  | { readonly eligible: true; readonly untilMs: number | null }
  /** `retryAtMs`: the first instant at which time alone makes it eligible; null = time does not. */
  | { readonly eligible: false; readonly reason: WaitReason; readonly retryAtMs: number | null };

/** The first reason in the order people should hear them: what needs a person comes before what passes by itself. */
export function eligibility(question: EligibilityQuestion): Eligibility {
  const { account, busy, now } = question;
  const blocked = blockedWithoutTime(account, busy);
  if (blocked !== null) return { eligible: false, reason: blocked, retryAtMs: null };

  const { policy } = account;
  const closesMs = openUntil(policy.windows, policy.timezone, now);
  const waits = waitsOf(question);
  if (waits.length === 0 && closesMs !== null) {
    return { eligible: true, untilMs: closesMs === Number.POSITIVE_INFINITY ? null : closesMs };
  }
  const free = Math.max(now, ...waits.map((wait) => wait.untilMs));
  return { eligible: false, reason: waits[0]?.reason ?? 'window', retryAtMs: nextOpen(policy.windows, policy.timezone, free) };
}

function blockedWithoutTime(account: Account, busy: 'busy' | 'uncertain' | null): WaitReason | null {
  if (account.state === 'hold') return 'hold';
  if (account.state === 'paused') return 'paused';
  if (account.trouble !== null) return 'configuration';
  return busy;
}

/** What only time ends, except the window, in the order of the reasons. */
function waitsOf(question: EligibilityQuestion): { readonly reason: WaitReason; readonly untilMs: number }[] {
  const { account, now } = question;
  const waits: { reason: WaitReason; untilMs: number }[] = [];
  if (account.cooldownUntilMs !== null && account.cooldownUntilMs > now) {
    waits.push({ reason: 'cooldown', untilMs: account.cooldownUntilMs });
  }
  const capMs = cappedUntil(question);
  if (capMs !== null) waits.push({ reason: 'cap', untilMs: capMs });
  const gapMs = gapEnd(account);
  if (gapMs > now) waits.push({ reason: 'gap', untilMs: gapMs });
  return waits;
}

function cappedUntil(question: EligibilityQuestion): number | null {
  const { account, postedToday, postedIn24h, now } = question;
  const { policy } = account;
  let until: number | null = null;
  if (postedToday >= policy.postsPerDay) until = localDay(policy.timezone, now).endMs;
  if (policy.rolling24h !== null && postedIn24h >= policy.rolling24h) {
    const free = question.rollingFreeAtMs ?? (account.lastCommitMs ?? now) + DAY_MS;
    until = Math.max(until ?? free, free);
  }
  return until;
}

/** End of the gap that follows the last commit; -Infinity before the first post. */
function gapEnd(account: Account): number {
  if (account.lastCommitMs === null) return Number.NEGATIVE_INFINITY;
  return account.lastCommitMs + account.policy.minGapMs + account.gapJitterMs;
}

export interface Claimable {
  readonly dueMs: number;
  readonly priority: number;
  /** When its account last posted; null = never, which is longest ago. */
  readonly lastCommitMs: number | null;
  readonly seq: number;
}

/** Sorts jobs as they are claimed: due time, priority, the account that posted longest ago, age. */
export function claimOrder(a: Claimable, b: Claimable): number {
  return (
    a.dueMs - b.dueMs ||
    a.priority - b.priority ||
    (a.lastCommitMs ?? Number.MIN_SAFE_INTEGER) - (b.lastCommitMs ?? Number.MIN_SAFE_INTEGER) ||
    a.seq - b.seq
  );
}
