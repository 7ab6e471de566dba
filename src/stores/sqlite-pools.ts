/** Pools of accounts in the database: their numbers, their members and the head of each one's queue. */
import type { Connection, Statement } from './database.ts';
import { ALL_ACCOUNTS, poolMembers } from './pools.ts';

/** Names of pools by number; a pool never changes, so what was read once stays true. */
export class PoolNames {
  readonly #select: Statement<[number], string>;
  readonly #names = new Map<number, string>();

  constructor(db: Connection) {
    this.#select = db.prepare<[number], string>('SELECT members FROM pools WHERE id = ?').pluck();
  }

  of(pool: number | null): string | null {
    if (pool === null) return null;
    let name = this.#names.get(pool);
    if (name === undefined) {
      name = this.#select.get(pool) ?? ALL_ACCOUNTS;
      this.#names.set(pool, name);
    }
    return name;
  }
}

export class SqlitePools {
  readonly names: PoolNames;
  readonly #find: Statement<[string], number>;
  readonly #insert: Statement<[string], number>;
  readonly #addMember: Statement;
  readonly #refresh: Statement;

  constructor(db: Connection) {
    this.names = new PoolNames(db);
    this.#find = db.prepare<[string], number>('SELECT id FROM pools WHERE members = ?').pluck();
    this.#insert = db.prepare<[string], number>('INSERT INTO pools (members) VALUES (?) RETURNING id').pluck();
    this.#addMember = db.prepare('INSERT INTO pool_members (pool, account) VALUES (?, ?)');
    this.#refresh = db.prepare(`
      UPDATE pools SET (next_due, next_priority, next_seq) = (
        SELECT due_ms, priority, seq FROM jobs
        WHERE pool = pools.id AND status IN ('pending', 'retrying') AND account IS NULL
        ORDER BY due_ms, priority, seq LIMIT 1) WHERE id = ?`);
  }

  /** The number of the pool of this name, made when it is new. Inside a transaction. */
  numberOf(name: string): number {
    const known = this.#find.get(name);
    if (known !== undefined) return known;
    const id = this.#insert.get(name) as number;
    for (const account of poolMembers(name) ?? []) this.#addMember.run(id, account);
    return id;
  }

  refreshHead(pool: number): void {
    this.#refresh.run(pool);
  }
}
