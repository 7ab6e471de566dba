/**
 * One worker: takes a job that may run now, runs one attempt at it, rests the
 * phone, and again. Many run side by side in one process; the store sees to it
 * that no two hold the same account or phone.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import { READY_LIMIT_MS } from './appium-guard.ts';
import { Attempt, type AttemptParts, type ClaimedJob } from './attempt.ts';
import type { Except } from './breakers.ts';
import { LEASE_MS, Lease } from './lease.ts';
import type { Ended } from './outcome.ts';
import { stalledAfterMs } from './phase-timer.ts';
import type { Progress } from './progress.ts';
import type { Rests } from './rests.ts';
import type { TooLate } from './too-late.ts';

export interface WorkerParts {
  readonly attempt: AttemptParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly rests: Rests;
  readonly epoch: number;
  /** Resolves true when what the publishers need (Appium) is ready, false when the scheduler stops first; calls `alive` while it tries. */
  readonly ready: (stop: AbortSignal, alive: () => void) => Promise<boolean>;
  /** Limits this run; null = all accounts. */
  readonly onlyAccounts: readonly string[] | null;
  /** Absent = nothing is ever too late. */
  readonly tooLate?: Pick<TooLate, 'skips'>;
}

export class Worker {
  readonly id: number;
  readonly name: string;
  readonly #parts: WorkerParts;
  #completed = 0;
  #failed = 0;

  constructor(id: number, parts: WorkerParts) {
    this.id = id;
    this.name = `worker ${id}`;
    this.#parts = parts;
  }

  stats(): { readonly id: number; readonly jobs_completed: number; readonly jobs_failed: number } {
    return { id: this.id, jobs_completed: this.#completed, jobs_failed: this.#failed };
  }

  /**
   * One round: claim and attempt. Null when nothing can be claimed now, or the scheduler stops.
   *
   * @throws what the store throws; the caller decides whether to go on
   */
  async round(passNumber: number, stop: AbortSignal): Promise<Ended | null> {
    const { progress, clock, logger, rests, attempt } = this.#parts;
    const alive = () => progress.enter(this.name, 'waiting for Appium', READY_LIMIT_MS);
    if (!(await this.#parts.ready(stop, alive)) || stop.aborted) return null;
    progress.enter(this.name, 'claiming a job', LEASE_MS);
    const askedMonotonic = clock.monotonic();
    const job = await this.#claim(passNumber);
    if (!job) return null;
    if (await this.#parts.tooLate?.skips(job)) return { end: 'skipped', job };
    logger.info(
      { job: job.id, account: job.account, device: job.device, attempt: job.attempts, pass: passNumber },
      `Processing job ${job.id}${job.attempts > 1 ? ` (retry attempt ${job.attempts})` : ''}`,
    );
    progress.enter(this.name, `attempt at ${job.id}`, stalledAfterMs(attempt.phaseLimitsMs));
    const granted = { askedMonotonic, untilMs: job.leaseUntilMs };
    const lease = new Lease({ store: attempt.store, clock, logger }, { jobId: job.id, token: job.claimToken, epoch: job.epoch }, granted);
    try {
      const ended = await new Attempt({ ...attempt, logger }, job, lease).run();
      if (ended.end === 'published') this.#completed++;
      else if (ended.end !== 'deferred' && ended.end !== 'lost') this.#failed++;
      return ended;
    } finally {
      lease.end();
      if (job.device !== null) rests.begin(job.device);
      attempt.breakers?.ended(job);
    }
  }

  async #claim(passNumber: number): Promise<ClaimedJob | null> {
    const { attempt, epoch, random, rests, onlyAccounts } = this.#parts;
    const request = { worker: this.name, token: random.id(), epoch, leaseMs: LEASE_MS, passNumber, accounts: onlyAccounts };
    const ask = ({ exceptDevices, ...broken }: Except): Promise<ClaimedJob | null> =>
      attempt.store.claim({ ...request, ...broken, exceptDevices: [...rests.resting(), ...exceptDevices] }) as Promise<ClaimedJob | null>;
    return attempt.breakers === undefined ? ask({ exceptDevices: [] }) : attempt.breakers.claim(ask);
  }
}
