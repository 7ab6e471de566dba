/**
 * Brings the schema up to date: numbered steps under `PRAGMA user_version`,
 * each one atomic. Runs only under the instance lock; knows no table.
 */
import { SchedulerError } from '../errors.ts';
import type { Connection } from './database.ts';
import { transact } from './database.ts';

export interface Migration {
  /** 1, 2, 3 …: the schema's number after this step. */
  readonly version: number;
  readonly sql: string;
}

/** @throws SchedulerError STORE_TOO_NEW when a newer program has written this file */
export function migrate(db: Connection, migrations: readonly Migration[]): void {
  const transaction = transact(db);
  for (const migration of migrations) {
    // The number is read again inside the transaction: another process may have migrated in between.
    transaction(() => {
      const found = checkSchema(db, migrations);
      if (found >= migration.version) return;
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.version}`);
    });
  }
}

/**
 * The schema's number.
 *
 * @throws SchedulerError STORE_TOO_NEW
 */
export function checkSchema(db: Connection, migrations: readonly Migration[]): number {
  const found = db.pragma('user_version', { simple: true }) as number;
  const known = latest(migrations);
  if (found > known) throw new SchedulerError('STORE_TOO_NEW', { details: { found, known } });
  return found;
}

export function latest(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.version ?? 0;
}
