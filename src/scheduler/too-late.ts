/**
 * What comes too late is not blasted out: a job past its own `publish_at` by
 * more than `too_late` is skipped with the reason. Looked for before any work
 * begins, now and then, and once more at the claim, so that no outage and no
 * long rest of an account lets an old wish through.
 */
import { formatDuration } from '../domain/duration.ts';
import type { Job } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Part } from './house.ts';
import type { Progress } from './progress.ts';

export interface TooLateParts {
  readonly store: Pick<Store, 'change' | 'wishedBefore'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly epoch: number;
  readonly tooLateMs: number;
}

const LOOP = 'Too late';
const SWEEP_MS = 60_000;
/** With the wait before it. */
const SWEEP_LIMIT_MS = 5 * SWEEP_MS;

export class TooLate {
  readonly #parts: TooLateParts;

  constructor(parts: TooLateParts) {
    this.#parts = parts;
  }

  /** Sweeps once before the workers begin, then every minute. */
  part(): Part {
    const ended = new AbortController();
    let loop: Promise<void> = Promise.resolve();
    return {
      name: LOOP,
      start: async () => {
        await this.sweep();
        loop = this.#run(ended.signal);
      },
      stop: async () => {
        ended.abort();
        await loop;
      },
    };
  }

  /** Skips every waiting job that is too late; answers how many. */
  async sweep(): Promise<number> {
    const { store, clock, tooLateMs } = this.#parts;
    let skipped = 0;
    for (const job of await store.wishedBefore(clock.now() - tooLateMs)) if (await this.skips(job)) skipped += 1;
    return skipped;
  }

  /** True when the job was too late, and is skipped now. For a claimed job: only its holder may ask. */
  async skips(job: Job): Promise<boolean> {
    const { store, clock, logger, epoch, tooLateMs } = this.#parts;
    if (job.publishAtMs === null || clock.now() - job.publishAtMs < tooLateMs) return false;
    const reason = `too late: it was to be published at ${isoTime(job.publishAtMs)}, more than ${formatDuration(tooLateMs)} ago`;
    const claim = job.claimToken === null ? null : { jobId: job.id, token: job.claimToken, epoch: job.epoch };
    try {
      await store.change(job.id, { event: { type: 'skip', reason }, claim, epoch, who: job.worker ?? 'scheduler' });
    } catch (error) {
      // Somebody claimed it in between, and looks himself.
      if (error instanceof SchedulerError && (error.code === 'ILLEGAL_TRANSITION' || error.code === 'CLAIM_LOST')) return false;
      throw error;
    }
    logger.warn({ job: job.id, account: job.account }, `Job ${job.id} is skipped: ${reason}`);
    return true;
  }

  async #run(stop: AbortSignal): Promise<void> {
    const { clock, logger, progress } = this.#parts;
    for (;;) {
      progress.enter(LOOP, 'one look for what is too late', SWEEP_LIMIT_MS);
      if (!(await clock.sleep(SWEEP_MS, 'next look for what is too late', stop))) break;
      await this.sweep().catch((err: unknown) => logger.error({ err }, 'What is too late could not be looked for'));
    }
    progress.leave(LOOP);
  }
}
