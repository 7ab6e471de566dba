/**
 * Copies of a home's truth: its database and its record of posts, made while a
 * scheduler works, and put back without publishing anything again.
 *
 * The order is what makes it safe. The database is copied first and
 * `posted.jsonl` second, so that the record knows at least every post that the
 * copy knows; what it knows beyond that is settled at the next start, as after
 * any lost database. Putting back never shortens the record of posts.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import { guarded, openDatabase } from './database.ts';
import { checkSchema } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';

export interface CopyRequest {
  readonly home: string;
  /** The database file. */
  readonly store: string;
  /** The folder of the copy. */
  readonly folder: string;
  readonly clock: Clock;
}

const STORE = 'scheduler_state.db';
const LEDGER = 'posted.jsonl';
const CONFIG = 'scheduler.yaml';
const NOTE = 'backup.json';

/** Answers the names of the copied files. @throws SchedulerError BACKUP_REFUSED, STORE_FAILED */
export async function backUp({ home, store, folder, clock }: CopyRequest): Promise<readonly string[]> {
  if (existsSync(folder))
    throw refused(`${folder} is there already`, 'Name a folder that is not there yet; a backup never replaces another.');
  if (!existsSync(store)) throw refused(`there is no queue in ${home}`, 'Name the right home by --home.');
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  copyDatabase(store, join(unfinished, STORE));
  const copied = [STORE];
  for (const name of [LEDGER, CONFIG]) {
    if (!existsSync(join(home, name))) continue;
    await copyFile(join(home, name), join(unfinished, name));
    copied.push(name);
  }
  await writeDurably(join(unfinished, NOTE), `${JSON.stringify({ written_by: 'posting-scheduler', home, at: isoTime(clock.now()) })}\n`);
  for (const name of copied) await syncFile(join(unfinished, name));
  await rename(unfinished, folder);
  await syncFile(dirname(folder));
  return copied;
}

export interface Restored {
  /** Where the home's former database went; null = it had none. */
  readonly former: string | null;
  /** Lines of the record of posts that the copy did not know. */
  readonly later: number;
}

/**
 * Call under the home's lock only, with the store closed. `scheduler.yaml` is the person's and is not touched.
 *
 * @throws SchedulerError BACKUP_REFUSED, STORE_TOO_NEW, STORE_FAILED
 */
export async function putBack({ home, store, folder, clock }: CopyRequest): Promise<Restored> {
  if (!existsSync(join(folder, NOTE)) || !existsSync(join(folder, STORE))) {
    throw refused(`${folder} is no backup of this program`, 'Name the folder that `scheduler --backup` wrote.');
  }
  const problems = checkStore(join(folder, STORE));
  if (problems.length > 0) throw refused(`the copy is damaged: ${problems[0]}`, 'Use another backup.');
  // The record of posts first: a crash between the two leaves too much knowledge, never too little.
  const later = await mergeLedgers(join(folder, LEDGER), join(home, LEDGER));
  const fresh = `${store}.restoring`;
  await copyFile(join(folder, STORE), fresh);
  await syncFile(fresh);
  const former = await putAside(store, join(home, `before-restore-${isoTime(clock.now()).slice(0, 19).replaceAll(':', '')}`));
  await rename(fresh, store);
  await syncFile(dirname(store));
  return { former, later };
}

/** What is wrong with a database, in words; empty = it is whole. @throws SchedulerError BACKUP_REFUSED when it is not there, STORE_TOO_NEW, STORE_FAILED when it is no database */
export function checkStore(path: string): readonly string[] {
  if (!existsSync(path)) throw refused(`there is no database ${path}`, 'Name the right home by --home.');
  return guarded(() => {
    const db = openDatabase({ path, readOnly: true });
    try {
      checkSchema(db, MIGRATIONS);
      const damage = (db.prepare('PRAGMA integrity_check').pluck().all() as string[]).filter((line) => line !== 'ok');
      if (damage.length > 0) return damage;
      const lost = (db.prepare('PRAGMA foreign_key_check').all() as { table: string }[]).map(
        ({ table }) => `a row of ${table} points nowhere`,
      );
      const counted = db
        .prepare(
          `SELECT status, SUM(kept) AS kept, SUM(found) AS found FROM (SELECT status, n AS kept, 0 AS found FROM counts
           UNION ALL SELECT status, 0, COUNT(*) FROM jobs GROUP BY status) GROUP BY status HAVING SUM(kept) != SUM(found)`,
        )
        .all() as { status: string; kept: number; found: number }[];
      return [...lost, ...counted.map(({ status, kept, found }) => `${kept} jobs are counted as ${status}, ${found} are`)];
    } finally {
      db.close();
    }
  });
}

function copyDatabase(from: string, to: string): void {
  guarded(() => {
    const db = openDatabase({ path: from, readOnly: true });
    try {
      checkSchema(db, MIGRATIONS);
      // One read transaction: the state of one instant, whatever is written meanwhile.
      db.prepare('VACUUM INTO ?').run(to);
    } finally {
      db.close();
    }
  });
}

/** Every line of both, the copy's first: lines are only ever appended, so those it does not know are later. */
async function mergeLedgers(copy: string, own: string): Promise<number> {
  const known = await linesOf(copy);
  const there = await linesOf(own);
  const later = there.filter((line) => !new Set(known).has(line));
  const merged = `${[...known, ...later].join('\n')}\n`;
  if (known.length + later.length > 0) {
    await writeDurably(`${own}.restoring`, merged);
    await rename(`${own}.restoring`, own);
  }
  return later.length;
}

async function linesOf(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').filter((line) => line !== '');
}

/** A crash at any instant leaves the former database where it was and whole, or the fresh one in its place. */
async function putAside(store: string, folder: string): Promise<string | null> {
  if (!existsSync(store)) return null;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  foldWal(store);
  await copyFile(store, join(folder, basename(store)));
  await syncFile(join(folder, basename(store)));
  // What is left of them belongs to a database that cannot be opened; they must not meet the fresh one.
  for (const end of ['-wal', '-shm']) {
    if (existsSync(`${store}${end}`)) await rename(`${store}${end}`, join(folder, `${basename(store)}${end}`));
  }
  return folder;
}

/** The last one to close a database brings its WAL home and removes it. A damaged one is put aside as it is. */
function foldWal(store: string): void {
  try {
    openDatabase({ path: store, readOnly: false }).close();
  } catch {}
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Also of a folder, so that the names in it are on disk; Windows cannot and need not. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r').catch(() => null);
  await file?.sync().catch(() => undefined);
  await file?.close();
}

function refused(what: string, next: string): SchedulerError {
  return new SchedulerError('BACKUP_REFUSED', { details: { what, next } });
}
