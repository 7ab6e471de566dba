/**
 * What follows from a failed attempt: another one, an end, a deferral, or doubt.
 *
 * A retry policy is data. The order of the questions in `decide` is the promise:
 * doubt first (promise 1), then whose fault it is (promise 4), then the limits.
 */
import { SchedulerError } from '../errors.ts';
import { parseDuration } from './duration.ts';
import type { Failure, FailureCategory } from './failure.ts';
import { isRetryable } from './failure-types.ts';
import type { Job } from './job.ts';

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
  /** Conditions in words (Jinja); what they mean is asked through `Holds`. null = there is none. */
  readonly retryWhen: string | null;
  readonly stopWhen: string | null;
}

/** What a condition may ask about; the names of seed 004. */
export const CONDITION_FACTS = ['error', 'category', 'type', 'attempt', 'max_attempts', 'phase'] as const;
export type ConditionFacts = Readonly<Record<(typeof CONDITION_FACTS)[number], string | number>>;

/** Answers whether a condition holds for a failed attempt. Must not throw. */
export type Holds = (condition: string, facts: ConditionFacts) => boolean;

/** A failure of unknown origin is tried once more; with a policy that a person wrote, as often as that says. */
export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 3,
  initialDelayMs: 15_000,
  backoffMultiplier: 1.5,
  maxDelayMs: 600_000,
  jitter: 0.2,
  never: [],
  limits: { infrastructure: 3, unknown: 1 },
  explicitMaxAttempts: false,
  retryWhen: null,
  stopWhen: null,
};

/** How long a job waits before the cause of a configuration failure is looked at again. */
export const CONFIGURATION_RECHECK_MS = 60_000;

/** As people write it; durations as `15s` or seconds. */
export interface RetryFields {
  readonly max_attempts?: number | undefined;
  readonly initial_delay?: string | number | undefined;
  readonly backoff_multiplier?: number | undefined;
  readonly max_delay?: string | number | undefined;
  readonly jitter?: number | undefined;
  readonly never?: readonly string[] | undefined;
  readonly retry_when?: string | undefined;
  readonly stop_when?: string | undefined;
}
/** true = the defaults, false = one attempt, a number = that many attempts. */
export type RetryInput = boolean | number | RetryFields;

/**
 * A written policy on top of `base`; what it does not say stays.
 *
 * @param beatsLimits whether its max_attempts beats the limits per category: true on a job, an account or an app, false on the whole config
 * @throws SchedulerError BAD_CONFIG
 */
export function parseRetry(input: RetryInput, base: RetryPolicy = DEFAULT_RETRY, beatsLimits = true): RetryPolicy {
  const { unknown: _, ...limits } = base.limits;
  const fields = retryFields(input);
  return {
    maxAttempts: inRange('max_attempts', fields.max_attempts ?? base.maxAttempts, 1, 1_000, true),
    initialDelayMs: durationOf('initial_delay', fields.initial_delay, base.initialDelayMs),
    backoffMultiplier: inRange('backoff_multiplier', fields.backoff_multiplier ?? base.backoffMultiplier, 1, 100, false),
    maxDelayMs: durationOf('max_delay', fields.max_delay, base.maxDelayMs),
    jitter: inRange('jitter', fields.jitter ?? base.jitter, 0, 1, false),
    never: [...new Set([...base.never, ...(fields.never ?? [])])],
    limits,
    explicitMaxAttempts: base.explicitMaxAttempts || (beatsLimits && fields.max_attempts !== undefined),
    retryWhen: fields.retry_when ?? base.retryWhen,
    stopWhen: fields.stop_when ?? base.stopWhen,
  };
}

/**
 * The policy in force: each layer overrides what it names in the one before. An absent layer is null.
 *
 * @throws SchedulerError BAD_CONFIG
 */
export function mergePolicies(layers: {
  readonly config?: RetryInput | null;
  readonly app?: RetryInput | null;
  readonly account?: RetryInput | null;
  readonly job?: RetryInput | null;
}): RetryPolicy {
  let policy = layers.config == null ? DEFAULT_RETRY : parseRetry(layers.config, DEFAULT_RETRY, false);
  for (const layer of [layers.app, layers.account, layers.job]) {
    if (layer != null) policy = parseRetry(layer, policy);
  }
  return policy;
}

/** What a short form stands for. */
export function retryFields(input: RetryInput): RetryFields {
  if (input === true) return {};
  if (input === false) return { max_attempts: 1 };
  return typeof input === 'number' ? { max_attempts: input } : input;
}

/** All that the job itself says of its tries, as one value; null = nothing. */
export function ownPolicy({ retry = null, maxAttempts }: Pick<Job, 'retry' | 'maxAttempts'>): RetryInput | null {
  return maxAttempts === null ? retry : { ...retryFields(retry ?? true), max_attempts: maxAttempts };
}

/** The policy in force for a job: its own on top of its account's. */
export function policyFor(job: Pick<Job, 'retry'>, account: RetryPolicy): RetryPolicy {
  return job.retry == null ? account : parseRetry(job.retry, account);
}

/** How often the job may be tried in all; a number of its own, which a person's `--retry` raises, goes before every policy. */
export function attemptLimit(job: Pick<Job, 'retry' | 'maxAttempts'>, account: RetryPolicy): number {
  return job.maxAttempts ?? policyFor(job, account).maxAttempts;
}

/**
 * The pause before the next attempt, milliseconds: initial x multiplier^(attempt-1), spread by jitter, never above the maximum.
 *
 * @param attempt the attempt that has just failed, from 1
 * @param fraction random, 0..1; 0.5 is the middle of the spread
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, fraction: number): number {
  const exact = Math.min(policy.initialDelayMs * policy.backoffMultiplier ** (attempt - 1), policy.maxDelayMs);
  const spread = exact * (1 + policy.jitter * (2 * fraction - 1));
  return Math.round(Math.min(spread, policy.maxDelayMs));
}

export interface DecisionQuestion {
  /** As claimed: its attempts include the one that failed. */
  readonly job: Pick<Job, 'status' | 'attempts' | 'maxAttempts' | 'failuresByCategory'>;
  readonly failure: Failure;
  readonly policy: RetryPolicy;
  readonly now: number;
  readonly fraction: number;
  readonly holds: Holds;
}

export type Decision =
  | { readonly next: 'retry'; readonly atMs: number }
  | { readonly next: 'fail' }
  | { readonly next: 'uncertain' }
  | { readonly next: 'defer'; readonly untilMs: number; readonly reason: string };

/** What becomes of the job, by the order of design.md section 8. */
export function decide(question: DecisionQuestion): Decision {
  const { job, failure, policy, now, fraction } = question;
  if (failure.uncertain || job.status === 'committing' || job.status === 'uncertain') return { next: 'uncertain' };
  if (failure.category === 'configuration') {
    return { next: 'defer', untilMs: now + CONFIGURATION_RECHECK_MS, reason: failure.message };
  }
  if (!isRetryable(failure) || policy.never.includes(failure.type)) return { next: 'fail' };
  if (forbiddenByCondition(question)) return { next: 'fail' };
  if (overLimit(question)) return { next: 'fail' };
  return { next: 'retry', atMs: now + retryDelayMs(policy, job.attempts, fraction) };
}

/** When the job may run again after its attempt turned out not to have posted; null = never. */
export function againAtMs(decision: Decision): number | null {
  switch (decision.next) {
    case 'retry':
      return decision.atMs;
    case 'defer':
      return decision.untilMs;
    default:
      return null;
  }
}

/** `stop_when` is asked first; a `retry_when` that does not hold means no. Neither grants more attempts than the limits do. */
function forbiddenByCondition({ job, failure, policy, holds }: DecisionQuestion): boolean {
  const facts = {
    error: failure.message,
    category: failure.category,
    type: failure.type,
    attempt: job.attempts,
    max_attempts: job.maxAttempts ?? policy.maxAttempts,
    phase: failure.phase,
  };
  // A policy stored by an older program has neither field.
  if (policy.stopWhen != null && holds(policy.stopWhen, facts)) return true;
  return policy.retryWhen != null && !holds(policy.retryWhen, facts);
}

/** `infra_retry_limit: n` allows n retries of that category, whatever else failed before. */
function overLimit({ job, failure, policy }: DecisionQuestion): boolean {
  if (job.attempts >= (job.maxAttempts ?? policy.maxAttempts)) return true;
  if (policy.explicitMaxAttempts || job.maxAttempts !== null) return false;
  const limit = policy.limits[failure.category];
  return limit !== undefined && (job.failuresByCategory[failure.category] ?? 0) >= limit;
}

function durationOf(name: string, value: string | number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const ms = parseDuration(value);
  if (ms === null) throw badRetry(`${name}: "${value}" is no duration (15s, 10m, 1h)`);
  return ms;
}

function inRange(name: string, value: number, least: number, most: number, whole: boolean): number {
  if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw badRetry(`${name}: ${value} is not ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`);
  }
  return value;
}

function badRetry(what: string): SchedulerError {
  return new SchedulerError('BAD_CONFIG', { details: { where: 'retry', what } });
}
