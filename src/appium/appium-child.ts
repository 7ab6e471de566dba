/**
 * One life of Appium as a child process: started, read, noticed when it ends.
 *
 * It is node itself on Appium's own entry (so that the pid is Appium's), in a
 * process group of its own (so that its adb children end with it). Whether and
 * when to start another is server-process.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/environment.ts';
import type { Logger } from '../runtime/logger.ts';
import { endTree, startTicks } from '../runtime/processes.ts';
import { AppiumLog } from './appium-log.ts';

/** SIGTERM lets Appium end its sessions; a running command holds it up, so the group is killed after this. */
const GRACE_MS = 5_000;
/** The last lines arrive a moment after the exit; an orphaned grandchild may hold the pipe open for ever. */
const LAST_LINES_MS = 500;

export interface AppiumChildOptions {
  readonly entry: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  /** `NAME=value` of that environment by which all that it starts is known as ours. */
  readonly marker: string;
  readonly port: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class AppiumChild {
  readonly port: number;
  /** Aborts the moment the process has ended. */
  readonly over: AbortSignal;
  /** Monotonic milliseconds when it became ready; null = not yet. */
  readyAt: number | null = null;
  readonly #process: ChildProcess;
  readonly #options: AppiumChildOptions;
  readonly #log: AppiumLog;
  readonly #closed = new AbortController();
  #ended: string | null = null;
  #startTicks: number | null = null;

  constructor(options: AppiumChildOptions) {
    this.#options = options;
    this.port = options.port;
    this.#log = new AppiumLog(options.logger);
    const over = new AbortController();
    this.over = over.signal;
    const end = (how: string) => {
      this.#ended ??= how;
      over.abort();
    };
    this.#process = spawn(process.execPath, [options.entry, ...options.args], {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.once('error', (error) => end(error.message));
    this.#process.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `ended by ${signal}`));
    this.#process.once('close', () => this.#closed.abort());
    this.#read(this.#process.stdout);
    this.#read(this.#process.stderr);
  }

  /** 0 when it could not even be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** How it ended; null while it runs. */
  get ended(): string | null {
    return this.#ended;
  }

  get lastLines(): string {
    return this.#log.last;
  }

  /** Who it is, so that nobody else is ever ended in its place; null when it has ended already. */
  async identity(): Promise<{ readonly pid: number; readonly startTicks: number } | null> {
    if (this.#startTicks === null && this.#ended === null) this.#startTicks = await startTicks(this.pid);
    return this.#startTicks === null ? null : { pid: this.pid, startTicks: this.#startTicks };
  }

  /** Ends it and all that it started, also what is left of them when it has ended by itself. Resolves when they are gone. */
  async end(): Promise<void> {
    const { clock, marker } = this.#options;
    const identity = await this.identity();
    if (identity !== null) await endTree(identity, { graceMs: GRACE_MS, clock, marker });
    if (this.#ended !== null) return;
    // Where no start time can be told (Windows) its own handle still names our child and nobody else.
    if (identity === null) this.#process.kill('SIGKILL');
    await clock.sleep(GRACE_MS, 'appium exit', this.over);
  }

  /** Waits until what it said last was read. */
  async lastWords(): Promise<void> {
    if (!this.#closed.signal.aborted) await this.#options.clock.sleep(LAST_LINES_MS, 'appium output', this.#closed.signal);
  }

  #read(stream: Readable | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (line) => this.#log.add(line));
  }
}
