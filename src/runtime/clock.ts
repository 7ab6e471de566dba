/**
 * Time, injected: the only file that reads the machine's clocks or sets timers.
 *
 * Two clocks, because they fail differently: wall time can be set, monotonic
 * time stops while a machine is suspended. A gap between them means "we slept".
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Wall time, epoch milliseconds. */
  now(): number;
  /** Milliseconds that only rise; they stand still while the machine is suspended. */
  monotonic(): number;
  /**
   * Waits. Resolves true when the time is over, false when `signal` aborted first; never rejects.
   * `reason` is what `--status` and the stall detector show for the wait.
   */
  sleep(ms: number, reason: string, signal?: AbortSignal): Promise<boolean>;
}

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  async sleep(ms: number, _reason: string, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return false;
    try {
      await delay(Math.max(0, ms), undefined, signal ? { signal } : {});
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Milliseconds on the monotonic clock that all processes of one boot share (CLOCK_MONOTONIC on Linux): nobody can set it,
 * and it stands still while the machine is suspended.
 */
export function bootClockMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** Thrown by `withLimit` when the time was over first. */
export class LimitExceeded extends Error {
  readonly limitMs: number;
  readonly reason: string;

  constructor(limitMs: number, reason: string) {
    super(`${reason}: not done within ${limitMs} ms`);
    this.name = 'LimitExceeded';
    this.limitMs = limitMs;
    this.reason = reason;
  }
}

/**
 * Runs `work` with a limit. At the limit, or when `signal` aborts, the signal given to
 * `work` aborts and the call rejects at once, also when `work` never settles.
 *
 * @throws LimitExceeded at the limit; the abort reason when `signal` aborted first
 */
export async function withLimit<T>(
  clock: Clock,
  limit: { readonly ms: number; readonly reason: string; readonly signal?: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const inner = new AbortController();
  const done = new AbortController();
  const outer = limit.signal;
  outer?.throwIfAborted();
  const forward = () => inner.abort(outer?.reason);
  outer?.addEventListener('abort', forward, { once: true });
  const aborted = new Promise<never>((_, reject) => {
    inner.signal.addEventListener('abort', () => reject(inner.signal.reason), { once: true });
  });
  const timer = clock.sleep(limit.ms, limit.reason, done.signal).then((over) => {
    if (over) inner.abort(new LimitExceeded(limit.ms, limit.reason));
  });
  try {
    return await Promise.race([work(inner.signal), aborted]);
  } finally {
    done.abort();
    outer?.removeEventListener('abort', forward);
    aborted.catch(() => undefined);
    await timer;
  }
}

/** ISO 8601 in UTC, for the borders. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Epoch milliseconds of an ISO 8601 time with offset; null when it is none. */
export function parseIsoTime(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
