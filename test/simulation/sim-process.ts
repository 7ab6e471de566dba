/**
 * One simulated process: it runs, is frozen (SIGSTOP) or is dead, and everything
 * it does to the world outside goes through `pass`, where the weather may stop
 * it. What a dead process was waiting for never comes.
 */
import type { Clock } from '../../src/runtime/clock.ts';
import type { Timeline } from './timeline.ts';

export type ProcessState = 'running' | 'frozen' | 'dead';

/** What may happen to a process at a gate; thrown errors reach the production code. */
export interface Weather {
  before(process: SimProcess, gate: string): Promise<void> | undefined;
  after(process: SimProcess, gate: string): Promise<void> | undefined;
}

export class SimProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly #timeline: Timeline;
  readonly #weather: Weather;
  readonly #onEnd: (process: SimProcess) => void;
  #state: ProcessState = 'running';
  #parked: (() => void)[] = [];

  constructor(
    name: string,
    parts: { readonly timeline: Timeline; readonly weather: Weather; readonly onEnd: (process: SimProcess) => void },
  ) {
    this.name = name;
    this.#timeline = parts.timeline;
    this.#weather = parts.weather;
    this.#onEnd = parts.onEnd;
    this.clock = {
      now: () => this.#timeline.now(),
      monotonic: () => this.#timeline.monotonic(),
      sleep: (ms, _reason, signal) => this.#sleep(ms, signal),
    };
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** SIGKILL, a crash, an exit: nothing of it runs any more. */
  end(): void {
    if (this.#state === 'dead') return;
    this.#state = 'dead';
    this.#parked = [];
    this.#onEnd(this);
  }

  freeze(ms: number): void {
    if (this.#state !== 'running') return;
    this.#state = 'frozen';
    this.#timeline.after(ms, () => this.#thaw());
  }

  /** Something that touches the world outside, done only while it runs. */
  async pass<T>(gate: string, act: () => T | Promise<T>): Promise<T> {
    await this.#reach();
    const before = this.#weather.before(this, gate);
    if (before !== undefined) await before;
    if (this.#state !== 'running') await this.#reach();
    const result = await act();
    if (this.#state !== 'running') await this.#reach();
    const after = this.#weather.after(this, gate);
    if (after !== undefined) await after;
    if (this.#state !== 'running') await this.#reach();
    return result;
  }

  #reach(): Promise<void> | undefined {
    if (this.#state === 'running') return undefined;
    return new Promise((resolve) => this.#when(resolve));
  }

  #when(work: () => void): void {
    if (this.#state === 'running') work();
    else if (this.#state === 'frozen') this.#parked.push(work);
  }

  #thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    // Each in a turn of its own, in the order in which they fell due.
    for (const work of this.#parked.splice(0)) this.#timeline.after(0, () => this.#when(work));
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const aborted = () => {
        cancel();
        resolve(false);
      };
      const cancel = this.#timeline.after(ms, () =>
        this.#when(() => {
          signal?.removeEventListener('abort', aborted);
          resolve(true);
        }),
      );
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
