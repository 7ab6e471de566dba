/**
 * Logs: JSON lines into `logs/`, readable lines on a terminal, no secrets in
 * either. The only file that knows pino, pino-roll and pino-pretty.
 *
 * Files are written in this process and synchronously: as a worker transport
 * SIGKILL lost every buffered line (200 of 200), and a full disk ended the
 * daemon. A log that cannot be written is lost; the scheduler goes on.
 *
 * pino-roll insists on names like `daily/scheduler.2026-11-22.1.log`. The live
 * name `scheduler.log` is a hard link to the file of the day, renewed at each
 * roll, so that `tail -F` follows it. No symlink: pino-roll's own is shared by
 * all logs of a folder, and needs administrator rights on Windows.
 */
import { linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DestinationStream, multistream, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import openRollingFile from 'pino-roll';
import { scrubber } from '../domain/scrub.ts';
import { SchedulerError } from '../errors.ts';
import { SystemClock } from './clock.ts';
import { removeOldLogs } from './old-logs.ts';

export interface LogMethod {
  (fields: object, message?: string): void;
  (message: string): void;
}

/** pino's shape, as far as we use it: `logger.info({ job }, 'text')`. Errors go into a field named `err`. */
export interface Logger {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  child(bindings: Readonly<Record<string, unknown>>): Logger;
}

/** The first logger of a process; the others come from it. */
export interface RootLogger extends Logger {
  /** Writes to `worker_N.log` and wherever the root writes. Ask once per worker. */
  worker(number: number): Promise<Logger>;
  /** Writes out and closes every file. What is logged afterwards is lost. */
  close(): Promise<void>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LoggerOptions {
  /** The folder, made when it is missing; null = no files. */
  readonly dir: string | null;
  readonly level: LogLevel;
  /** Readable lines for a person, on `terminal`. */
  readonly pretty: boolean;
  /** Values that must never be seen, such as a token; what looks like a secret is left out anyhow. */
  readonly redact?: readonly string[];
  /** Where readable lines go; standard error, so that standard output belongs to results. */
  readonly terminal?: { write(text: string): unknown; readonly isTTY?: boolean };
  /** Each log is kept in at most so many files, 14 unless told, and for so long, 14 days unless told. */
  readonly keepFiles?: number;
  readonly keepMs?: number;
}

type RollingFile = Awaited<ReturnType<typeof openRollingFile>>;

/** A burst while the disk is full is cut here, not in memory. */
const UNWRITTEN_BYTES_KEPT = 1_000_000;
const FILES_KEPT = 14;
const KEPT_MS = 14 * 86_400_000;
const BIGGEST_FILE = '100m';

/**
 * Opens the logs of a process.
 *
 * @throws SchedulerError HOME_NOT_WRITABLE when the folder cannot be made or written to: better at the start than silently
 */
export async function createLogger(options: LoggerOptions): Promise<RootLogger> {
  const files: RollingFile[] = [];
  const scrub = scrubber(options.redact ?? []);
  const terminal = options.pretty ? [prettyStream(options.terminal ?? process.stderr)] : [];

  const open = async (name: string): Promise<DestinationStream[]> => {
    if (options.dir === null) return [];
    const file = await openFile(options.dir, name, options).catch((cause: NodeJS.ErrnoException) => {
      throw new SchedulerError('HOME_NOT_WRITABLE', { cause, details: { folder: options.dir, text: cause.code ?? cause.message } });
    });
    files.push(file);
    return [file];
  };
  const build = (streams: readonly DestinationStream[]) =>
    pino(
      {
        level: options.level,
        timestamp: stdTimeFunctions.isoTime,
        base: { pid: process.pid },
        formatters: { level: (label) => ({ level: label }) },
        serializers: { err: stdSerializers.errWithCause, error: stdSerializers.errWithCause },
        hooks: { streamWrite: scrub },
      },
      multistream(streams.map((stream) => ({ level: 'trace', stream }))),
    );

  const shared = [...(await open('scheduler')), ...terminal];
  const root = build(shared) as Logger;
  return {
    debug: root.debug.bind(root),
    info: root.info.bind(root),
    warn: root.warn.bind(root),
    error: root.error.bind(root),
    child: (bindings) => root.child(bindings),
    worker: async (number) => (build([...(await open(`worker_${number}`)), ...shared]) as Logger).child({ worker: number }),
    close: async () => {
      await Promise.all(files.splice(0).map(closeFile));
    },
  };
}

/** Says nothing. */
export function silentLogger(): Logger {
  const nothing = () => undefined;
  const logger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => logger };
  return logger;
}

async function openFile(dir: string, name: string, { keepFiles = FILES_KEPT, keepMs = KEPT_MS }: LoggerOptions): Promise<RollingFile> {
  const folder = join(dir, 'daily');
  mkdirSync(folder, { recursive: true });
  const removeOld = () => removeOldLogs(folder, name, { files: keepFiles, ms: keepMs, nowMs: new SystemClock().now() });
  removeOld();
  const file = await openRollingFile({
    file: join(folder, name),
    extension: '.log',
    dateFormat: 'yyyy-MM-dd',
    frequency: 'daily',
    size: BIGGEST_FILE,
    limit: { count: keepFiles, removeOtherLogFiles: true },
    sync: true,
    maxLength: UNWRITTEN_BYTES_KEPT,
  });
  // A full disk, or a folder that was removed: without a listener the process would end.
  file.on('error', () => undefined);
  const live = join(dir, `${name}.log`);
  linkLive(file.file, live);
  file.on('ready', () => {
    linkLive(file.file, live);
    // pino-roll knows how many to keep, and not how long: a scheduler that runs for months must not wait for its next start.
    removeOld();
  });
  return file;
}

/** A file system without hard links goes without the live name; the day's file is there. */
function linkLive(current: string, live: string): void {
  const fresh = `${live}.${process.pid}.new`;
  try {
    rmSync(fresh, { force: true });
    linkSync(current, fresh);
    renameSync(fresh, live);
    // Renaming onto a link to the same file does nothing and leaves both names.
    rmSync(fresh, { force: true });
  } catch {
    rmSync(fresh, { force: true });
  }
}

function closeFile(file: RollingFile): Promise<void> {
  return new Promise((resolve) => {
    file.once('close', resolve);
    // What a full disk does not take is given up; a stop never waits for it.
    file.once('error', () => {
      file.destroy();
      resolve();
    });
    file.end();
  });
}

function prettyStream(terminal: NonNullable<LoggerOptions['terminal']>): DestinationStream {
  const pretty = prettyFactory({
    colorize: terminal.isTTY === true,
    translateTime: 'SYS:HH:MM:ss',
    ignore: 'pid,hostname,worker',
    singleLine: true,
  });
  return {
    write: (line) => {
      terminal.write(pretty(line));
    },
  };
}
