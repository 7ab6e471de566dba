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

/** Longer than any post may need until it can be seen. */
const REMEMBERED_MS = 7 * 86_400_000;

export class Unsettled {
  readonly #clock: Clock;
  /** Whatever an earlier life had under way ended before this one began. Wall time cannot tell when: it may have been set since. */
  readonly #bornMs: number;
  readonly #jobs = new Map<string, Calls>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#bornMs = clock.monotonic();
  }

  /** From the start of the attempt on: the rescuer may take its claim away while it still acts. */
  watch(jobId: string, publishing: Promise<unknown>): void {
    this.#count(jobId, 1);
    const ended = () => this.#count(jobId, -1);
    publishing.then(ended, ended);
  }

  /** @param settleMs a post may take this long from the act until it can be seen */
  has(jobId: string, settleMs: number): boolean {
    const { running, endedMs } = this.#jobs.get(jobId) ?? { running: 0, endedMs: this.#bornMs };
    return running > 0 || this.#clock.monotonic() - endedMs < settleMs;
  }

  #count(jobId: string, more: number): void {
    const running = (this.#jobs.get(jobId)?.running ?? 0) + more;
    // Taken out first, so that whoever ended longest ago stands first.
    this.#jobs.delete(jobId);
    this.#jobs.set(jobId, { running, endedMs: this.#clock.monotonic() });
    this.#forgetOld();
  }

  /** A daemon lives for months. */
  #forgetOld(): void {
    for (const [jobId, { running, endedMs }] of this.#jobs) {
      if (this.#clock.monotonic() - endedMs < REMEMBERED_MS) return;
      if (running === 0) this.#jobs.delete(jobId);
    }
  }
}
