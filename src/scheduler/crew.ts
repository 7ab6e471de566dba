/**
 * The workers as a crew: they work side by side until told to stop (a daemon),
 * or through one pass (a drain). One worker's trouble does not take the others
 * with it. An idle one sleeps until something may have become possible.
 */
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Ended } from './outcome.ts';
import type { Progress } from './progress.ts';
import type { Rests } from './rests.ts';
import type { Wake } from './wake.ts';
import type { Worker } from './worker.ts';

export interface CrewParts {
  readonly workers: readonly Worker[];
  readonly store: Pick<Store, 'nextWake'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly wake: Wake;
  readonly rests: Rests;
  /** Null while a worker may begin an attempt; otherwise why not (paused, publisher broken). */
  readonly resting: () => string | null;
  /** Aborts when no new attempt may begin. */
  readonly stop: AbortSignal;
  /** Called when the store knows a newer epoch: every write of this process would be refused for ever, so it has to end. */
  readonly overtaken?: () => void;
}

/** An idle worker looks again at least this often, should a notification have been missed. */
const IDLE_LOOK_MS = 30_000;
const AFTER_ERROR_MS = 5_000;

export class Crew {
  readonly #parts: CrewParts;
  #busy = 0;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  /** All workers, until `stop`. */
  async work(): Promise<void> {
    await Promise.all(this.#parts.workers.map((worker) => this.#keepWorking(worker)));
  }

  /** One pass: all workers, until no job can be claimed, none is under way and no phone only rests. */
  async sweep(passNumber: number): Promise<readonly Ended[]> {
    const ends: Ended[] = [];
    await Promise.all(this.#parts.workers.map((worker) => this.#sweepWith(worker, passNumber, ends)));
    return ends;
  }

  async #keepWorking(worker: Worker): Promise<void> {
    const { stop, wake, progress } = this.#parts;
    while (!stop.aborted) {
      const wait = wake.listen();
      const ended = await this.#round(worker, 0);
      if (ended !== null) {
        wake.notify(); // an account and a phone are free again
      } else if (!stop.aborted) {
        const ms = await this.#idleMs();
        progress.enter(worker.name, 'waiting for work', ms);
        await wait(ms, 'no job can run now', stop);
      }
    }
    progress.leave(worker.name);
  }

  async #sweepWith(worker: Worker, passNumber: number, ends: Ended[]): Promise<void> {
    const { wake, rests, stop, progress } = this.#parts;
    while (!stop.aborted) {
      const wait = wake.listen();
      const ended = await this.#round(worker, passNumber);
      if (ended !== null) {
        ends.push(ended);
        wake.notify();
        continue;
      }
      const restMs = rests.nextMs();
      if (this.#busy === 0 && restMs === null) break;
      progress.enter(worker.name, 'waiting for a phone', IDLE_LOOK_MS);
      await wait(Math.min(restMs ?? IDLE_LOOK_MS, IDLE_LOOK_MS), 'all phones are in use or rest', stop);
    }
    wake.notify();
    progress.leave(worker.name);
  }

  async #round(worker: Worker, passNumber: number): Promise<Ended | null> {
    const { resting, stop, logger, clock } = this.#parts;
    if (resting() !== null) return null;
    this.#busy++;
    try {
      return await worker.round(passNumber, stop);
    } catch (error) {
      logger.error({ err: error, worker: worker.id }, `${worker.name} ran into trouble`);
      if (error instanceof SchedulerError && error.code === 'LOCK_LOST') this.#parts.overtaken?.();
      await clock.sleep(AFTER_ERROR_MS, 'pause after trouble', stop);
      return null;
    } finally {
      this.#busy--;
    }
  }

  async #idleMs(): Promise<number> {
    const { store, clock, rests, resting } = this.#parts;
    // Whoever ends a pause rings; a job that is due meanwhile must not keep the workers awake.
    if (resting() !== null) return IDLE_LOOK_MS;
    const next = await store.nextWake(clock.now());
    const untilNext = next === null ? IDLE_LOOK_MS : Math.max(next.atMs - clock.now(), 50);
    return Math.min(IDLE_LOOK_MS, untilNext, rests.nextMs() ?? IDLE_LOOK_MS);
  }
}
