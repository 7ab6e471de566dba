/**
 * Brings home what a dead holder left: a job before its commit point goes back
 * to the queue, one past it becomes uncertain. Also compares the record of
 * posts with the store, so that a deleted, restored or copied database
 * publishes nothing again. Runs at every start, and now and then for a lease
 * that ran out while the process lives.
 */
import { failureOf } from '../domain/failure-types.ts';
import { type Job, POST_COUNTS } from '../domain/job.ts';
import { postKey } from '../domain/post-key.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { PostedEntry, Store } from '../stores/store.ts';
import { callPerson } from './alarm.ts';

export interface RescuerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: number;
}

const WHO = 'rescuer';

export class Rescuer {
  readonly #parts: RescuerParts;

  constructor(parts: RescuerParts) {
    this.#parts = parts;
  }

  /**
   * @param sameBoot false when the machine itself was restarted since: then no job is blamed for the end of its holder
   * @returns how many jobs were brought home
   */
  async rescue(sameBoot: boolean): Promise<number> {
    const { store, clock, logger, epoch } = this.#parts;
    const orphans = await store.orphans(epoch, clock.now());
    for (const job of orphans) {
      const message = `its holder (${job.worker ?? 'unknown'}, epoch ${job.epoch}) is gone`;
      try {
        const after = await store.change(job.id, {
          // A lease that ran out while this process lives is the machine's doing (it slept, its disk was full), not the job's.
          event: { type: 'holder_died', counts: sameBoot && job.epoch !== epoch, message },
          claim: null,
          epoch,
          who: WHO,
        });
        logger.warn(
          { job: job.id, was: job.status, now: after.status, crashes: after.crashes },
          `Job ${job.id}: ${message}, now ${after.status}`,
        );
      } catch (error) {
        // Its own attempt may have ended it a moment ago: then there is nothing to rescue.
        if (!(error instanceof SchedulerError && error.code === 'ILLEGAL_TRANSITION')) throw error;
      }
    }
    return orphans.length;
  }

  /**
   * Makes every job uncertain whose post is on record while the store does not hold it as made; a
   * record without its job (the database was deleted or restored) brings the job back, as public
   * when the record says that it was confirmed. A confirmation also settles a job that is uncertain already.
   *
   * @param missing what posted.jsonl knows and the store does not
   */
  async reconcile(missing: readonly PostedEntry[]): Promise<void> {
    for (const entry of missing) {
      try {
        await this.#reconcileOne(entry);
      } catch (error) {
        // Another job guards this post already, under the name of its file: nothing can be published again.
        if (!(error instanceof SchedulerError && error.code === 'ALREADY_PUBLISHED')) throw error;
      }
    }
  }

  async #reconcileOne(entry: PostedEntry): Promise<void> {
    const { store, logger, epoch } = this.#parts;
    const message = `posted.jsonl says that ${entry.account} was about to publish it; the database does not know the outcome`;
    const key = postKey(entry.account, entry.sha256, entry.repeat);
    const job = await store.job(entry.job);
    if (entry.confirmed && job?.status === 'uncertain' && job.postKey === key) return this.#confirm(job);
    // A job that is another account's post by now (its first holder was frozen before it wrote the line) keeps that; the line gets a job of its own.
    if (job && job.sha256 === entry.sha256 && !POST_COUNTS.includes(job.status)) {
      const event = { type: 'posted_before', account: entry.account, postKey: key, committedMs: entry.atMs, message } as const;
      await store.change(job.id, { event, claim: null, epoch, who: WHO });
      if (entry.confirmed) await this.#confirm(job);
      else callPerson(logger, 'uncertain', { job: job.id, account: entry.account }, `Job ${job.id} is uncertain: ${message}`);
    } else {
      await store.importJobs([remembered(entry, key, message)], WHO);
      const fields = { job: entry.job, account: entry.account };
      logger.warn(fields, `Job ${entry.job} was brought back from posted.jsonl`);
      if (!entry.confirmed) callPerson(logger, 'uncertain', fields, `Job ${entry.job} is uncertain: ${message}`);
    }
  }

  /** The record says that the post was confirmed: nobody need look, though the folder was added again to a new database. */
  async #confirm(job: Job): Promise<void> {
    const { store, logger, epoch } = this.#parts;
    const event = { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'posted.jsonl' } as const;
    await store.change(job.id, { event, claim: null, epoch, who: WHO });
    logger.warn({ job: job.id }, `Job ${job.id} was published before: posted.jsonl says that it was confirmed`);
  }
}

/** A job of which only the record of its post is left. */
function remembered(entry: PostedEntry, key: string, message: string): Job {
  const failure = failureOf({ category: 'unknown', type: 'posted_before', phase: 'commit', message, uncertain: true });
  return {
    ...BLANK,
    id: entry.job,
    sha256: entry.sha256,
    account: entry.account,
    postKey: key,
    repeat: entry.repeat,
    status: entry.confirmed ? 'success' : 'uncertain',
    failure: entry.confirmed ? null : failure,
    note: 'brought back from posted.jsonl',
    dueMs: entry.atMs,
    createdMs: entry.atMs,
    committedMs: entry.atMs,
    lastAttemptMs: entry.atMs,
    uncertainMs: entry.confirmed ? null : entry.atMs,
    finishedMs: entry.confirmed ? entry.atMs : null,
  };
}

const BLANK: Job = {
  id: '',
  videoPath: '',
  sha256: null,
  caption: '',
  pool: null,
  account: null,
  device: null,
  postKey: null,
  repeat: 0,
  status: 'pending',
  dueMs: 0,
  publishAtMs: null,
  priority: 0,
  attempts: 1,
  maxAttempts: null,
  deferrals: 0,
  crashes: 0,
  failuresByCategory: {},
  phase: null,
  failure: null,
  note: null,
  worker: null,
  claimToken: null,
  epoch: 0,
  leaseUntilMs: null,
  createdMs: 0,
  claimedMs: null,
  committedMs: null,
  uncertainMs: null,
  finishedMs: null,
  lastAttemptMs: null,
  passNumber: 0,
  batch: 'posted.jsonl',
  seq: 0,
};
