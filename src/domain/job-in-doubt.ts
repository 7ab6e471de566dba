/**
 * What becomes of a job whose holder died, whose outcome nobody knows, or which
 * a person takes in hand: the arrows of `transition` (job.ts) that do not come
 * from a worker at its regular work.
 */
import type { Failure } from './failure.ts';
import { failureOf, withDoubt } from './failure-types.ts';
import type { Job, JobEdit, JobEvent, Transition } from './job.ts';

/** A job found in this many crashes runs alone from then on. */
export const CRASHES_BEFORE_ALONE = 2;
/** After this many crashes while alone it has failed for good (type `poison`). */
export const CRASHES_ALONE = 3;

/** A job that must run alone waits so long for a quiet moment; then nothing else starts until it has run. */
export const ALONE_PATIENCE_MS = 600_000;
/** A job that came to its turn later than this after it was due has waited for a cap, a window or its turn; it was not put off. */
const WAITED_ITS_TURN_MS = 24 * 60 * 60_000;

/** Nobody holds it any more. */
export const RELEASED = { worker: null, claimToken: null, leaseUntilMs: null, phase: null } as const;

export function uncertain(job: Job, failure: Failure, now: number): Job {
  return {
    ...job,
    ...RELEASED,
    status: 'uncertain',
    failure: withDoubt(failure, true),
    committedMs: job.committedMs ?? now,
    uncertainMs: now,
  };
}

/** A refunded job that was never really tried goes back to its pool; one that was stays with its account. */
export function deferred(job: Job, event: JobEvent & { type: 'defer' }, now: number): Job {
  const attempts = job.attempts - 1;
  const untouched = attempts === 0 && job.crashes === 0 && job.pool !== null;
  const inARow = (job.claimedMs ?? now) - job.dueMs <= WAITED_ITS_TURN_MS;
  return {
    ...job,
    ...RELEASED,
    status: attempts > 0 ? 'retrying' : 'pending',
    attempts,
    deferrals: job.deferrals + 1,
    deferredSinceMs: (inARow ? job.deferredSinceMs : null) ?? now,
    dueMs: event.untilMs,
    device: null,
    account: untouched ? null : job.account,
    postKey: untouched ? null : job.postKey,
    failure: event.failure ?? job.failure,
    note: event.reason,
  };
}

export function holderDied(job: Job, event: JobEvent & { type: 'holder_died' }, now: number): Transition {
  const failure = failureOf({
    category: 'infrastructure',
    type: 'holder_died',
    phase: job.phase ?? 'prepare',
    message: event.message,
    uncertain: job.status === 'committing',
  });
  if (job.status === 'committing') return { job: uncertain(job, failure, now), event: 'uncertain' };
  const crashes = job.crashes + (event.counts ? 1 : 0);
  const after = { ...job, ...RELEASED, attempts: job.attempts - 1, crashes, device: null };
  if (crashes >= CRASHES_BEFORE_ALONE + CRASHES_ALONE) {
    return {
      job: { ...after, status: 'failed', failure: { ...failure, category: 'unknown', type: 'poison', retryable: false }, finishedMs: now },
      event: 'failed',
    };
  }
  return { job: { ...after, status: after.attempts > 0 ? 'retrying' : 'pending', failure, dueMs: now }, event: 'returned' };
}

/** `absent` is not given back: the attempt was really made. */
export function settled(job: Job, event: JobEvent & { type: 'verdict' }, now: number): Job {
  const note = `settled as ${event.verdict} by ${event.by}`;
  if (event.verdict === 'published') return { ...job, status: 'success', finishedMs: now, note };
  const failure = job.failure && withDoubt(job.failure, false);
  const after = { ...job, failure, committedMs: null, uncertainMs: null, device: null, note };
  return event.retryAtMs === null
    ? { ...after, status: 'failed', finishedMs: now }
    : { ...after, status: 'retrying', dueMs: event.retryAtMs };
}

export function retryOrdered(job: Job, grant: number, now: number): Job {
  return {
    ...job,
    status: job.attempts > 0 ? 'retrying' : 'pending',
    maxAttempts: job.attempts + grant,
    failuresByCategory: {},
    crashes: 0,
    deferredSinceMs: null,
    // Its wish is now: else it would be too late again.
    publishAtMs: job.publishAtMs === null ? null : now,
    dueMs: now,
    finishedMs: null,
    note: 'a person ordered another try',
  };
}

export function postedBefore(job: Job, event: JobEvent & { type: 'posted_before' }, now: number): Job {
  const failure = failureOf({ category: 'unknown', type: 'posted_before', phase: 'commit', message: event.message, uncertain: true });
  return { ...uncertain(job, failure, now), account: event.account, postKey: event.postKey, committedMs: event.committedMs };
}

/** A new time moves the next attempt; a pause after a failure is not cut short by one that has passed. */
export function edited(job: Job, { publishAtMs, ...edit }: JobEdit, now: number): Job {
  if (publishAtMs === undefined) return { ...job, ...edit };
  const least = job.status === 'retrying' ? job.dueMs : now;
  return { ...job, ...edit, publishAtMs, dueMs: Math.max(publishAtMs ?? now, least) };
}
