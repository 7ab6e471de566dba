/** Randomness, injected: the only file that asks the machine for any. */
import { randomUUID } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1). */
  fraction(): number;
  /** A new unguessable id. */
  id(): string;
}

export class SystemRandom implements Random {
  fraction(): number {
    return Math.random();
  }

  id(): string {
    return randomUUID();
  }
}
