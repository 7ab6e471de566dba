/**
 * Time that only moves when a test says so. Sleepers wake in the order of
 * their due times; between two of them everything that can run, runs.
 */
import type { Clock } from '../../src/runtime/clock.ts';

interface Sleeper {
  readonly dueMonotonic: number;
  readonly reason: string;
  readonly order: number;
  wake(): void;
}

interface Watcher {
  readonly reason: string | null;
  found(): void;
}

/** Monday 2026-01-05 12:00 UTC, a day without daylight saving anywhere in Europe or America. */
export const MONDAY_NOON = Date.UTC(2026, 0, 5, 12);

export class VirtualClock implements Clock {
  #wallOffset: number;
  #monotonic = 0;
  #order = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<Watcher>();
  /** The reasons of all sleeps so far, in order. */
  readonly slept: { readonly ms: number; readonly reason: string }[] = [];

  constructor(startMs: number = MONDAY_NOON) {
    this.#wallOffset = startMs;
  }

  now(): number {
    return this.#wallOffset + this.#monotonic;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, reason: string, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    this.slept.push({ ms, reason });
    return new Promise((resolve) => {
      const aborted = () => {
        this.#sleepers.delete(sleeper);
        resolve(false);
      };
      const sleeper: Sleeper = {
        dueMonotonic: this.#monotonic + Math.max(0, ms),
        reason,
        order: this.#order++,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', aborted);
          resolve(true);
        },
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#sleepers.add(sleeper);
      for (const watcher of this.#watchers) if (watcher.reason === null || watcher.reason === reason) watcher.found();
    });
  }

  /** The reasons and due times (wall, ms) of all that wait now, soonest first. */
  waiting(): { readonly reason: string; readonly atMs: number }[] {
    return this.#inOrder().map((sleeper) => ({ reason: sleeper.reason, atMs: this.#wallOffset + sleeper.dueMonotonic }));
  }

  /** Resolves when somebody waits, for this reason if one is given; at once when somebody does. */
  async untilWaiting(reason: string | null = null): Promise<void> {
    if (this.#inOrder().some((sleeper) => reason === null || sleeper.reason === reason)) return;
    await new Promise<void>((resolve) => {
      const watcher: Watcher = {
        reason,
        found: () => {
          this.#watchers.delete(watcher);
          resolve();
        },
      };
      this.#watchers.add(watcher);
    });
  }

  /** Lets `ms` pass. Sleepers whose time comes wake in order, and what they start runs before the next one wakes. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await settle();
    for (;;) {
      const next = this.#inOrder()[0];
      if (next === undefined || next.dueMonotonic > end) break;
      this.#monotonic = Math.max(this.#monotonic, next.dueMonotonic);
      next.wake();
      await settle();
    }
    this.#monotonic = end;
    await settle();
  }

  /** Lets time pass, sleeper by sleeper, until `work` settles, and answers what it did. Fails when nobody waits and it never would. */
  async run<T>(work: Promise<T>, limitMs = 365 * 24 * 3_600_000): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    const end = this.#monotonic + limitMs;
    await settle();
    while (!settled) {
      const next = this.#inOrder()[0];
      if (next === undefined) {
        await Promise.race([done, this.untilWaiting()]);
        continue;
      }
      if (next.dueMonotonic > end)
        throw new Error(`not done after ${limitMs} virtual ms; waiting for: ${this.waiting().map((w) => w.reason)}`);
      await this.advance(Math.max(0, next.dueMonotonic - this.#monotonic));
    }
    return done;
  }

  /** Somebody keeps the event loop to himself: both clocks go on, and nobody wakes before he is done. */
  block(ms: number): void {
    this.#monotonic += ms;
  }

  /** The machine sleeps: wall time goes on, monotonic time and sleepers do not. */
  suspend(ms: number): void {
    this.#wallOffset += ms;
  }

  /** Somebody sets the wall clock. */
  setWall(ms: number): void {
    this.#wallOffset = ms - this.#monotonic;
  }

  #inOrder(): Sleeper[] {
    return [...this.#sleepers].sort((a, b) => a.dueMonotonic - b.dueMonotonic || a.order - b.order);
  }
}

/** Gives everything that is ready its turn, chains of promises and short I/O included. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
