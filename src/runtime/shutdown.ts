/**
 * The stages of a stop. First `signal`: nothing new is claimed, attempts before
 * the commit point end and are given back, those after it may confirm. Then
 * `hard`: whatever still runs is broken off. What each stage means for a job is
 * the scheduler's; when the process exits is main's.
 */
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';

export interface ShutdownOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Time from the first request to the hard end, milliseconds. Stay below the service manager's own limit. */
  readonly hardAfterMs: number;
  /** What SIGHUP means under a service manager; absent = the terminal was closed, so stop. */
  readonly onHangup?: (() => void) | undefined;
}

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

export class Shutdown {
  readonly #options: ShutdownOptions;
  readonly #quiet = new AbortController();
  readonly #hard = new AbortController();
  readonly #over = new AbortController();
  readonly #onSignal = (name: NodeJS.Signals) => this.#signalled(name);
  readonly #onStray = (reason: unknown) =>
    this.#options.logger.error({ err: reason }, 'A promise failed that nobody waits for (a publisher has forgotten it?); all else goes on');
  #reason: string | null = null;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Aborts at the first request: no more claims. */
  get signal(): AbortSignal {
    return this.#quiet.signal;
  }

  /** Aborts when the time for an orderly stop is over, or somebody insists. */
  get hard(): AbortSignal {
    return this.#hard.signal;
  }

  /** Why it stops; null while it does not. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Begins the orderly stop; further requests change nothing. */
  request(reason: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    const { clock, logger, hardAfterMs } = this.#options;
    logger.info({ reason }, 'Stopping: no new posts; a post under way may finish');
    this.#quiet.abort(new Error(reason));
    void clock.sleep(hardAfterMs, 'orderly stop', this.#over.signal).then((over) => {
      if (over) this.force(`not stopped within ${hardAfterMs} ms`);
    });
  }

  /** Ends everything now. */
  force(reason: string): void {
    this.request(reason);
    if (this.#hard.signal.aborted) return;
    this.#options.logger.warn({ reason }, 'Stopping now: what is under way is broken off');
    this.#hard.abort(new Error(reason));
  }

  /**
   * Listens to the signals that end a process: the first one stops in order, the second one now. A promise that a
   * publisher has forgotten would end it too, and the other workers' posts with it; it is only told.
   */
  onSignals(): void {
    for (const name of SIGNALS) process.on(name, this.#onSignal);
    process.on('unhandledRejection', this.#onStray);
  }

  /**
   * Everything has stopped: no timer of ours keeps the process alive. The signals stay caught, for one that arrives
   * while the home is closed must neither leave its lock behind nor look like a crash.
   */
  done(): void {
    this.#over.abort();
  }

  #signalled(name: NodeJS.Signals): void {
    if (this.#over.signal.aborted) return;
    const { onHangup } = this.#options;
    if (name === 'SIGHUP' && onHangup !== undefined) onHangup();
    else if (this.#reason === null) this.request(name);
    else this.force(`${name} again`);
  }
}
