/** What a job looks like when it gets in, freshly added or found elsewhere. Pure, shared by every store. */
import { ACCOUNT_BUSY, type Job, POST_COUNTS } from '../domain/job.ts';
import { keyFor } from './key-tail.ts';
import type { NewJob } from './store.ts';

export interface Intake {
  readonly batch: string;
  /** Name of the batch's pool; used when the job is not bound to one account. */
  readonly pool: string;
  readonly seq: number;
  /** Epoch milliseconds; without a `publish_at` it is due at once. */
  readonly now: number;
}

export function newJob(job: NewJob, intake: Intake): Job {
  return {
    id: job.id,
    videoPath: job.videoPath,
    sha256: job.sha256,
    caption: job.caption,
    pool: job.account === null ? intake.pool : null,
    account: job.account,
    device: null,
    postKey: null,
    repeat: job.repeat,
    status: 'pending',
    dueMs: job.publishAtMs ?? intake.now,
    publishAtMs: job.publishAtMs,
    priority: job.priority,
    attempts: 0,
    maxAttempts: job.maxAttempts,
    retry: job.retry ?? null,
    deferrals: 0,
    deferredSinceMs: null,
    crashes: 0,
    failuresByCategory: {},
    phase: null,
    failure: null,
    note: null,
    worker: null,
    claimToken: null,
    epoch: 0,
    leaseUntilMs: null,
    createdMs: intake.now,
    claimedMs: null,
    committedMs: null,
    uncertainMs: null,
    finishedMs: null,
    lastAttemptMs: null,
    passNumber: 0,
    batch: intake.batch,
    seq: intake.seq,
  };
}

/**
 * A job as an importer found it, made to fit: whoever held it elsewhere does not hold it here, so a claim becomes a doubt; what counts as a
 * post has its key and its instant; without an account nothing can be busy, and it belongs to a pool.
 */
export function normalised(job: Job, seq: number): Job {
  const wasHeld = job.status === 'claimed' || job.status === 'committing';
  const found: Job = {
    ...job,
    seq,
    status: wasHeld ? 'uncertain' : job.status,
    device: null,
    worker: null,
    claimToken: null,
    leaseUntilMs: null,
    phase: null,
    epoch: 0,
  };
  if (found.account === null) {
    const status = POST_COUNTS.includes(found.status) || ACCOUNT_BUSY.includes(found.status) ? 'skipped' : found.status;
    return { ...found, status, pool: found.pool ?? '*', crashes: 0, postKey: null };
  }
  if (!POST_COUNTS.includes(found.status)) return found;
  const committedMs = found.committedMs ?? found.finishedMs ?? found.lastAttemptMs ?? found.createdMs;
  return {
    ...found,
    committedMs,
    uncertainMs: found.status === 'uncertain' ? (found.uncertainMs ?? committedMs) : found.uncertainMs,
    postKey: found.postKey ?? keyFor(found.account, found),
  };
}
