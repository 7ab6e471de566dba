/**
 * An account: what it is allowed to do (policy, from people) and how it is
 * doing (state, from its posts). Whether it may post now is `select.ts`.
 */
import type { RetryPolicy } from './retry.ts';
import type { Window } from './window.ts';

/** What a name of an account is made of, for whoever wrote another. */
export const ACCOUNT_NAME_RULE =
  "holds letters, digits, '.', '_' and '-', begins with a letter, a digit or '_', and has at most 64 characters";

/** A handle as the platforms allow them, without the `@`; of every script, because some platforms do. */
export function isAccountName(text: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}._-]{0,63}$/u.test(text);
}

export interface CooldownPolicy {
  /** Consecutive infrastructure failures at which the account first rests. */
  readonly after: number;
  readonly stepMs: number;
  readonly maxMs: number;
}

/** All that configuration says about an account, resolved: no field is optional and no default is left to apply. */
export interface AccountPolicy {
  readonly app: string;
  /** The configured phone, `geelark:alice-phone` or a name or serial; null = found by the rule "Which phone" of docs/adding-a-device.md. */
  readonly device: string | null;
  /** IANA zone; the cap's day and the windows are counted in it. */
  readonly timezone: string;
  /** Daily cap by the account's local date. */
  readonly postsPerDay: number;
  /** At most this many in any moving 24 hours; null = no such limit. */
  readonly rolling24h: number | null;
  readonly windows: readonly Window[];
  /** Least time between two posts of this account. */
  readonly minGapMs: number;
  /** Upper bound of the random delay added to each gap. */
  readonly jitterMs: number;
  readonly cooldown: CooldownPolicy;
  /** What it, its app and the whole config say together. */
  readonly retry: RetryPolicy;
}

export type AccountState = 'active' | 'paused' | 'hold';

export interface Account {
  readonly name: string;
  readonly policy: AccountPolicy;
  readonly state: AccountState;
  /** Why it is paused or on hold, in words for a person. */
  readonly reason: string | null;
  /** The phone that posts for it, resolved by the daemon; null when the publisher needs none or none was found. */
  readonly device: string | null;
  /** Configuration trouble that keeps it from posting until it is fixed, such as "no phone named carol"; null = none. */
  readonly trouble: string | null;
  readonly cooldownUntilMs: number | null;
  readonly consecutiveFailures: number;
  /** Instant of its last commit point; the minimum gap counts from it. */
  readonly lastCommitMs: number | null;
  /** The jitter drawn for the gap that follows the last commit, stored so that a restart does not draw again. */
  readonly gapJitterMs: number;
}
