/**
 * Appium as a supervised child: one server, kept startable, checkable, endable.
 *
 *   start ──▶ spawn on the first free port ──▶ ready ──▶ exit or restart ──▶ (back-off) spawn …
 *
 * Healthy means three things at once: the listener on the port is our child,
 * /status is ready, and the driver is there (`--use-drivers` ends Appium at once
 * when it is not). When to check and when to restart is the guard's decision.
 */
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/environment.ts';
import type { Logger } from '../runtime/logger.ts';
import { listenerPid } from '../runtime/processes.ts';
import type { Random } from '../runtime/random.ts';
import type { AppiumHealth, AppiumServer } from './appium.ts';
import { AppiumChild } from './appium-child.ts';
import { appiumHome } from './appium-home.ts';
import { observing } from './observing.ts';
import { firstFree } from './ports.ts';
import { restartDelayMs, shortLives } from './restart-backoff.ts';
import { askStatus } from './status-probe.ts';

const HOST = '127.0.0.1';
/** Measured: 1.4 s on a quiet machine, 5 s on a busy one. */
const START_LIMIT_MS = 60_000;
const READY_POLL_MS = 100;
/** A port may be taken between our look and Appium's bind; so often the next one is tried. */
const PORT_TRIES = 3;

/** A process of ours, as the store's resources table keeps it for the reaper. */
export interface StartedProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly port: number;
}

/** Told before the process is relied on, and when it is gone. */
export interface ProcessRecorder {
  onStarted(started: StartedProcess): Promise<void>;
  onEnded(ended: StartedProcess): Promise<void>;
}

export interface AppiumProcessOptions {
  /** The program's own folder: its package.json depends on appium and the driver. APPIUM_HOME where it can be written to. */
  readonly root: string;
  /** The scheduler's home, which holds a stand-in where the program's folder is read-only. */
  readonly home: string;
  /** Marks the process as ours in its environment, as `SCHED_INSTANCE`. */
  readonly instance: string;
  readonly basePort: number;
  readonly healthTimeoutMs: number;
  /** From `findAndroidHome` of devices/adb.ts. */
  readonly androidHome: string;
  readonly adbPort: number;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly recorder: ProcessRecorder;
  /** Another program than the installed Appium; for tests. */
  readonly entry?: string;
}

export class AppiumProcess implements AppiumServer {
  readonly #options: AppiumProcessOptions;
  #child: AppiumChild | null = null;
  #port: number;
  /** Starts in a row that ended soon. */
  #lives = 0;
  #stopping = new AbortController();
  /** start, restart and stop run one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AppiumProcessOptions) {
    this.#options = options;
    this.#port = options.basePort;
  }

  get url(): string {
    return `http://${HOST}:${this.#port}/`;
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#inTurn(signal, async (inner) => {
      const child = this.#child;
      if (child === null || child.ended !== null) await this.#launch(inner);
      else if (child.readyAt === null) await this.#ready(child, inner);
      // Its port refuses before the news of its death is here.
      else if ((await this.check(inner)).gone) await this.#launch(inner);
    });
  }

  async restart(signal: AbortSignal): Promise<void> {
    await this.#inTurn(signal, async (inner) => {
      await this.#endChild();
      await this.#launch(inner);
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new SchedulerError('APPIUM_DOWN', { details: { url: this.url, text: 'it was stopped' } }));
    const ended = this.#turn.then(() => this.#endChild());
    this.#turn = ended.catch(() => undefined);
    await ended;
    this.#lives = 0;
    this.#stopping = new AbortController();
  }

  async check(signal: AbortSignal): Promise<AppiumHealth> {
    const child = this.#child;
    const sick = (problem: string, gone: boolean): AppiumHealth => ({ healthy: false, url: this.url, problem, gone });
    if (child === null) return sick('it was not started', true);
    try {
      if (child.ended !== null) return sick(`the process has ended: ${child.ended}`, true);
      const { clock, healthTimeoutMs } = this.#options;
      const answer = await askStatus(this.url, healthTimeoutMs, clock, AbortSignal.any([signal, child.over]));
      if (answer.problem !== null) return sick(answer.problem, answer.refused);
      // Who answers is asked after the answer: before it, somebody else may still be about to listen.
      const other = await otherListener(child);
      return other === null
        ? { healthy: true, url: this.url, problem: null, gone: false }
        : sick(`port ${child.port} belongs to ${other}`, true);
    } catch {
      return child.ended === null ? sick('the check was given up', false) : sick(`the process has ended: ${child.ended}`, true);
    }
  }

  /** Runs `work` after all that was ordered before it; `stop` aborts it. */
  async #inTurn(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const inner = AbortSignal.any([signal, this.#stopping.signal]);
    const before = this.#turn;
    const done = before.then(() => {
      inner.throwIfAborted();
      return work(inner);
    });
    this.#turn = done.catch(() => undefined);
    // Whoever gives up while queued does not wait for the others; whoever gives up in turn waits for the cleaning up.
    await observing(inner, before);
    await done;
  }

  async #launch(signal: AbortSignal): Promise<void> {
    await this.#endChild();
    const { clock, random, basePort } = this.#options;
    const waitMs = restartDelayMs(this.#lives, random.fraction());
    if (waitMs > 0 && !(await clock.sleep(waitMs, 'appium back-off', signal))) throw signal.reason;
    let from = basePort;
    for (let tries = 1; ; tries++) {
      const child = await this.#spawn(await firstFree(from, (port) => this.#warnForeign(port)));
      try {
        await this.#ready(child, signal);
        return;
      } catch (error) {
        const portTaken = child.lastLines.includes('EADDRINUSE');
        await this.#endChild();
        if (!portTaken || tries === PORT_TRIES || signal.aborted) throw error;
        await this.#warnForeign(child.port);
        from = child.port + 1;
      }
    }
  }

  async #spawn(port: number): Promise<AppiumChild> {
    const { root, home, instance, androidHome, adbPort, environment, clock, logger, recorder } = this.#options;
    const child = new AppiumChild({
      entry: this.#options.entry ?? installedEntry(),
      args: serverArguments(port),
      cwd: root,
      env: {
        ...environment,
        APPIUM_HOME: appiumHome({ root, home }),
        ANDROID_HOME: androidHome,
        ANDROID_ADB_SERVER_PORT: String(adbPort),
        SCHED_INSTANCE: instance,
      },
      marker: `SCHED_INSTANCE=${instance}`,
      port,
      clock,
      logger,
    });
    this.#child = child;
    this.#port = port;
    const identity = await child.identity();
    if (identity !== null) await recorder.onStarted({ ...identity, port });
    return child;
  }

  /** Waits until the child answers as ours. @throws SchedulerError APPIUM_DOWN, APPIUM_NOT_FOUND; the signal's reason */
  async #ready(child: AppiumChild, signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const until = clock.monotonic() + START_LIMIT_MS;
    const wake = AbortSignal.any([signal, child.over]);
    while (child.ended === null && !signal.aborted) {
      const { healthy, problem } = await this.check(signal);
      if (healthy) {
        child.readyAt = clock.monotonic();
        logger.info({ port: child.port, pid: child.pid }, `[APPIUM] Server ready on port ${child.port}`);
        return;
      }
      if (clock.monotonic() >= until) throw this.#down(`not ready within ${START_LIMIT_MS} ms (${problem})`, child);
      await clock.sleep(READY_POLL_MS, 'appium start', wake);
    }
    signal.throwIfAborted();
    await child.lastWords();
    throw this.#down(`it ended while starting: ${child.ended}`, child);
  }

  #down(what: string, child: AppiumChild): SchedulerError {
    const text = `${what}\n${child.lastLines}`;
    const missing = /Could not load the driver|No drivers have been installed|Cannot find module/.test(text);
    return new SchedulerError(missing ? 'APPIUM_NOT_FOUND' : 'APPIUM_DOWN', { details: { url: this.url, text } });
  }

  /** Ends the child's whole tree and forgets it. Safe when there is none. */
  async #endChild(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const identity = await child.identity();
    await child.end();
    this.#child = null;
    this.#lives = shortLives(this.#lives, child.readyAt === null ? null : this.#options.clock.monotonic() - child.readyAt);
    if (identity !== null) await this.#options.recorder.onEnded({ ...identity, port: child.port });
  }

  async #warnForeign(port: number): Promise<void> {
    const pid = (await listenerPid(port)) ?? 'unknown';
    const { code, message } = new SchedulerError('APPIUM_PORT_FOREIGN', { details: { port, pid } });
    this.#options.logger.warn({ code, port, pid }, `${code}: ${message}; the next free port is used`);
  }
}

/** Who listens instead of our child; null when our child does, or when this machine does not tell. */
async function otherListener(child: AppiumChild): Promise<string | null> {
  const listener = await listenerPid(child.port, child.pid);
  if (listener === child.pid) return null;
  if (listener !== null) return `PID ${listener}`;
  // Where the sockets of our own child can be read and the port is not among them, it is another user's.
  const readable = await readdir(`/proc/${child.pid}/fd`).then(
    () => true,
    () => false,
  );
  return readable ? 'a process that cannot be seen' : null;
}

function serverArguments(port: number): readonly string[] {
  return [
    'server',
    ...['--address', HOST],
    ...['--port', String(port)],
    // Also the check that the driver is there: without it Appium ends at once.
    '--use-drivers=uiautomator2',
    '--allow-insecure=uiautomator2:adb_shell',
    ...['--log-level=info', '--log-format=json', '--log-no-colors'],
  ];
}

function installedEntry(): string {
  try {
    return createRequire(import.meta.url).resolve('appium/index.js');
  } catch (error) {
    throw new SchedulerError('APPIUM_NOT_FOUND', { cause: error, details: { text: 'there is no package appium' } });
  }
}
