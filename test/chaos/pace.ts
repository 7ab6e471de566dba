/**
 * Lets the publisher through its gates after a short seeded while, so that a
 * life lasts long enough to be hit anywhere, and hands single visits to a fault
 * that wants to strike exactly there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gate, Stage, Visit } from '../process/stage.ts';
import type { SeededRandom } from '../support/fake-random.ts';

/** The gates that every attempt passes. */
export const GATES = ['before', 'committed', 'acted'] as const satisfies readonly Gate[];
export type ActGate = (typeof GATES)[number];
const LONGEST_PAUSE_MS = 40;

export class Pace {
  readonly #stage: Stage;
  readonly #random: SeededRandom;
  readonly #meetings = new Map<ActGate, (visit: Visit) => void>();

  constructor(stage: Stage, random: SeededRandom) {
    this.#stage = stage;
    this.#random = random;
    for (const gate of GATES) {
      stage.hold(gate);
      void this.#attend(gate);
    }
  }

  /** How many visits there were at all gates. */
  get visits(): number {
    return this.#stage.visits.length;
  }

  /** The next visit at the gate, which then waits for `go()`; null when `over` comes first. */
  async meet(gate: ActGate, over: Promise<unknown>): Promise<Visit | null> {
    const met = new Promise<Visit>((resolve) => this.#meetings.set(gate, resolve));
    const visit = await Promise.race([met, over.then(() => null)]);
    this.#meetings.delete(gate);
    return visit;
  }

  async #attend(gate: ActGate): Promise<void> {
    for (let number = 0; ; number++) {
      const visit = await this.#stage.visit(gate, number);
      const meeting = this.#meetings.get(gate);
      this.#meetings.delete(gate);
      if (meeting !== undefined) meeting(visit);
      else void sleep(this.#random.fraction() * LONGEST_PAUSE_MS).then(() => visit.go());
    }
  }
}
