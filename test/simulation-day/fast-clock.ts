/**
 * Virtual time for simulations of whole days with a hundred workers: a heap of
 * sleepers, and one turn of the event loop between two instants. That is enough
 * as long as nothing in the world does real I/O that takes a turn of its own.
 */
import type { Clock } from '../../src/runtime/clock.ts';

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  settle: ((over: boolean) => void) | null;
}

export class FastClock implements Clock {
  readonly #startMs: number;
  #elapsedMs = 0;
  #order = 0;
  readonly #heap: Sleeper[] = [];

  constructor(startMs: number) {
    this.#startMs = startMs;
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

  /** Lets time pass until `work` settles. */
  async run<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const done = work.finally(() => {
      settled = true;
    });
    done.catch(() => undefined);
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (settled) return done;
      const next = this.#pop();
      if (next === undefined) throw new Error('nobody waits for anything, and the work is not done');
      if (next.settle === null) continue;
      if (next.atMs > limitMs) throw new Error(`not done after ${limitMs} virtual ms`);
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

function before(a: Sleeper, b: Sleeper): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
