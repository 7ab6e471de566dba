/**
 * Power loss without a power switch: a process writes (power-loss-writer.ts), is
 * stopped at a random instant, its files are copied, and of the copy everything
 * that was not yet on disk for sure is torn: the WAL behind the last resolved
 * call, the tail of posted.jsonl, pages of the database that a checkpoint may
 * have been writing. Each copy must then open and start like after a power cut.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { POST_COUNTS } from '../../src/domain/job.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { Rescuer } from '../../src/scheduler/rescuer.ts';
import { PostedFile } from '../../src/stores/posted-ledger.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { Child } from '../support/children.ts';
import { SeededRandom } from '../support/fake-random.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { framesOf, type WalEnd } from './wal.ts';

export interface PowerLossOptions {
  readonly within: string;
  readonly copies: number;
  readonly seed: number;
  /** What must be found out. `acts-too-early`: a writer that breaks the order; `disk-lies`: a disk that forgets what it said was written. */
  readonly mutation?: 'acts-too-early' | 'disk-lies';
}

export interface PowerLossResult {
  readonly copies: number;
  /** Copies whose WAL lost bytes, whose posted.jsonl did, and in which pages of the database were torn. */
  readonly torn: { readonly wal: number; readonly posted: number; readonly pages: number };
  /** Rounds of the WAL that were seen: checkpoints were under test, too. */
  readonly walRounds: number;
  /** Acts that the copies' judges knew of, all together. */
  readonly acts: number;
  readonly findings: readonly string[];
}

const WRITER = fileURLToPath(new URL('./power-loss-writer.ts', import.meta.url));
const DATABASE = 'scheduler_state.db';
const WAL = `${DATABASE}-wal`;
const LONGEST_LIFE_MS = 30;
/** Then another writer begins, with files that are small again. */
const COPIES_OF_A_LIFE = 50;

export async function powerLoss(options: PowerLossOptions): Promise<PowerLossResult> {
  const tally: Tally = { torn: { wal: 0, posted: 0, pages: 0 }, rounds: new Set(), acts: 0, findings: [] };
  for (let copies = 0; copies < options.copies; copies += COPIES_OF_A_LIFE) {
    await oneLife({ ...options, copies: Math.min(COPIES_OF_A_LIFE, options.copies - copies), seed: options.seed + copies }, tally);
  }
  return { copies: options.copies, torn: tally.torn, walRounds: tally.rounds.size, acts: tally.acts, findings: tally.findings };
}

interface Tally {
  readonly torn: { wal: number; posted: number; pages: number };
  readonly rounds: Set<string>;
  acts: number;
  readonly findings: string[];
}

async function oneLife(options: PowerLossOptions, tally: Tally): Promise<void> {
  const random = new SeededRandom(options.seed);
  const folder = mkdtempSync(join(options.within, 'power-loss-'));
  const args = [WRITER, folder, String(options.seed)];
  const writer = new Child(process.execPath, options.mutation === undefined ? args : [...args, options.mutation]);
  try {
    await writer.says('writing');
    for (let number = 1; number <= options.copies; number++) {
      await sleep(random.fraction() * LONGEST_LIFE_MS);
      const copy = join(folder, `copy-${number}`);
      await copyAtOneInstant(writer.pid, folder, copy);
      tally.rounds.add(tear(copy, random, tally.torn, options.mutation === 'disk-lies'));
      const judged = await judgeCopy(copy);
      tally.acts += judged.acts;
      tally.findings.push(...judged.findings.map((what) => `copy ${number} of seed ${options.seed}: ${what}`));
      rmSync(copy, { recursive: true });
    }
  } finally {
    await writer.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Copied while nobody runs, all files are of the same instant; the -shm is not on disk, and stays behind. */
async function copyAtOneInstant(pid: number, from: string, to: string): Promise<void> {
  mkdirSync(to);
  process.kill(pid, 'SIGSTOP');
  try {
    while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await sleep(1);
    for (const name of [DATABASE, WAL, 'posted.jsonl', 'acts.jsonl', 'synced.json']) {
      if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** Answers the round of the WAL. */
function tear(copy: string, random: SeededRandom, torn: Tally['torn'], diskLies: boolean): string {
  const synced = JSON.parse(readFileSync(join(copy, 'synced.json'), 'utf8')) as WalEnd & { readonly posted: number };
  const wal = readFileSync(join(copy, WAL));
  const found = framesOf(wal);
  const written = found?.frames.at(-1)?.endsAt ?? 0;
  // A round that began after the last resolved call began behind a whole, synced checkpoint: nothing of it is needed.
  const keep = found?.salts === synced.salts && !diskLies ? synced.offset : 0;
  const cut = keep + Math.floor(random.fraction() * (written - keep + 1));
  if (cut < written) torn.wal += 1;
  writeFileSync(join(copy, WAL), withTail(wal, cut, written, random));
  const durable = found?.frames.filter(({ endsAt }) => endsAt <= keep) ?? [];
  if (found !== null && durable.length > 0 && random.fraction() < 0.5) {
    torn.pages += 1;
    tearPages(
      join(copy, DATABASE),
      found.pageBytes,
      durable.map(({ page }) => page),
      random,
    );
  }
  torn.posted += tearPosted(join(copy, 'posted.jsonl'), synced.posted, random);
  return found?.salts ?? '';
}

/** Behind the cut: nothing, zeros, or anything. */
function withTail(wal: Buffer, cut: number, written: number, random: SeededRandom): Buffer {
  const kind = Math.floor(random.fraction() * 3);
  if (kind === 0) return wal.subarray(0, cut);
  const tail = Buffer.alloc(Math.max(0, written - cut), 0);
  if (kind === 1) for (let index = 0; index < tail.length; index++) tail[index] = Math.floor(random.fraction() * 256);
  return Buffer.concat([wal.subarray(0, cut), tail, wal.subarray(written)]);
}

/** What the WAL holds durably, a checkpoint may be writing into the database at this instant. */
function tearPages(path: string, pageBytes: number, pages: readonly number[], random: SeededRandom): void {
  const database = readFileSync(path);
  for (const page of new Set(pages)) {
    const from = (page - 1) * pageBytes + Math.floor(random.fraction() * pageBytes);
    if (random.fraction() < 0.3 && from < database.length) database.fill(0xa5, from, Math.min(page * pageBytes, database.length));
  }
  writeFileSync(path, database);
}

function tearPosted(path: string, keep: number, random: SeededRandom): number {
  if (!existsSync(path)) return 0;
  const text = readFileSync(path);
  const cut = keep + Math.floor(random.fraction() * (text.length - keep + 1));
  writeFileSync(path, text.subarray(0, cut));
  return cut < text.length ? 1 : 0;
}

async function judgeCopy(copy: string): Promise<{ readonly acts: number; readonly findings: readonly string[] }> {
  const clock = new SystemClock();
  const acts = completeLines(join(copy, 'acts.jsonl')).map((line) => (JSON.parse(line) as { readonly job: string }).job);
  const findings: string[] = [];
  let store: SqliteStore | null = null;
  try {
    store = new SqliteStore({ path: join(copy, DATABASE), clock, random: new SeededRandom(1) });
    const whole = integrityOf(join(copy, DATABASE));
    if (whole !== 'ok') findings.push(`integrity_check says ${whole}`);
    const posted = new PostedFile({ path: join(copy, 'posted.jsonl') });
    const missing = await posted.compareWith(store);
    const caught = new Set(missing.map(({ job }) => job));
    const before = await statuses(store);
    for (const id of acts) {
      const status = before.get(id) ?? 'gone';
      if (POST_COUNTS.some((counts) => counts === status)) continue;
      findings.push(`${id} is public, but ${status}${caught.has(id) ? '; posted.jsonl knows it' : ''}`);
    }
    const epoch = await store.raiseEpoch('after the power cut');
    const rescuer = new Rescuer({ store, clock, logger: new MemoryLogger(), epoch });
    await rescuer.rescue(false);
    await rescuer.reconcile(missing);
    const after = await statuses(store);
    for (const id of acts) {
      const status = after.get(id) ?? 'gone';
      if (status !== 'uncertain' && status !== 'success') findings.push(`${id} is public, but ${status} after the start`);
    }
  } catch (error) {
    findings.push(`the copy does not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await store?.close();
  }
  return { acts: acts.length, findings };
}

async function statuses(store: SqliteStore): Promise<ReadonlyMap<string, string>> {
  return new Map((await store.jobs({})).map(({ id, status }) => [id, status]));
}

function integrityOf(path: string): string {
  const db = new Database(path, { readonly: true });
  try {
    return String(db.pragma('integrity_check', { simple: true }));
  } finally {
    db.close();
  }
}

function completeLines(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}
