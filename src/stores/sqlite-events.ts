/** The event table: one row per transition, written in the transaction of the change itself. */
import type { EventRecord, NewEvent } from '../domain/event.ts';
import type { Connection, Statement } from './database.ts';
import { type EventRow, jsonUnlessEmpty, toEvent } from './rows.ts';
import type { EventFilter } from './store.ts';

export class SqliteEvents {
  readonly #db: Connection;
  readonly #insert: Statement;

  constructor(db: Connection) {
    this.#db = db;
    this.#insert = db.prepare(
      'INSERT INTO events (at_ms, type, epoch, job, account, device, who, phase, category, details) VALUES (?,?,?,?,?,?,?,?,?,?)',
    );
  }

  add(event: NewEvent): void {
    const { atMs, type, epoch, job, account, device, who, phase, category, details } = event;
    this.#insert.run(atMs, type, epoch, job, account, device, who, phase, category, jsonUnlessEmpty(details));
  }

  /**
   * Deletes old ones, never the newest: a number, once given, must not come again. What was settled is kept: it says who decided a doubt, and how.
   */
  deleteBefore(beforeMs: number): void {
    this.#db.prepare("DELETE FROM events WHERE at_ms < ? AND type <> 'settled' AND seq < (SELECT max(seq) FROM events)").run(beforeMs);
  }
}

const REST = `AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types))) ORDER BY seq LIMIT :limit`;
const ALL_EVENTS = `SELECT * FROM events WHERE seq > :after ${REST}`;
/** A statement of its own, so that its index answers. */
export const EVENTS_OF_JOB = `SELECT * FROM events INDEXED BY events_of_job WHERE job IS NOT NULL AND job = :job AND seq > :after ${REST}`;

/** In the order in which they happened. */
export function readEvents(db: Connection, filter: EventFilter): readonly EventRecord[] {
  const { job, afterSeq, limit } = filter;
  const types = filter.types === undefined ? null : JSON.stringify(filter.types);
  const asked = { after: afterSeq ?? 0, types, limit: limit ?? -1 };
  const rows = job === undefined ? db.prepare(ALL_EVENTS).all(asked) : db.prepare(EVENTS_OF_JOB).all({ ...asked, job });
  return (rows as EventRow[]).map(toEvent);
}
