/**
 * The adb program: one call, timed, abortable, its errors turned into codes.
 *
 * Arguments are arrays and never a shell string; what runs in the phone's own
 * shell is quoted by `remoteQuote`. An exit code of 0 proves little with adb,
 * so callers look at the text. Which phones there are is the providers'.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { type Clock, LimitExceeded, withLimit } from '../runtime/clock.ts';
import type { Environment } from '../runtime/environment.ts';

const LIMIT_MS = 30_000;
const LONGEST_OUTPUT = 16 * 1024 * 1024;
const ADB = process.platform === 'win32' ? 'adb.exe' : 'adb';

/** A phone as adb knows it and as people do. */
export interface AdbTarget {
  readonly serial: string;
  /** The product's name for it, for messages. */
  readonly device: string;
}

export interface AdbCall {
  readonly signal: AbortSignal;
  /** null = the call is about the adb server. */
  readonly target: AdbTarget | null;
  /** Milliseconds; 30 s unless told. */
  readonly limitMs?: number;
}

export interface AdbOptions {
  /** From `adbIn`. */
  readonly path: string;
  /** The port of the adb server. */
  readonly port: number;
  /** Marks what adb starts by itself as ours, as `SCHED_INSTANCE`. */
  readonly instance: string;
  readonly environment: Environment;
  readonly clock: Clock;
  /** Makes sure that a server runs, or adb would start one that nobody ends. */
  readonly server: { ensure(signal: AbortSignal): Promise<void>; doubt(): void };
}

interface Output {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Adb {
  readonly #options: AdbOptions;

  constructor(options: AdbOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#options.port;
  }

  /**
   * Runs adb and answers what it printed on stdout.
   *
   * @throws SchedulerError ADB_FAILED, ADB_TIMEOUT, ADB_NOT_FOUND, DEVICE_OFFLINE, DEVICE_UNAUTHORIZED, PHONE_FULL; the signal's reason
   */
  async run(args: readonly string[], call: AdbCall): Promise<string> {
    const { clock, server } = this.#options;
    const { signal, target, limitMs = LIMIT_MS } = call;
    const command = commandName(args);
    const where = { command, serial: target?.serial ?? 'the adb server', device: target?.device ?? 'the adb server' };
    await server.ensure(signal);
    try {
      const output = await withLimit(clock, { ms: limitMs, reason: `adb ${command}`, signal }, (inner) =>
        this.#execute(args, target, inner),
      );
      // A rented phone's shell answers so, with exit code 0, when its login has run out.
      const refused = /^error: you should run glogin.*/m.exec(output.stdout)?.[0].slice('error: '.length);
      if (refused !== undefined) throw new SchedulerError('ADB_FAILED', { details: { ...where, text: refused } });
      if (output.exit !== 0) throw adbError(output, where);
      return output.stdout;
    } catch (error) {
      if (!(error instanceof LimitExceeded)) throw error;
      server.doubt();
      throw new SchedulerError('ADB_TIMEOUT', { cause: error, details: { ...where, limitMs } });
    }
  }

  /** Runs one command in the phone's shell; each argument arrives there as it is. */
  async shell(args: readonly string[], call: AdbCall & { readonly target: AdbTarget }): Promise<string> {
    return this.run(['shell', args.map(remoteQuote).join(' ')], call);
  }

  async #execute(args: readonly string[], target: AdbTarget | null, signal: AbortSignal): Promise<Output> {
    const { path, port, instance, environment } = this.#options;
    const whole = ['-P', String(port), ...(target === null ? [] : ['-s', target.serial]), ...args];
    const options = {
      env: { ...environment, SCHED_INSTANCE: instance },
      signal,
      killSignal: 'SIGKILL',
      maxBuffer: LONGEST_OUTPUT,
    } as const;
    return new Promise((resolve, reject) => {
      const child = execFile(path, whole, options, (error, stdout, stderr) => {
        if (error === null) resolve({ exit: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ exit: error.code, stdout, stderr });
        else if (error.code === 'ENOENT') reject(new SchedulerError('ADB_NOT_FOUND', { cause: error, details: { where: path } }));
        else
          reject(
            new SchedulerError('ADB_FAILED', {
              cause: error,
              details: { command: commandName(args), serial: target?.serial, text: error.message },
            }),
          );
      });
      child.stdin?.end();
    });
  }
}

/** One argument for the phone's POSIX shell: nothing in it means anything there. */
export function remoteQuote(text: string): string {
  return /^[\w./:@%+,=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `shell sha256sum`: what people need of a command, without the paths in it. */
function commandName(args: readonly string[]): string {
  const [verb = '', rest = ''] = args;
  return verb === 'shell' ? `shell ${rest.split(' ', 1)[0]}` : verb;
}

/** adb's own sentences, at the beginning of a line; a phone's file names and texts do not stand there. */
function adbError(
  { stdout, stderr }: Output,
  where: { readonly command: string; readonly serial: string; readonly device: string },
): SchedulerError {
  const text = (stderr.trim() || stdout.trim() || 'no output').slice(0, 2_000);
  const details = { ...where, text };
  if (/^(adb: )?error: device unauthorized/m.test(stderr)) return new SchedulerError('DEVICE_UNAUTHORIZED', { details });
  if (/^(adb: )?error: (device (offline|still (authorizing|connecting)|'[^'\n]*' not found)|no devices)/m.test(stderr))
    return new SchedulerError('DEVICE_OFFLINE', { details });
  // adb push prints its errors among its progress, on stdout.
  if (where.command === 'push' && /^adb: error: .*No space left on device$/m.test(text))
    return new SchedulerError('PHONE_FULL', { details });
  return new SchedulerError('ADB_FAILED', { details });
}

/**
 * The Android SDK folder: the one given, else of the environment, else where Debian and Android Studio put it.
 *
 * @throws SchedulerError ADB_NOT_FOUND when none of them holds adb
 */
export function findAndroidHome(given: string | null, environment: Environment): string {
  const { ANDROID_HOME, ANDROID_SDK_ROOT, HOME } = environment;
  const usual = ['/usr/lib/android-sdk', ...(HOME === undefined ? [] : [join(HOME, 'Android', 'Sdk')])];
  const candidates = given === null ? [ANDROID_HOME ?? '', ANDROID_SDK_ROOT ?? '', ...usual] : [given];
  const places = candidates.filter((place) => place !== '');
  const found = places.find((place) => adbPaths(place).some((path) => existsSync(path)));
  if (found === undefined) throw new SchedulerError('ADB_NOT_FOUND', { details: { where: `looked in ${places.join(', ')}` } });
  return found;
}

/** The adb program of an SDK folder. @throws SchedulerError ADB_NOT_FOUND */
export function adbIn(androidHome: string): string {
  const path = adbPaths(androidHome).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new SchedulerError('ADB_NOT_FOUND', { details: { where: `looked in ${androidHome}` } });
  return path;
}

/** Appium takes a folder that holds adb itself, too. */
function adbPaths(androidHome: string): readonly string[] {
  return [join(androidHome, 'platform-tools', ADB), join(androidHome, ADB)];
}
