/**
 * Attempts whose publish() has not come to its end, or came to it a moment ago:
 * such a publisher may still act, or its post is on its way. As long as one is
 * here, nobody believes that its post is absent.
 */
import type { Clock } from '../runtime/clock.ts';

interface Calls {
  readonly running: number;
  /** Monotonic instant of the last end. */
  readonly endedMs: number;
}

export class Unsettled {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Calls>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From the start of the attempt on: the rescuer may take its claim away while it still acts. */
  watch(jobId: string, publishing: Promise<unknown>): void {
    this.#count(jobId, 1);
    const ended = () => this.#count(jobId, -1);
    publishing.then(ended, ended);
  }

  /** @param settleMs a post may take this long from the act until it can be seen */
  has(jobId: string, settleMs: number): boolean {
    const calls = this.#jobs.get(jobId);
    if (calls === undefined) return false;
    if (calls.running > 0 || this.#clock.monotonic() - calls.endedMs < settleMs) return true;
    this.#jobs.delete(jobId);
    return false;
  }

  #count(jobId: string, more: number): void {
    this.#jobs.set(jobId, { running: (this.#jobs.get(jobId)?.running ?? 0) + more, endedMs: this.#clock.monotonic() });
  }
}
