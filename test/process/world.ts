/**
 * A world of its own for tests of the built command line as child processes:
 * HOME, ports, a home folder, videos, a marker in the environment of all that
 * descends from it. What a home holds is read from its files, never through
 * the program's own code.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';

export const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = join(ROOT, 'bin', 'scheduler.js');
const GOOD_VIDEO = readFileSync(join(ROOT, 'test', 'fixtures', 'videos', 'good.mp4'));
const MODULE = join(import.meta.dirname, 'ledger.mjs');

export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall time of the whole process, milliseconds. */
  readonly ms: number;
}

export interface LogRecord {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly [key: string]: unknown;
}

export interface Post {
  readonly account: string;
  readonly sha256: string;
  readonly caption: string;
  readonly pid: number;
}

/** What `--status --json` prints, as far as tests read it. */
export interface StatusJson {
  readonly running: boolean;
  readonly last_alive: string | null;
  readonly paused: boolean;
  readonly paused_devices: readonly string[];
  readonly lock: { readonly state: string; readonly pid: number | null; readonly epoch: number | null };
  readonly jobs: Readonly<Record<string, number>>;
  readonly accounts: readonly { readonly name: string; readonly state: string; readonly reason: string | null }[];
  readonly uncertain: readonly { readonly job: string; readonly account: string }[];
  readonly troubled_jobs: readonly { readonly account: string; readonly attempts: number; readonly max_attempts: number }[];
  readonly pass_history: readonly unknown[];
}

/** A job as `scheduler_state.json` shows it. */
export interface JobRow {
  readonly id: string;
  readonly status: string;
  readonly account: string;
  readonly attempts: number;
  readonly error_type: string;
  readonly last_error: string;
  readonly screenshot_path: string;
  readonly whole: { readonly crashes: number; readonly deferrals: number; readonly sha256: string };
}

export type Daemon = Awaited<ReturnType<World['daemon']>>;

const LIMIT_MS = 20_000;
/** Short waits for what is about to happen in another process and cannot be listened to. */
const LOOK = { timeout: LIMIT_MS, interval: 20 };

export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'process-'));
  readonly home: string;
  /** The module publisher's posts. */
  readonly ledgerFile = join(this.folder, 'ledger.jsonl');
  readonly env: NodeJS.ProcessEnv;
  readonly appiumPort: number;
  readonly #marker: string;
  readonly #children = new Set<ChildProcess>();
  readonly #guests: (() => Promise<unknown>)[] = [];
  #closed = false;

  private constructor(adbPort: number, appiumPort: number) {
    this.home = join(this.folder, 'home');
    this.appiumPort = appiumPort;
    this.#marker = `POSTING_PROCESS_TEST=${this.folder}`;
    const [name = '', value = ''] = this.#marker.split('=');
    const { PATH = '' } = process.env;
    this.env = { PATH, HOME: this.folder, ANDROID_ADB_SERVER_PORT: String(adbPort), TZ: 'UTC', [name]: value };
  }

  /** @param adbPort of a server that runs already; without it, one of the world's own */
  static async open(adbPort?: number): Promise<World> {
    buildOnce();
    return new World(adbPort ?? (await freePort()), await freePort());
  }

  /** `end` is called when the world is closed. */
  hosts(end: () => Promise<unknown>): void {
    this.#guests.push(end);
  }

  /** `scheduler.yaml` with the module publisher; `more` are further lines. */
  configure(stageUrl: string, more: readonly string[] = [], module = MODULE): void {
    mkdirSync(this.home, { recursive: true });
    const options = JSON.stringify({ url: stageUrl, ledger: this.ledgerFile });
    const lines = [
      'timezone: UTC',
      'defaults: {app: demo, posts_per_day: 50, delay_between_posts: 0}',
      ...(more.some((line) => line.startsWith('devices:')) ? [] : ['devices: {usb: false}']),
      'retry: {initial_delay: 0.2s, jitter: 0}',
      'passes: {delay: 0.2s}',
      'verify: {settle: 0.1s, second_look: 0.1s, gaps: [20m]}',
      `publisher: {module: ${module}, options: ${options}}`,
      ...more,
    ];
    writeFileSync(join(this.home, 'scheduler.yaml'), `${lines.join('\n')}\n`);
  }

  /** A folder of videos, each of other bytes; answers its path. */
  videos(folder: string, names: readonly string[]): string {
    const path = join(this.folder, folder);
    mkdirSync(path, { recursive: true });
    for (const name of names) {
      writeFileSync(join(path, `${name}.mp4`), videoBytes(`${folder}/${name}`));
      writeFileSync(join(path, `${name}.txt`), `caption of ${name}`);
    }
    return path;
  }

  /** One command in the home, to its end. */
  async cli(...args: string[]): Promise<Ran> {
    return this.finish(this.spawn(['--home', this.home, ...args]));
  }

  spawn(args: readonly string[]): ChildProcess {
    if (this.#closed) throw new Error('a test that was given up starts nothing any more');
    const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  async finish(child: ChildProcess): Promise<Ran> {
    const startedMs = performance.now();
    const texts = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.on('data', (bytes: Buffer) => {
        texts[name] += bytes.toString('utf8');
      });
    }
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, ...texts, ms: performance.now() - startedMs };
  }

  async status(): Promise<StatusJson> {
    const { code, stdout, stderr } = await this.cli('--status', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as StatusJson;
  }

  /** `--run` with these flags. Resolves when it says that it has started. */
  async daemon(...args: string[]) {
    const before = this.log().length;
    const child = this.spawn(['--home', this.home, ...args, '--run']);
    const ended = this.finish(child);
    let over: Ran | null = null;
    void ended.then((ran) => {
      over = ran;
    });
    const pid = child.pid ?? 0;
    const started = () =>
      this.log()
        .slice(before)
        .some((record) => record.msg === 'Scheduler started' && record.pid === pid);
    await vi.waitUntil(() => over !== null || started(), LOOK);
    return {
      pid,
      ended,
      signal: (name: NodeJS.Signals) => void process.kill(pid, name),
      /** SIGKILL, and gone when it resolves. */
      kill: async () => {
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** The records of scheduler.log, oldest first; the one that is just being written is left out. */
  log(): readonly LogRecord[] {
    const text = readIfThere(join(this.home, 'logs', 'scheduler.log'));
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogRecord);
  }

  async logged(part: string, times = 1): Promise<LogRecord> {
    const found = () => this.log().filter((record) => record.msg.includes(part));
    await vi
      .waitUntil(() => found().length >= times, LOOK)
      .catch(() => {
        throw new Error(
          `"${part}" was not logged ${times} times:\n${this.log()
            .map((record) => record.msg)
            .join('\n')}`,
        );
      });
    return found()[times - 1] as LogRecord;
  }

  /** What the module publisher has published. */
  posts(): readonly Post[] {
    return readIfThere(this.ledgerFile)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Post);
  }

  /** The jobs of the last scheduler_state.json. */
  jobs(): readonly JobRow[] {
    return (JSON.parse(readFileSync(this.path('scheduler_state.json'), 'utf8')) as { readonly jobs: readonly JobRow[] }).jobs;
  }

  lock(): Readonly<Record<string, unknown>> {
    return JSON.parse(readFileSync(this.path('scheduler.lock'), 'utf8')) as Readonly<Record<string, unknown>>;
  }

  /** As if the holder had not shown life for three minutes; `change` are further fields of its lock file. */
  growOld(change: Readonly<Record<string, unknown>> = {}): void {
    const lock = this.lock();
    const beats = {
      last_heartbeat: new Date(Date.now() - 180_000).toISOString(),
      heartbeat_boot_ms: Number(lock.heartbeat_boot_ms) - 180_000,
    };
    const old = { ...lock, ...beats, ...change };
    writeFileSync(this.path('scheduler.lock'), JSON.stringify(old));
  }

  path(name: string): string {
    return join(this.home, name);
  }

  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  /** Every living process that carries this world's marker, in words. */
  processes(): readonly string[] {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.flatMap((pid) => {
      const carries = readIfThere(`/proc/${pid}/environ`).split('\0').includes(this.#marker);
      return carries ? [`PID ${pid}: ${readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`] : [];
    });
  }

  /** Ends what a failed test left, and says whether anything was. */
  async close(): Promise<readonly string[]> {
    this.#closed = true;
    for (const child of this.#children) child.kill('SIGKILL');
    await vi.waitUntil(() => this.#children.size === 0, LOOK);
    const left = this.processes();
    for (const line of left) process.kill(Number(/^PID (\d+)/.exec(line)?.[1]), 'SIGKILL');
    await Promise.all(this.#guests.map((end) => end()));
    rmSync(this.folder, { recursive: true, force: true });
    return left;
  }
}

const worlds: World[] = [];

/** A world that is closed after the last test of the file, which fails when a process is left. */
export async function newWorld(adbPort?: number): Promise<World> {
  const world = await World.open(adbPort);
  worlds.push(world);
  return world;
}

afterAll(async () => {
  const left = (await Promise.all(worlds.splice(0).map((world) => world.close()))).flat();
  expect(left, 'processes that are left').toEqual([]);
});

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A playable video with a `free` box at its end that nothing reads. */
export function videoBytes(text: string): Buffer {
  const box = Buffer.from(`----free${text}`);
  box.writeUInt32BE(box.length, 0);
  return Buffer.concat([GOOD_VIDEO, box]);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** `dist` of the sources as they are now; several test files may find it too old at the same time. */
function buildOnce(): void {
  const script = `
    const { takeFolderLock } = await import('./scripts/bootstrap/folder-lock.mjs');
    const release = await takeFolderLock(process.argv[1]);
    process.argv[2] = '--strict';
    await import('./scripts/prepare.mjs');
    release();`;
  const lock = join(tmpdir(), `process-tests-build-${sha256(Buffer.from(ROOT)).slice(0, 12)}`);
  const built = spawnSync(process.execPath, ['--input-type=module', '-e', script, lock], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`dist could not be built:\n${built.stderr}`);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
