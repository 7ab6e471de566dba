/** Randomness that a test can foretell: a fixed fraction or a list of them, and numbered ids. */
import type { Random } from '../../src/runtime/random.ts';

export class FakeRandom implements Random {
  readonly #fractions: readonly number[];
  #drawn = 0;
  #ids = 0;

  constructor(...fractions: readonly number[]) {
    this.#fractions = fractions.length === 0 ? [0.5] : fractions;
  }

  fraction(): number {
    const fraction = this.#fractions[this.#drawn % this.#fractions.length] as number;
    this.#drawn += 1;
    return fraction;
  }

  id(): string {
    this.#ids += 1;
    return `id-${String(this.#ids).padStart(4, '0')}`;
  }
}

/** A seeded stream (mulberry32): the same seed gives the same life. */
export class SeededRandom implements Random {
  #state: number;
  #ids = 0;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  id(): string {
    this.#ids += 1;
    return `id-${String(this.#ids).padStart(6, '0')}`;
  }
}
