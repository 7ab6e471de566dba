/** The seeded dice of a life: the same seed throws the same. */
import { SeededRandom } from '../support/fake-random.ts';

export class Chance {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b));
  }

  happens(probability: number): boolean {
    return probability > 0 && this.#random.fraction() < probability;
  }

  /** Uniform in [from, to). */
  between(from: number, to: number): number {
    return from + this.#random.fraction() * (to - from);
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)] as T;
  }
}
