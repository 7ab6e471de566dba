/**
 * Whether every loop of this process still gets somewhere. The heartbeat and
 * the service's watchdog are fed only while it does.
 *
 * A loop makes progress while it is inside a named wait or phase whose limit is
 * not over; the limits are on the monotonic clock, so a set or slept clock does
 * not make a healthy process look hung.
 */
import type { Clock } from '../runtime/clock.ts';

/** Beyond a step's own limit: the time a busy machine may need to notice that it is over. */
const SLACK_MS = 15_000;

interface Step {
  readonly what: string;
  readonly deadline: number;
}

export class Progress {
  readonly #clock: Clock;
  readonly #steps = new Map<string, Step>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `loop` now does `what`, which is to be over within `limitMs`. */
  enter(loop: string, what: string, limitMs: number): void {
    this.#steps.set(loop, { what, deadline: this.#clock.monotonic() + limitMs + SLACK_MS });
  }

  /** `loop` has ended and is not expected to make progress any more. */
  leave(loop: string): void {
    this.#steps.delete(loop);
  }

  /** `work` is `loop`'s only step: it has left when that is over, however it ends. */
  async during<T>(loop: string, limitMs: number, work: () => Promise<T>): Promise<T> {
    this.enter(loop, 'its work', limitMs);
    return await work().finally(() => this.leave(loop));
  }

  /** The first loop that is past its limit, in words; null = all is well. */
  stalled(): string | null {
    const now = this.#clock.monotonic();
    for (const [loop, step] of this.#steps) {
      if (now > step.deadline) return `${loop} has been in "${step.what}" for too long`;
    }
    return null;
  }
}
