/**
 * What is happening right now, kept for `--status`: which worker is at which
 * job in which phase, how Appium and the phones are. Written to the store as
 * one small value, at most once a second, so that looking needs no daemon.
 */
import type { DeviceInfo } from '../devices/device.ts';
import type { Phase } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Progress } from './progress.ts';
import type { PlannedLook } from './verifier.ts';
import type { AttemptStart, AttemptWatcher } from './watcher.ts';

interface WorkerNow {
  readonly job: string;
  readonly account: string | null;
  readonly device: string | null;
  readonly phase: Phase;
  readonly since: string;
}

export interface LiveBoardParts {
  readonly store: Pick<Store, 'setValue'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Progress;
  /** Another watcher that sees the same, such as the live lines of the terminal. */
  readonly also: AttemptWatcher | null;
  readonly workers: () => readonly {
    readonly id: number;
    readonly name: string;
    readonly jobs_completed: number;
    readonly jobs_failed: number;
  }[];
  readonly appium: () => readonly { readonly url: string; readonly healthy: boolean }[];
  readonly devices: () => readonly DeviceInfo[];
  /** Looks at uncertain jobs that will come by themselves. */
  readonly looks: () => readonly PlannedLook[];
  /** Why nothing is begun; null = nothing keeps it. */
  readonly pauseReason: () => string | null;
}

const WRITE_EVERY_MS = 1_000;
/** One write of a small value, and the wait after it. */
const ROUND_LIMIT_MS = 60_000;

export class LiveBoard implements AttemptWatcher {
  readonly #parts: LiveBoardParts;
  readonly #now = new Map<string, WorkerNow>();
  #last = '';

  constructor(parts: LiveBoardParts) {
    this.#parts = parts;
  }

  started(attempt: AttemptStart): void {
    const { id, account, device } = attempt.job;
    this.#now.set(attempt.worker, { job: id, account, device, phase: 'prepare', since: isoTime(attempt.atMs) });
    this.#parts.also?.started(attempt);
  }

  phase(worker: string, jobId: string, phase: Phase, atMs: number): void {
    const now = this.#now.get(worker);
    if (now) this.#now.set(worker, { ...now, phase });
    this.#parts.also?.phase(worker, jobId, phase, atMs);
  }

  ended(worker: string, job: Job, atMs: number): void {
    this.#now.delete(worker);
    this.#parts.also?.ended(worker, job, atMs);
  }

  /** Who is at work, and how far. */
  working(): readonly { readonly account: string | null; readonly phase: Phase }[] {
    return [...this.#now.values()];
  }

  looks(): readonly PlannedLook[] {
    return this.#parts.looks();
  }

  /** Writes what changed until `stop`; never throws: a full disk must not end a daemon that only wanted to show something. */
  async run(stop: AbortSignal): Promise<void> {
    const { clock, progress } = this.#parts;
    for (;;) {
      progress.enter('status board', 'one look at what happens', ROUND_LIMIT_MS);
      if (!(await clock.sleep(WRITE_EVERY_MS, 'next look at what happens', stop))) break;
      await this.write();
    }
    progress.leave('status board');
  }

  /** For the end: from when it is, is seen in the status. */
  async close(): Promise<void> {
    this.#last = '';
    await this.write();
  }

  async write(): Promise<void> {
    const value = this.#value();
    const text = JSON.stringify(value);
    if (text === this.#last) return;
    try {
      await this.#parts.store.setValue('live', { ...value, updated_at: isoTime(this.#parts.clock.now()) });
      this.#last = text;
    } catch (error) {
      this.#parts.logger.warn({ err: error }, 'What happens now could not be written');
    }
  }

  #value(): Readonly<Record<string, unknown>> {
    const { workers, appium, devices, looks, pauseReason } = this.#parts;
    return {
      paused: pauseReason() !== null,
      pause_reason: pauseReason(),
      appium: appium(),
      devices: devices().map(({ id, name, provider, state }) => ({ id, name, provider, state })),
      looks: looks().map(({ job, atMs }) => ({ job, at: isoTime(atMs) })),
      workers: workers().map(({ name, ...stats }) => ({ ...stats, ...this.#now.get(name) })),
    };
  }
}
