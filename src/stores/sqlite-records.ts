/** The small tables beside jobs and accounts: epochs, leases and phases of a held job, named values, resources. */
import type { Phase } from '../domain/failure.ts';
import type { Connection, Statement } from './database.ts';
import type { Claim, Resource } from './store.ts';

interface ResourceRow {
  readonly id: string;
  readonly kind: Resource['kind'];
  readonly details: string;
  readonly epoch: number;
  readonly started_ms: number;
}

/** The job is still this holder's, and no newer daemon has taken over. */
const HELD = `id = ? AND claim_token = ? AND epoch = ? AND status IN ('claimed', 'committing')
  AND epoch >= (SELECT coalesce(max(epoch), 0) FROM epochs)`;

export class SqliteRecords {
  readonly #epoch: Statement<[], number>;
  readonly #raise: Statement;
  readonly #renew: Statement;
  readonly #phase: Statement;
  readonly #setValue: Statement;
  readonly #record: Statement;
  readonly #forget: Statement;
  readonly #resources: Statement<[], ResourceRow>;

  constructor(db: Connection) {
    this.#epoch = db.prepare<[], number>('SELECT coalesce(max(epoch), 0) FROM epochs').pluck();
    this.#raise = db.prepare(
      `INSERT INTO epochs (instance, epoch, raised_ms) VALUES (?, ?, ?)
       ON CONFLICT (instance) DO UPDATE SET epoch = excluded.epoch, raised_ms = excluded.raised_ms`,
    );
    this.#renew = db.prepare(`UPDATE jobs SET lease_until_ms = ? WHERE ${HELD}`);
    this.#phase = db.prepare(`UPDATE jobs SET phase = ? WHERE ${HELD}`);
    this.#setValue = db.prepare(
      'INSERT INTO stored_values (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    this.#record = db.prepare('INSERT OR REPLACE INTO resources (id, kind, details, epoch, started_ms) VALUES (?, ?, ?, ?, ?)');
    this.#forget = db.prepare('DELETE FROM resources WHERE id = ?');
    this.#resources = db.prepare('SELECT * FROM resources ORDER BY started_ms, id');
  }

  /** The highest epoch that any instance has raised. */
  epoch(): number {
    return this.#epoch.get() as number;
  }

  /** Higher than that of *every* instance: in one file an older daemon of any kind must lose. */
  raiseEpoch(instance: string, now: number): number {
    const epoch = this.epoch() + 1;
    this.#raise.run(instance, epoch, now);
    return epoch;
  }

  renew(claim: Claim, leaseUntilMs: number): boolean {
    return this.#renew.run(leaseUntilMs, claim.jobId, claim.token, claim.epoch).changes === 1;
  }

  enterPhase(claim: Claim, phase: Phase): boolean {
    return this.#phase.run(phase, claim.jobId, claim.token, claim.epoch).changes === 1;
  }

  setValue(name: string, value: unknown): void {
    this.#setValue.run(name, JSON.stringify(value ?? null));
  }

  recordResource({ id, kind, details, epoch, startedMs }: Resource): void {
    this.#record.run(id, kind, JSON.stringify(details), epoch, startedMs);
  }

  forgetResource(id: string): void {
    this.#forget.run(id);
  }

  resources(): readonly Resource[] {
    return this.#resources
      .all()
      .map(({ id, kind, details, epoch, started_ms }) => ({ id, kind, details: JSON.parse(details), epoch, startedMs: started_ms }));
  }
}
