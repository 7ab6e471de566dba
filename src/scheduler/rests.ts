/**
 * Phones rest between two posts (`delay_between_posts`). Kept in memory: after a
 * restart of the scheduler a phone has rested anyway.
 */
import type { Clock } from '../runtime/clock.ts';

export class Rests {
  readonly #clock: Clock;
  readonly #restMs: number;
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock, restMs: number) {
    this.#clock = clock;
    this.#restMs = restMs;
  }

  begin(device: string): void {
    this.#untilMs.set(device, this.#clock.monotonic() + this.#restMs);
  }

  /** The phones that must not be used now. */
  resting(): readonly string[] {
    const now = this.#clock.monotonic();
    for (const [device, until] of this.#untilMs) if (until <= now) this.#untilMs.delete(device);
    return [...this.#untilMs.keys()];
  }

  /** Milliseconds until the first resting phone has rested; null when none rests. */
  nextMs(): number | null {
    if (this.resting().length === 0) return null;
    return Math.max(1, Math.min(...this.#untilMs.values()) - this.#clock.monotonic());
  }
}
