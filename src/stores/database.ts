/**
 * Opens the SQLite file, with the settings that the promises rest on. The only
 * file of the stores that imports better-sqlite3; it knows no table.
 *
 * `synchronous=FULL` is set on *every* open: better-sqlite3 is compiled with
 * `DEFAULT_WAL_SYNCHRONOUS=1`, so a reopened WAL database would run at NORMAL
 * and a power cut could forget the last "about to tap" record, a double post.
 */
import Database from 'better-sqlite3';
import { SchedulerError } from '../errors.ts';

export type Connection = Database.Database;
export type Statement<Bind extends unknown[] = unknown[], Row = unknown> = Database.Statement<Bind, Row>;
/** Runs `work` in one BEGIN IMMEDIATE … COMMIT; rolls back and rethrows when it throws. */
export type Transact = <T>(work: () => T) => T;

/** Longest time the event loop may stand still for another process's lock. */
const BUSY_TIMEOUT_MS = 1_000;
/** For new files. A transition touches about ten pages, all of them written before it is durable: small ones measured 10 % faster than 4,096. */
const PAGE_BYTES = 2_048;
/** Pages in the WAL before SQLite copies them back; at 4,000 the hot pages of many transactions share one copy. */
const CHECKPOINT_PAGES = 4_000;
/** The WAL file is kept at this size between checkpoints: writing into existing blocks spares the file system its own journal. */
const WAL_BYTES_KEPT = 32 * 1024 * 1024;

/**
 * @throws SchedulerError STORE_FAILED when the file cannot be opened (`readOnly` never creates one)
 */
export function openDatabase(options: { readonly path: string; readonly readOnly: boolean }): Connection {
  return guarded(() => {
    const db = new Database(options.path, { readonly: options.readOnly, fileMustExist: options.readOnly, timeout: BUSY_TIMEOUT_MS });
    try {
      if (!options.readOnly) {
        db.pragma(`page_size = ${PAGE_BYTES}`);
        db.pragma('journal_mode = WAL');
        db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
        db.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`);
      }
      db.pragma('synchronous = FULL');
      db.pragma('foreign_keys = ON');
      db.pragma('temp_store = MEMORY');
      db.pragma('cache_size = -16000');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

export function transact(db: Connection): Transact {
  const transaction = db.transaction((work: () => unknown) => work());
  return <T>(work: () => T) => transaction.immediate(work) as T;
}

/** Foreign errors become STORE_FAILED here, at the edge. */
export function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SchedulerError || !(error instanceof Database.SqliteError)) throw error;
    throw new SchedulerError('STORE_FAILED', { cause: error, details: { text: `${error.code}: ${error.message}` } });
  }
}
