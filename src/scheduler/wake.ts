/**
 * Lets idle loops sleep until something may have become possible: a time is
 * over, a job was added, an attempt ended. Knows nothing of what that is.
 */
import type { Clock } from '../runtime/clock.ts';

export class Wake {
  readonly #clock: Clock;
  #bell = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends every wait that is under way. */
  notify(): void {
    const bell = this.#bell;
    this.#bell = new AbortController();
    bell.abort();
  }

  /**
   * A handle to wait on. Take it *before* looking whether there is work: a
   * notification between the look and the wait is then not lost.
   */
  listen(): (ms: number, reason: string, stop: AbortSignal) => Promise<void> {
    const bell = this.#bell.signal;
    return async (ms, reason, stop) => {
      await this.#clock.sleep(ms, reason, AbortSignal.any([bell, stop]));
    };
  }
}
