/**
 * The adb server that knows the phones: used when one runs already, started as
 * our own child otherwise, and then ended by us.
 *
 * Every adb program starts a server of its own accord when it finds none, and
 * nobody ends that. So ours is made sure of before each call, and at the end a
 * server that such a program forked for us is known by our mark and ended too.
 * One that hangs holds every phone: it is asked when an answer did not come, and
 * replaced when it is ours.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { SchedulerError } from '../errors.ts';
import { type Clock, LimitExceeded, withLimit } from '../runtime/clock.ts';
import type { Environment } from '../runtime/environment.ts';
import type { Logger } from '../runtime/logger.ts';
import { endTree, listenerPid, type ProcessIdentity, startTicks } from '../runtime/processes.ts';

const HOST = '127.0.0.1';
const START_LIMIT_MS = 15_000;
/** A server that lives answers within milliseconds, on a loaded machine within a second. */
const ANSWER_LIMIT_MS = 5_000;
const POLL_MS = 50;
const GRACE_MS = 3_000;

export interface AdbServerOptions {
  readonly path: string;
  readonly port: number;
  /** Marks the process as ours in its environment, as `SCHED_INSTANCE`. */
  readonly instance: string;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told before the server is relied on, and when it is gone. */
  readonly recorder: {
    onStarted(started: ProcessIdentity & { readonly port: number }): Promise<void>;
    onEnded(ended: ProcessIdentity & { readonly port: number }): Promise<void>;
  };
}

/** `silent`: somebody accepts connections, and says nothing. */
type Greeting = 'answers' | 'silent' | 'nobody';

export class AdbServer {
  readonly #options: AdbServerOptions;
  #process: ChildProcess | null = null;
  #identity: ProcessIdentity | null = null;
  /** Ours has answered once; a child that still starts does not count. */
  #up = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AdbServerOptions) {
    this.#options = options;
  }

  /** A server answers on the port. Cheap when it does already. @throws SchedulerError ADB_NOT_FOUND, ADB_FAILED; the signal's reason */
  async ensure(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#up && isRunning(this.#process)) return;
    const done = this.#turn.then(() => this.#start(signal));
    this.#turn = done.catch(() => undefined);
    await done;
  }

  /** An answer did not come, from a phone or from the server: the next `ensure` asks it instead of trusting it. */
  doubt(): void {
    this.#up = false;
  }

  /** Ends the server that we started; one that was there before is left alone. Safe to call twice. */
  async stop(): Promise<void> {
    const done = this.#turn.then(async () => {
      await this.#forget();
      await this.#endForked();
    });
    this.#turn = done.catch(() => undefined);
    await done;
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { path, port, instance, environment, logger, recorder } = this.#options;
    const found = await this.#greeting(signal);
    if (found === 'answers') {
      this.#up = isRunning(this.#process);
      return;
    }
    await this.#forget();
    if (found === 'silent') await this.#endSilent(signal);
    const child = spawn(path, ['-P', String(port), 'nodaemon', 'server'], {
      detached: true,
      env: { ...environment, SCHED_INSTANCE: instance },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = lastWords(child);
    this.#process = child;
    const ticks = child.pid === undefined ? null : await startTicks(child.pid);
    if (child.pid !== undefined && ticks !== null) {
      this.#identity = { pid: child.pid, startTicks: ticks };
      await recorder.onStarted({ ...this.#identity, port });
    }
    try {
      await this.#ready(child, said, signal);
    } catch (error) {
      await this.#forget();
      throw error;
    }
    this.#up = true;
    logger.info({ port, pid: child.pid }, `[ADB] Server ready on port ${port}`);
  }

  async #ready(child: ChildProcess, said: () => string, signal: AbortSignal): Promise<void> {
    const { clock, path, port } = this.#options;
    const until = clock.monotonic() + START_LIMIT_MS;
    while ((await this.#greeting(signal)) !== 'answers') {
      signal.throwIfAborted();
      const text = said();
      if (text.includes('ENOENT')) throw new SchedulerError('ADB_NOT_FOUND', { details: { where: path } });
      if (!isRunning(child) || clock.monotonic() >= until) {
        throw new SchedulerError('ADB_FAILED', { details: { command: 'server', serial: `port ${port}`, text } });
      }
      await clock.sleep(POLL_MS, 'adb server', signal);
    }
  }

  /** @throws SchedulerError ADB_FAILED when the one that hangs is not ours to end */
  async #endSilent(signal: AbortSignal): Promise<void> {
    const { port, logger } = this.#options;
    logger.warn({ port }, `[ADB] The server on port ${port} does not answer and is replaced`);
    await this.#endForked();
    if ((await this.#greeting(signal)) !== 'silent') return;
    const text = `PID ${await listenerPid(port)} listens there and answers nothing: end it`;
    throw new SchedulerError('ADB_FAILED', { details: { command: 'server', serial: `port ${port}`, text } });
  }

  async #greeting(signal: AbortSignal): Promise<Greeting> {
    const { clock, port } = this.#options;
    const limit = { ms: ANSWER_LIMIT_MS, reason: 'adb server answers', signal };
    return withLimit(clock, limit, (inner) => greet(port, inner)).catch((error: unknown) => {
      if (!(error instanceof LimitExceeded)) throw error;
      return 'silent';
    });
  }

  async #forget(): Promise<void> {
    const { clock, port, instance, recorder } = this.#options;
    const identity = this.#identity;
    if (identity !== null) await endTree(identity, { graceMs: GRACE_MS, clock, marker: `SCHED_INSTANCE=${instance}` });
    else if (isRunning(this.#process)) this.#process?.kill('SIGKILL');
    this.#process = null;
    this.#identity = null;
    this.#up = false;
    if (identity !== null) await recorder.onEnded({ ...identity, port });
  }

  /** The server that an adb program of ours, or of our Appium, started when ours was gone. */
  async #endForked(): Promise<void> {
    const { clock, port, instance } = this.#options;
    const pid = await listenerPid(port);
    const ticks = pid === null ? null : await startTicks(pid);
    if (pid === null || ticks === null) return;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(`SCHED_INSTANCE=${instance}`)) return;
    await endTree({ pid, startTicks: ticks }, { graceMs: GRACE_MS, clock });
  }
}

function isRunning(child: ChildProcess | null): boolean {
  return child !== null && child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** What the child said last on stderr, or why it could not be started. */
function lastWords(child: ChildProcess): () => string {
  let text = '';
  const keep = (more: string) => {
    text = (text + more).slice(-2_000);
  };
  child.once('error', (error) => keep(error.message));
  child.stderr?.setEncoding('utf8').on('data', keep);
  return () => text;
}

/** Asks for the server's version: a connection alone is accepted by the kernel, also for one that hangs. */
function greet(port: number, signal: AbortSignal): Promise<Exclude<Greeting, 'silent'>> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: HOST });
    const done = (greeting: 'answers' | 'nobody') => {
      socket.destroy();
      resolve(greeting);
    };
    signal.addEventListener('abort', () => done('nobody'), { once: true });
    socket.once('connect', () => socket.write('000chost:version'));
    socket.once('data', () => done('answers'));
    socket.once('error', () => done('nobody')).once('close', () => done('nobody'));
  });
}
