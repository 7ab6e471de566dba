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

  /** Deletes old ones, never the newest: a number, once given, must not come again. */
  deleteBefore(beforeMs: number): void {
    this.#db.prepare('DELETE FROM events WHERE at_ms < ? AND seq < (SELECT max(seq) FROM events)').run(beforeMs);
  }
}

/** In the order in which they happened. */
export function readEvents(db: Connection, filter: EventFilter): readonly EventRecord[] {
  const types = filter.types === undefined ? null : JSON.stringify(filter.types);
  const rows = db
    .prepare(
      `SELECT * FROM events WHERE seq > :after AND (:job IS NULL OR job = :job)
       AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types))) ORDER BY seq LIMIT :limit`,
    )
    .all({ after: filter.afterSeq ?? 0, job: filter.job ?? null, types, limit: filter.limit ?? -1 });
  return (rows as EventRow[]).map(toEvent);
}
