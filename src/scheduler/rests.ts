/**
 * Phones that workers leave alone: they rest between two posts
 * (`delay_between_posts`), are needed for a look at an uncertain job, or were
 * paused by a person. Kept in memory: one process owns a home, and after its
 * restart a phone has rested; who is paused is read from the store again.
 */
import type { Clock } from '../runtime/clock.ts';

/** A phone that was taken for a look is asked for again after this. */
const TAKEN_LOOK_MS = 1_000;

export class Rests {
  readonly #clock: Clock;
  readonly #restMs: number;
  readonly #untilMs = new Map<string, number>();
  readonly #taken = new Map<string, number>();
  #paused: readonly string[] = [];

  constructor(clock: Clock, restMs: number) {
    this.#clock = clock;
    this.#restMs = restMs;
  }

  begin(device: string): void {
    this.#untilMs.set(device, this.#clock.monotonic() + this.#restMs);
  }

  /** Keeps workers from the phone until the returned function is called. */
  take(device: string): () => void {
    this.#taken.set(device, (this.#taken.get(device) ?? 0) + 1);
    return () => {
      const left = (this.#taken.get(device) ?? 1) - 1;
      if (left > 0) this.#taken.set(device, left);
      else this.#taken.delete(device);
    };
  }

  /** Keeps workers from exactly these until it is called again; a drain does not wait for them. */
  pause(devices: readonly string[]): void {
    this.#paused = devices;
  }

  /** The phones that must not be used now. */
  resting(): readonly string[] {
    return [...new Set([...this.#soonFree(), ...this.#paused])];
  }

  #soonFree(): readonly string[] {
    const now = this.#clock.monotonic();
    for (const [device, until] of this.#untilMs) if (until <= now) this.#untilMs.delete(device);
    return [...new Set([...this.#untilMs.keys(), ...this.#taken.keys()])];
  }

  /** Milliseconds until the first phone may be free again; null when none is kept from the workers. */
  nextMs(): number | null {
    if (this.#soonFree().length === 0) return null;
    const rested = Math.min(...this.#untilMs.values()) - this.#clock.monotonic();
    return Math.max(1, this.#taken.size > 0 ? Math.min(rested, TAKEN_LOOK_MS) : rested);
  }
}
