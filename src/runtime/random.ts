/** Randomness, injected: the only file that asks the machine for any. */

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
    // The global one: Node loads it when it is asked, and `node:crypto` at every start, also for a --status.
    return crypto.randomUUID();
  }
}
