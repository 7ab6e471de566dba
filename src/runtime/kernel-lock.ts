/**
 * The right to act in a home: a lock that the kernel holds for this process and
 * frees when it ends, however it ends. No clock, no heartbeat, no stale state.
 *
 * It is the write lock of a tiny SQLite file, because SQLite takes locks in the
 * same way everywhere. Measured: one holder in 210 of 210 contended trials, free
 * 3 to 5 ms after SIGKILL. Knows nothing of what the lock is for.
 */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { SchedulerError } from '../errors.ts';

export interface KernelLock {
  /** Its file on the disk. A file that was deleted keeps its number to itself as long as somebody holds it. */
  readonly inode: number;
  /** Safe to call twice. */
  release(): void;
}

/** A connection that nobody refers to is collected, and the lock with it: the next start would find the home free. */
const held = new Set<Database.Database>();

/**
 * Takes the lock without waiting; null when another process, or this one, holds it.
 *
 * @throws SchedulerError LOCK_DAMAGED when the file holds something else, STORE_FAILED when it cannot be opened or written
 */
export function takeKernelLock(path: string): KernelLock | null {
  let database: Database.Database | null = null;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    // SQLITE_BUSY may come from the pragma already; SQLITE_BUSY_RECOVERY and the like mean the same.
    const code = cause instanceof Database.SqliteError ? cause.code : '';
    if (code.startsWith('SQLITE_BUSY')) return null;
    const text = cause instanceof Error ? cause.message : String(cause);
    if (/^SQLITE_(?:NOTADB|CORRUPT)/.test(code)) throw new SchedulerError('LOCK_DAMAGED', { cause, details: { path, text } });
    throw new SchedulerError('STORE_FAILED', { cause, details: { text: `${path}: ${text}` } });
  }
  const owned = database;
  held.add(owned);
  return {
    inode: statSync(path).ino,
    release: () => {
      if (!held.delete(owned)) return;
      owned.close();
    },
  };
}
