/**
 * A job, one video to publish, and `transition`: the only way a job changes.
 *
 *   pending ──claim──▶ claimed ──commit──▶ committing ──confirm──▶ success
 *     ▲                  │  │                  │
 *     │ defer,           │  │ fail             │ doubt, holder_died
 *     │ holder_died      │  ▼                  ▼
 *     ├──────────────────┘ retrying/failed  uncertain ──verdict published──▶ success
 *     │                     │  ▲               └──────verdict absent──▶ retrying/failed
 *     └── (claim) ◀─────────┘  └── retry (by a person: failed, skipped ──▶ pending)
 *
 * Attempts rise at `claim` only and fall at a refund only, so they are always
 * claims minus refunds. Nothing here knows a clock, a store or a phone.
 */
import { SchedulerError } from '../errors.ts';
import type { EventType } from './event.ts';
import type { Failure, Phase } from './failure.ts';
import { deferred, edited, holderDied, postedBefore, RELEASED, retryOrdered, settled, uncertain } from './job-in-doubt.ts';
import type { RetryInput } from './retry.ts';

export const JOB_STATUSES = ['pending', 'claimed', 'committing', 'uncertain', 'retrying', 'success', 'failed', 'skipped'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

/** In these a worker, or a doubt, keeps the account to itself. */
export const ACCOUNT_BUSY: readonly JobStatus[] = ['claimed', 'committing', 'uncertain'];
/** In these a phone is in use. */
export const DEVICE_BUSY: readonly JobStatus[] = ['claimed', 'committing'];
/** In these the post counts as made: for the post key, and for the daily cap. */
export const POST_COUNTS: readonly JobStatus[] = ['committing', 'uncertain', 'success'];
/** From these a worker may claim. */
export const CLAIMABLE: readonly JobStatus[] = ['pending', 'retrying'];

export interface Job {
  readonly id: string;
  readonly videoPath: string;
  /** sha256 of the bytes as they were queued, 64 hex digits; null only for imported rows whose file was gone. */
  readonly sha256: string | null;
  readonly caption: string;
  /** The accounts that may publish it, as one pool; null when it was bound to one account from the start. */
  readonly pool: string | null;
  readonly account: string | null;
  readonly device: string | null;
  readonly postKey: string | null;
  /** 0 unless a person ordered a repeat by `--again`. */
  readonly repeat: number;
  readonly status: JobStatus;
  /** Claimable from this instant on: the `publish_at`, or the next attempt after a failure. */
  readonly dueMs: number;
  /** Its own wish, if it has one: `too_late` counts from it, and from nothing else. */
  readonly publishAtMs: number | null;
  /** Lower runs first. */
  readonly priority: number;
  readonly attempts: number;
  /** null = the retry policy in force decides. */
  readonly maxAttempts: number | null;
  /** Its own retry policy as it was written, on top of its account's; absent = none. */
  readonly retry?: RetryInput | null;
  readonly deferrals: number;
  /** Since when it has been put off again and again without a real attempt; absent = it is not. */
  readonly deferredSinceMs?: number | null;
  readonly crashes: number;
  /** Infrastructure and unknown failures so far, for the limits per category. */
  readonly failuresByCategory: Readonly<Partial<Record<Failure['category'], number>>>;
  readonly phase: Phase | null;
  readonly failure: Failure | null;
  /** Why it was skipped or deferred, in words. */
  readonly note: string | null;
  readonly worker: string | null;
  readonly claimToken: string | null;
  readonly epoch: number;
  readonly leaseUntilMs: number | null;
  readonly createdMs: number;
  readonly claimedMs: number | null;
  readonly committedMs: number | null;
  /** Since when its outcome has been unknown. */
  readonly uncertainMs: number | null;
  readonly finishedMs: number | null;
  readonly lastAttemptMs: number | null;
  readonly passNumber: number;
  readonly batch: string;
  /** The position in which it was added; ties in the order of claims are broken by it. */
  readonly seq: number;
}

/** What is absent stays as it is. `publishAtMs` null = no wish any more: due at once. */
export interface JobEdit {
  readonly caption?: string;
  readonly account?: string;
  readonly priority?: number;
  readonly publishAtMs?: number | null;
}

export type Verdict = 'published' | 'absent';

export type JobEvent =
  | {
      readonly type: 'claim';
      readonly account: string;
      readonly device: string | null;
      readonly postKey: string | null;
      readonly worker: string;
      readonly token: string;
      readonly epoch: number;
      readonly leaseUntilMs: number;
      readonly passNumber: number;
    }
  | { readonly type: 'commit' }
  | { readonly type: 'confirm' }
  /** The attempt failed before the commit point; `retryAtMs` null = for good. */
  | { readonly type: 'fail'; readonly failure: Failure; readonly retryAtMs: number | null }
  /** The attempt is given back: not the job's fault, or not its hour. */
  | { readonly type: 'defer'; readonly reason: string; readonly untilMs: number; readonly failure: Failure | null }
  /** Nobody can say whether it went out. */
  | { readonly type: 'doubt'; readonly failure: Failure }
  /** Its holder is gone; `counts` is false when the machine itself was restarted. */
  | { readonly type: 'holder_died'; readonly counts: boolean; readonly message: string }
  | { readonly type: 'verdict'; readonly verdict: Verdict; readonly retryAtMs: number | null; readonly by: string }
  | { readonly type: 'skip'; readonly reason: string }
  /** A person changes what was queued; the video's bytes and what was tried stay. */
  | { readonly type: 'edit'; readonly edit: JobEdit }
  /** A person wants it tried again: `grant` more attempts. */
  | { readonly type: 'retry'; readonly grant: number }
  /** A record of a post exists that the store did not know of. */
  | {
      readonly type: 'posted_before';
      readonly account: string;
      readonly postKey: string;
      readonly committedMs: number;
      readonly message: string;
    };

export interface Transition {
  readonly job: Job;
  /** What the event table will say. */
  readonly event: EventType;
}

const LEGAL: Readonly<Record<JobEvent['type'], readonly JobStatus[]>> = {
  claim: ['pending', 'retrying'],
  commit: ['claimed'],
  confirm: ['committing'],
  fail: ['claimed'],
  defer: ['claimed'],
  doubt: ['claimed', 'committing'],
  holder_died: ['claimed', 'committing'],
  verdict: ['uncertain'],
  skip: ['pending', 'retrying', 'claimed', 'failed'],
  edit: ['pending', 'retrying'],
  retry: ['failed', 'skipped', 'retrying'],
  posted_before: ['pending', 'retrying', 'failed', 'skipped'],
};

/**
 * The job after `event`, or an error when the state machine has no such arrow.
 *
 * @param now epoch milliseconds
 * @throws SchedulerError ILLEGAL_TRANSITION
 */
export function transition(job: Job, event: JobEvent, now: number): Transition {
  if (!LEGAL[event.type].includes(job.status)) {
    throw new SchedulerError('ILLEGAL_TRANSITION', { details: { job: job.id, status: job.status, event: event.type } });
  }
  switch (event.type) {
    case 'claim':
      return { job: claimed(job, event, now), event: 'claimed' };
    case 'commit':
      return { job: { ...job, status: 'committing', phase: 'commit', committedMs: now }, event: 'committing' };
    case 'confirm':
      return { job: { ...job, ...RELEASED, status: 'success', finishedMs: now, failure: null, note: null }, event: 'published' };
    case 'fail':
      return failed(job, event, now);
    case 'defer':
      return { job: deferred(job, event, now), event: 'deferred' };
    case 'doubt':
      return { job: uncertain(job, event.failure, now), event: 'uncertain' };
    case 'holder_died':
      return holderDied(job, event, now);
    case 'verdict':
      return { job: settled(job, event, now), event: 'settled' };
    case 'skip':
      return { job: { ...job, ...RELEASED, status: 'skipped', note: event.reason, finishedMs: now }, event: 'skipped' };
    case 'edit':
      return { job: edited(job, event.edit, now), event: 'edited' };
    case 'retry':
      return { job: retryOrdered(job, event.grant, now), event: 'retry_ordered' };
    case 'posted_before':
      return { job: postedBefore(job, event, now), event: 'uncertain' };
  }
}

function claimed(job: Job, event: JobEvent & { type: 'claim' }, now: number): Job {
  return {
    ...job,
    status: 'claimed',
    account: event.account,
    device: event.device,
    postKey: event.postKey,
    worker: event.worker,
    claimToken: event.token,
    epoch: event.epoch,
    leaseUntilMs: event.leaseUntilMs,
    passNumber: event.passNumber,
    attempts: job.attempts + 1,
    phase: 'prepare',
    note: null,
    claimedMs: now,
    lastAttemptMs: now,
    finishedMs: null,
  };
}

function failed(job: Job, event: JobEvent & { type: 'fail' }, now: number): Transition {
  const { category } = event.failure;
  const failuresByCategory = { ...job.failuresByCategory, [category]: (job.failuresByCategory[category] ?? 0) + 1 };
  const after = { ...job, ...RELEASED, failure: event.failure, failuresByCategory, device: null, deferredSinceMs: null };
  return event.retryAtMs === null
    ? { job: { ...after, status: 'failed', finishedMs: now }, event: 'failed' }
    : { job: { ...after, status: 'retrying', dueMs: event.retryAtMs }, event: 'action_retry' };
}
