/** What the two sides of the overhead benchmark have in common: the order that each is given, and how it answers. */
import { performance } from 'node:perf_hooks';

export interface Chain {
  readonly appiumUrl: string;
  readonly adbPort: number;
  readonly env: Readonly<Record<string, string>>;
  /** `host:port`, also its adb serial. */
  readonly phone: string;
}

export interface Post {
  readonly id: string;
  readonly account: string;
  readonly path: string;
  readonly sha256: string;
  readonly caption: string;
}

/** Wall time of a whole post and of its parts, milliseconds. */
export interface Took {
  readonly ms: number;
  readonly parts: Readonly<Record<string, number>>;
}

export type Poster = (post: Post) => Promise<Took>;

/** Runs in a process of its own: whatever one side does to its connections or its heap must not help or hurt the other. */
export function answerOrders(open: (chain: Chain) => Poster): void {
  let poster: Poster | null = null;
  process.on('message', (message: { readonly chain: Chain; readonly post: Post }) => {
    poster ??= open(message.chain);
    poster(message.post).then(
      (took) => process.send?.({ took }),
      (error: unknown) => process.send?.({ problem: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.once('disconnect', () => process.exit());
}

/** Measures the parts of a post one after the other; `enter` begins the next one. */
export class Stopwatch {
  readonly #startedMs = performance.now();
  readonly #parts: Record<string, number> = {};
  #part: string | null = null;
  #enteredMs = 0;

  enter(part: string | null): void {
    const now = performance.now();
    if (this.#part !== null) this.#parts[this.#part] = (this.#parts[this.#part] ?? 0) + now - this.#enteredMs;
    this.#part = part;
    this.#enteredMs = now;
  }

  end(): Took {
    this.enter(null);
    return { ms: performance.now() - this.#startedMs, parts: this.#parts };
  }
}
