/**
 * Ends what an earlier life started and could not end: the processes and
 * forwards that it wrote down (records.ts). A process is ended only if it is the
 * one that was recorded, by pid and start time; nothing that we did not start is
 * ever touched. Phones and files are for phones.ts, which can reach them.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { endTree } from '../runtime/processes.ts';
import type { Resource, Store } from '../stores/store.ts';

export interface ReaperParts {
  readonly store: Pick<Store, 'resources' | 'forgetResource'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: number;
  /** Marks, as `SCHED_INSTANCE`, every process that this home starts. */
  readonly instance: string;
  /** Removes the forward if the adb server still has it for that phone. */
  readonly removeForward: (serial: string, port: number) => Promise<void>;
}

const GRACE_MS = 5_000;

export class Reaper {
  readonly #parts: ReaperParts;

  constructor(parts: ReaperParts) {
    this.#parts = parts;
  }

  /** Looks through everything an earlier epoch recorded. One that cannot be ended stays on record for the next time. */
  async reap(): Promise<void> {
    const { store, epoch, logger } = this.#parts;
    const left = (await store.resources()).filter((resource) => resource.epoch < epoch);
    for (const resource of left) {
      try {
        if (await this.#end(resource)) await store.forgetResource(resource.id);
      } catch (error) {
        logger.error({ err: error, resource: resource.id }, 'What an earlier life started could not be ended');
      }
    }
  }

  /** True when it is over. */
  async #end({ kind, details, id }: Resource): Promise<boolean> {
    const { pid, startTicks, serial, port, what } = details;
    if (kind === 'forward' && typeof serial === 'string' && typeof port === 'number') {
      await this.#parts.removeForward(serial, port);
      return true;
    }
    if (kind !== 'process' || typeof pid !== 'number' || typeof startTicks !== 'number') return false;
    const { clock, logger, instance } = this.#parts;
    const result = await endTree({ pid, startTicks }, { graceMs: GRACE_MS, clock, marker: `SCHED_INSTANCE=${instance}` });
    if (result === 'ended') logger.warn({ pid, resource: id }, `Ended ${what} (PID ${pid}) that an earlier life left behind`);
    return true;
  }
}
