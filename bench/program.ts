/**
 * The built program as a stranger runs it: `bin/scheduler.js` in a folder of
 * its own, with a HOME and a compile cache of its own, so that neither another
 * build nor another run changes what is measured. Knows no benchmark.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

export const ROOT = join(import.meta.dirname, '..');
/** The smallest video that is one: 2,918 bytes. */
const VIDEO = readFileSync(join(ROOT, 'test', 'fixtures', 'videos', 'good.mp4'));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Wall time of the whole process, milliseconds. */
  readonly ms: number;
}

export interface Program {
  /** A folder of this run; `close()` removes it with all that is in it. */
  readonly folder: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  spawn(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess;
  /** One command of the program to its end. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ran>;
  close(): void;
}

/** Builds what is not built yet, and copies it. @throws Error when it cannot be built */
export function openProgram(): Program {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts', 'prepare.mjs'), '--strict'], { cwd: ROOT, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(built.stderr);
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const root = join(folder, 'program');
  for (const part of ['bin', 'dist', 'flows', 'package.json']) cpSync(join(ROOT, part), join(root, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  const home = join(folder, 'home');
  mkdirSync(home);
  const env = { PATH: process.env.PATH ?? '', HOME: folder, TMPDIR: folder, TZ: 'UTC' };
  const start: Program['spawn'] = (args, more = {}) =>
    spawn(process.execPath, [join(root, 'bin', 'scheduler.js'), ...args], {
      cwd: folder,
      env: { ...env, ...more },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  return {
    folder,
    home,
    env,
    spawn: start,
    run: (args, more) => finished(() => start(args, more)),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts a process and waits for its end. */
export async function finished(start: () => ChildProcess): Promise<Ran> {
  const startedMs = performance.now();
  const child = start();
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (bytes: Buffer) => {
      texts[name] += bytes.toString('utf8');
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...texts, ms: performance.now() - startedMs };
}

/** `count` playable videos, each of other bytes, with a caption beside each of them. Answers the folder. */
export function makeVideos(folder: string, count: number, bytes = 0): string {
  mkdirSync(folder, { recursive: true });
  const rows = ['filename,caption'];
  for (let number = 1; number <= count; number += 1) {
    // A `free` box at the end, which nothing reads: a header, the number, and as many bytes as were asked for.
    const box = Buffer.concat([Buffer.from(`----free${number}`), Buffer.alloc(bytes, number % 251)]);
    box.writeUInt32BE(box.length, 0);
    writeFileSync(join(folder, `video-${number}.mp4`), Buffer.concat([VIDEO, box]));
    rows.push(`video-${number}.mp4,"The caption of video ${number}, as long as captions often are, with a few #words at its end 🎬"`);
  }
  writeFileSync(join(folder, 'captions.csv'), `${rows.join('\n')}\n`);
  return folder;
}
