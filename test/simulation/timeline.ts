/**
 * The time of a simulated world: one host, whose monotonic clock only moves when
 * everything that can run has run, and whose wall clock can be set or run on
 * while the machine sleeps. Knows nothing of processes.
 */

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  run: (() => void) | null;
}

export class Timeline {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #heap: Entry[] = [];

  constructor(startWallMs: number) {
    this.#wallOffsetMs = startWallMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  now(): number {
    return this.#monotonicMs + this.#wallOffsetMs;
  }

  /** Somebody sets the clock, or the machine slept: only wall time moves. */
  moveWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** Runs `work` after `ms`; the answer cancels it. */
  after(ms: number, work: () => void): () => void {
    const entry: Entry = { dueMs: this.#monotonicMs + Math.max(0, ms), order: this.#order++, run: work };
    this.#push(entry);
    return () => {
      entry.run = null;
    };
  }

  /** Lets time pass, one entry after the other, until `endMs` (monotonic) or until `done` says so. */
  async run(endMs: number, done: () => boolean): Promise<void> {
    await settle();
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > endMs) break;
      this.#pop();
      if (next.run === null) continue;
      this.#monotonicMs = next.dueMs;
      next.run();
      await settle();
    }
    if (!done()) this.#monotonicMs = Math.max(this.#monotonicMs, endMs);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent] as Entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!before(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** Nothing in a life waits for real I/O, so one turn of the event loop runs every chain of promises to its next wait. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
