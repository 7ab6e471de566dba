/** Placeholder, replaced by the implementation: a retry policy is data. */
import type { FailureCategory } from './failure.ts';

export interface RetryPolicy {
  /** A job runs exactly this many times before it has failed for good. */
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly backoffMultiplier: number;
  readonly maxDelayMs: number;
  /** Fraction, 0..1: the delay is spread evenly over ±jitter. */
  readonly jitter: number;
  /** Failure types never retried, on top of the built-in ones. */
  readonly never: readonly string[];
  /** Retries allowed per category; a category without an entry has no limit of its own. */
  readonly limits: Readonly<Partial<Record<FailureCategory, number>>>;
  /** True when a person wrote max_attempts for this job, account or app: it then beats the category limits. */
  readonly explicitMaxAttempts: boolean;
}
