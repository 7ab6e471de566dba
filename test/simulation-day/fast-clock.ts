/**
 * Virtual time for simulations of whole days with a hundred workers: a heap of
 * sleepers, and one turn of the event loop between two instants, or as many as
 * the files need that are being read and written. Other I/O is not waited for.
 */
import type { Clock } from '../../src/runtime/clock.ts';

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  settle: ((over: boolean) => void) | null;
}

/** Turns of the event loop in which something that is not a file may still answer, such as a socket that is opened. */
const MOST_IDLE_TURNS = 10_000;

export class FastClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #heap: Sleeper[] = [];
  readonly #passing: (ms: number) => void;
  #held = 0;

  /** @param passing hears of each step before anybody wakes: the clocks of packages that cannot be given one */
  constructor(startMs: number, passing: (ms: number) => void = () => {}) {
    this.#startMs = startMs;
    this.#passing = passing;
  }

  now(): number {
    return this.#startMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, _reason: string, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const sleeper: Sleeper = { atMs: this.#elapsedMs + Math.max(0, ms), order: this.#order++, settle: null };
      const aborted = () => sleeper.settle?.(false);
      sleeper.settle = (over) => {
        sleeper.settle = null;
        signal?.removeEventListener('abort', aborted);
        resolve(over);
      };
      signal?.addEventListener('abort', aborted, { once: true });
      this.#push(sleeper);
    });
  }

  /** Time stands still while somebody does I/O that the clock cannot see. */
  async still<T>(work: Promise<T>): Promise<T> {
    this.#held += 1;
    return await work.finally(() => {
      this.#held -= 1;
    });
  }

  /** Lets time pass until `work` settles. */
  async run<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    let idleTurns = 0;
    for (;;) {
      do await new Promise<void>((resolve) => setImmediate(resolve));
      while (this.#held > 0 || filesAreBusy());
      if (settled) return done;
      const next = this.#pop();
      if (next === undefined) {
        idleTurns += 1;
        if (idleTurns > MOST_IDLE_TURNS) throw new Error('nobody waits for anything, and the work is not done');
        continue;
      }
      idleTurns = 0;
      if (next.settle === null) continue;
      if (next.atMs > limitMs) throw new Error(`not done after ${limitMs} virtual ms`);
      this.#passing(next.atMs - this.#elapsedMs);
      this.#elapsedMs = next.atMs;
      next.settle(true);
    }
  }

  #push(sleeper: Sleeper): void {
    const heap = this.#heap;
    let at = heap.push(sleeper) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(sleeper, heap[parent] as Sleeper)) break;
      heap[at] = heap[parent] as Sleeper;
      at = parent;
    }
    heap[at] = sleeper;
  }

  #pop(): Sleeper | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Sleeper, heap[child] as Sleeper)) child += 1;
      if (!before(heap[child] as Sleeper, last)) break;
      heap[at] = heap[child] as Sleeper;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function filesAreBusy(): boolean {
  return process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq') || name === 'CloseReq');
}

function before(a: Sleeper, b: Sleeper): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
