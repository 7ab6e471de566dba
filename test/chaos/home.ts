/**
 * A home under attack: the built command line as child processes, a module
 * publisher whose posts are lines that nobody rewrites, and the files of the
 * home as they lie there. Runs under vitest and under plain Node (`npm run
 * chaos`), so it knows no test framework; what is done to the home is not its
 * business (faults.ts).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { JobView, PostLine } from './judge.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'bin', 'scheduler.js');
const GOOD_VIDEO = readFileSync(join(ROOT, 'test', 'fixtures', 'videos', 'good.mp4'));
const POLL_MS = 10;
/** Beyond the highest pid that Linux gives. */
const DEAD_PID = 4_999_999;
/** A life that takes longer hangs: that is a finding, and ends the run. */
const LIFE_LIMIT_MS = 90_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** One process of the command line. */
export interface Life {
  readonly pid: number;
  /** Wall clock at the spawn, epoch ms. */
  readonly startedMs: number;
  readonly ended: Promise<Ended>;
  readonly over: () => boolean;
  /** Nothing happens when it has ended. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** SIGKILL, and gone when it resolves. */
  readonly kill: () => Promise<void>;
}

export interface HomeOptions {
  /** Where the world's folder is made. */
  readonly within: string;
  /** What `PATH`, `HOME` and the rest are for the children. */
  readonly env: NodeJS.ProcessEnv;
  readonly accounts: readonly string[];
  readonly videos: number;
  /** Where the posts are written, below the world's folder. */
  readonly ledger?: string;
  /** Lines of scheduler.yaml besides the usual ones. */
  readonly yaml: readonly string[];
}

export class ChaosHome {
  readonly options: HomeOptions;
  readonly folder: string;
  readonly home: string;
  readonly videoFolder: string;
  readonly ledgerFile: string;
  readonly #accepted: string[] = [];
  readonly #lives = new Set<ChildProcess>();

  constructor(options: HomeOptions) {
    this.options = options;
    this.folder = mkdtempSync(join(options.within, 'chaos-'));
    this.home = join(this.folder, 'home');
    this.videoFolder = join(this.folder, 'videos');
    this.ledgerFile = join(this.folder, options.ledger ?? 'ledger.jsonl');
    mkdirSync(this.home);
    mkdirSync(this.videoFolder);
    for (let number = 1; number <= options.videos; number++) this.addVideo();
  }

  /** One more video in the folder, of bytes of its own: there is always something to do. */
  addVideo(): void {
    const number = this.#accepted.length + 1;
    const bytes = videoBytes(`video ${number} of ${this.folder}`);
    writeFileSync(join(this.videoFolder, `video-${number}.mp4`), bytes);
    writeFileSync(join(this.videoFolder, `video-${number}.txt`), `caption ${number}`);
    this.#accepted.push(createHash('sha256').update(bytes).digest('hex'));
  }

  /** sha256 of every video of the folder; each clean start takes them all. */
  accepted(): readonly string[] {
    return this.#accepted;
  }

  /** As a killed holder leaves it: the file of a pid that is not there any more. */
  leaveStaleLock(): void {
    const dead = { pid: DEAD_PID, started: '2024-01-01T00:00:00', last_heartbeat: '2024-01-01T00:00:00' };
    writeFileSync(this.path('scheduler.lock'), JSON.stringify(dead));
    mkdirSync(this.path('.scheduler.lock.d'), { recursive: true });
  }

  /** After the full disk was put in the home's place, too. */
  writeConfig(publisher: string, more: readonly string[] = []): void {
    const lines = [
      'timezone: UTC',
      'defaults: {app: demo, posts_per_day: 100, delay_between_posts: 0}',
      'retry: {initial_delay: 0.1s, jitter: 0}',
      'passes: {delay: 0.1s, max_passes: 5}',
      'cooldown: {after: 100, step: 0.1s, max: 0.1s}',
      'verify: {settle: 0, second_look: 0.1s, gaps: [0.5s], give_up: 3s}',
      `publisher: ${publisher}`,
      ...this.options.yaml,
      ...more,
    ];
    writeFileSync(this.path('scheduler.yaml'), `${lines.join('\n')}\n`);
  }

  path(name: string): string {
    return join(this.home, name);
  }

  /** The usual order of a day: the same folder again, and run until nothing can be done. */
  run(...more: readonly string[]): Life {
    return this.start('--add-folder', this.videoFolder, '--add-accounts', this.options.accounts.join(','), '--run', '--drain', ...more);
  }

  start(...args: readonly string[]): Life {
    const startedMs = Date.now();
    const child = spawn(process.execPath, [PROGRAM, '--home', this.home, ...args], {
      cwd: this.folder,
      env: this.options.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#lives.add(child);
    const signal = (name: NodeJS.Signals): void => {
      if (child.exitCode === null && child.signalCode === null) child.kill(name);
    };
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (bytes: Buffer) => {
        texts[name] += bytes.toString('utf8');
      });
    }
    const limit = setTimeout(() => signal('SIGKILL'), LIFE_LIMIT_MS);
    const ended = once(child, 'close').then(([code, by]: (number | NodeJS.Signals | null)[]): Ended => {
      clearTimeout(limit);
      this.#lives.delete(child);
      return { code: code as number | null, signal: by as NodeJS.Signals | null, ...texts };
    });
    return {
      pid: child.pid ?? 0,
      startedMs,
      ended,
      over: () => child.exitCode !== null || child.signalCode !== null,
      signal,
      kill: async () => {
        signal('SIGKILL');
        await ended;
      },
    };
  }

  /** When this life said that it has brought home what earlier ones left; epoch ms, null = it did not. */
  safeAtMs(life: Life): number | null {
    const text = readIfThere(this.path('logs/scheduler.log'));
    for (const line of text.split('\n')) {
      if (!line.includes('"Scheduler started"')) continue;
      const { pid, time } = JSON.parse(line) as { readonly pid: number; readonly time: string };
      if (pid === life.pid) return Date.parse(time);
    }
    return null;
  }

  /** Of the Appium that was started last; null while there was none. */
  appiumPid(): number | null {
    const ready = readIfThere(this.path('logs/scheduler.log'))
      .split('\n')
      .filter((line) => line.includes('[APPIUM] Server ready'));
    const last = ready.at(-1);
    return last === undefined ? null : (JSON.parse(last) as { readonly pid: number }).pid;
  }

  /** The first claim after this instant, epoch ms. */
  firstClaimMs(afterMs: number): number | null {
    return this.read(
      (db) => db.prepare("SELECT min(at_ms) FROM events WHERE type = 'claimed' AND at_ms >= ?").pluck().get(afterMs),
      null,
    ) as number | null;
  }

  /** The jobs as the database holds them; none when there is no database. */
  jobs(): readonly JobView[] {
    const query = 'SELECT id, status, account, sha256, due_ms AS dueMs, note, failure FROM jobs ORDER BY seq';
    return this.read((db) => db.prepare(query).all(), []) as readonly JobView[];
  }

  /** @returns `otherwise` while there is no database, or none with tables */
  read<T>(look: (db: Database.Database) => T, otherwise: T): T {
    const path = this.path('scheduler_state.db');
    if (!existsSync(path)) return otherwise;
    const db = new Database(path, { readonly: true, timeout: 5_000 });
    try {
      return look(db);
    } catch (error) {
      if (/no such table/.test(String(error))) return otherwise;
      throw error;
    } finally {
      db.close();
    }
  }

  posts(): readonly (PostLine & { readonly pid: number })[] {
    return lines(this.ledgerFile);
  }

  lock(): Record<string, unknown> {
    try {
      return JSON.parse(readFileSync(this.path('scheduler.lock'), 'utf8')) as Record<string, unknown>;
    } catch {
      return {};
    }
  }

  /** As if the holder had not shown life for three minutes; `change` are further fields. */
  growOld(change: Readonly<Record<string, unknown>> = {}): void {
    const lock = this.lock();
    const beats = {
      last_heartbeat: new Date(Date.now() - 180_000).toISOString(),
      heartbeat_boot_ms: Number(lock.heartbeat_boot_ms) - 180_000,
    };
    const old = { ...lock, ...beats, ...change };
    writeFileSync(this.path('scheduler.lock'), JSON.stringify(old));
  }

  /** Ends what is left of it, then the disk it may lie on. */
  async close(unmount: () => void = () => undefined): Promise<void> {
    for (const child of this.#lives) child.kill('SIGKILL');
    while (this.#lives.size > 0) await sleep(POLL_MS);
    unmount();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Until `met`, or the time is over; answers whether it was met. */
export async function until(met: () => boolean, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  while (!met()) {
    if (performance.now() > end) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function lines<T>(file: string): readonly T[] {
  return readIfThere(file)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** A playable video with a `free` box at its end that nothing reads. */
function videoBytes(text: string): Buffer {
  const box = Buffer.from(`----free${text}`);
  box.writeUInt32BE(box.length, 0);
  return Buffer.concat([GOOD_VIDEO, box]);
}
