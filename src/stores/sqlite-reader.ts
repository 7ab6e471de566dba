/**
 * What `--status` reads. Opens the file read-only, never creates it, and works
 * while a daemon writes. Imports better-sqlite3 and the domain and nothing
 * else, so that the answer is there within 150 ms.
 */
import { existsSync } from 'node:fs';
import type { Account } from '../domain/account.ts';
import type { EventRecord } from '../domain/event.ts';
import { ACCOUNT_BUSY, JOB_STATUSES, type Job, type JobStatus } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import { type Connection, guarded, openDatabase, type Statement } from './database.ts';
import { checkSchema, latest } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import { type AccountRow, type JobRow, toAccount, toJob } from './rows.ts';
import { readEvents } from './sqlite-events.ts';
import { PoolNames } from './sqlite-pools.ts';
import { SqliteStandings } from './sqlite-standing.ts';
import type { AccountStanding, EventFilter, JobCounts, JobFilter, PutOff, StoreReader } from './store.ts';

/** Busy jobs are few and have an index of their own: to find them among 100,000 by looking at each took 35 ms. */
const BUSY_JOBS = `jobs INDEXED BY one_busy_job_per_account WHERE status IN ('claimed', 'committing', 'uncertain')`;

/** What failed, or will be tried again: by its index, in the order in which it was added. */
const JOBS_IN_TROUBLE = `jobs INDEXED BY jobs_in_trouble WHERE status IN ('retrying', 'failed')`;

const PUT_OFF = `FROM jobs INDEXED BY jobs_put_off WHERE status IN ('pending', 'retrying') AND deferred_since_ms <= ?`;

/** The reads, over a connection that somebody else has opened and will close. */
export class SqliteReads {
  readonly #db: Connection;
  readonly #pools: PoolNames;
  readonly #standings: SqliteStandings;
  readonly #statements = new Map<string, Statement>();

  constructor(db: Connection) {
    this.#db = db;
    this.#pools = new PoolNames(db);
    this.#standings = new SqliteStandings(db);
  }

  counts(): JobCounts {
    const rows = this.#prepared('SELECT status, n FROM counts').all() as { status: JobStatus; n: number }[];
    const kept = new Map(rows.map((row) => [row.status, row.n]));
    return Object.fromEntries(JOB_STATUSES.map((status) => [status, kept.get(status) ?? 0])) as JobCounts;
  }

  /** In the order in which they were added. */
  accounts(nowMs: number): readonly AccountStanding[] {
    const rows = this.#prepared('SELECT * FROM accounts ORDER BY rank').all() as AccountRow[];
    return rows.flatMap((row) => {
      const account = toAccount(row);
      return account === null ? [] : [this.#standing(row, account, nowMs)];
    });
  }

  /** In the order in which they were added. */
  jobs(filter: JobFilter): readonly Job[] {
    const statuses = filter.statuses === undefined ? null : JSON.stringify(filter.statuses);
    const rows = this.#prepared(
      `SELECT * FROM ${sourceOf(filter)} AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
         AND (:account IS NULL OR account = :account) AND (:batch IS NULL OR batch = :batch) ORDER BY seq LIMIT :limit`,
    ).all({ account: null, batch: null, limit: -1, ...filter, statuses });
    return (rows as JobRow[]).map((row) => toJob(row, this.#pools.of(row.pool)));
  }

  /** What this account has tried or posted, is bound to it, or can be posted by no other. */
  onlyOf(account: string): readonly Job[] {
    const rows = this.#db
      .prepare(
        `SELECT * FROM jobs WHERE (account = :account AND status <> 'skipped')
         OR (account IS NULL AND status IN ('pending', 'retrying')
             AND EXISTS (SELECT 1 FROM pool_members m WHERE m.pool = jobs.pool AND m.account = :account)
             AND NOT EXISTS (SELECT 1 FROM pool_members m JOIN accounts a ON a.name = m.account
                             WHERE m.pool = jobs.pool AND a.name <> :account AND a.policy IS NOT NULL))
         ORDER BY seq`,
      )
      .all({ account });
    return (rows as JobRow[]).map((row) => toJob(row, this.#pools.of(row.pool)));
  }

  /** Both are answered by the index alone, without a sort: of 100,000 the count took 4 to 9 ms, the first 50 below 1 ms. */
  putOffSince(sinceMs: number, limit: number): PutOff {
    const rows = this.#prepared(`SELECT * ${PUT_OFF} ORDER BY deferred_since_ms, seq LIMIT ?`).all(sinceMs, limit);
    const total = this.#prepared(`SELECT count(*) ${PUT_OFF}`).pluck().get(sinceMs) as number;
    return { jobs: (rows as JobRow[]).map((row) => toJob(row, this.#pools.of(row.pool))), total };
  }

  events(filter: EventFilter): readonly EventRecord[] {
    return readEvents(this.#db, filter);
  }

  value(name: string): unknown {
    const text = this.#prepared('SELECT value FROM stored_values WHERE name = ?').pluck().get(name) as string | undefined;
    return text === undefined ? null : JSON.parse(text);
  }

  /** Compiled once: a daemon asks the same several times a minute, for months. There are a handful of texts. */
  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }

  /** The judgement stored with the account holds until `reconsider_at`; only those past it are judged again. */
  #standing(row: AccountRow, account: Account, nowMs: number): AccountStanding {
    const postedToday = this.#standings.postedToday(account, nowMs);
    if (row.reconsider_at === null || row.reconsider_at > nowMs) {
      return { ...account, postedToday, waitReason: row.wait_reason, nextAtMs: row.ready === 1 ? null : row.reconsider_at };
    }
    const now = this.#standings.ofAccount(account, nowMs);
    return { ...account, postedToday, waitReason: now.eligible ? null : now.reason, nextAtMs: now.eligible ? null : now.retryAtMs };
  }
}

/** Which rows are looked through: those of one state of trouble in their own order, the busy ones, or all. */
function sourceOf({ id, statuses }: JobFilter): string {
  if (id !== undefined) return 'jobs WHERE id = :id';
  const [only, ...others] = statuses ?? [];
  if (others.length === 0 && (only === 'retrying' || only === 'failed')) return `${JOBS_IN_TROUBLE} AND status = '${only}'`;
  return statuses?.every((status) => ACCOUNT_BUSY.includes(status)) ? BUSY_JOBS : 'jobs WHERE true';
}

export class SqliteReader implements StoreReader {
  readonly #db: Connection;
  readonly #reads: SqliteReads;

  /**
   * @throws SchedulerError STORE_TOO_NEW; STORE_FAILED when there is no store, or none that this program can read
   */
  constructor(options: { readonly path: string }) {
    if (!existsSync(options.path)) throw new SchedulerError('STORE_FAILED', { details: { text: `there is no store ${options.path}` } });
    this.#db = openDatabase({ path: options.path, readOnly: true });
    try {
      const found = guarded(() => checkSchema(this.#db, MIGRATIONS));
      if (found < latest(MIGRATIONS)) {
        throw new SchedulerError('STORE_FAILED', {
          details: { text: `its schema ${found} is from an older program; a start brings it up to date` },
        });
      }
      this.#reads = guarded(() => new SqliteReads(this.#db));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  async counts(): Promise<JobCounts> {
    return guarded(() => this.#reads.counts());
  }

  async accounts(nowMs: number): Promise<readonly AccountStanding[]> {
    return guarded(() => this.#reads.accounts(nowMs));
  }

  async jobs(filter: JobFilter): Promise<readonly Job[]> {
    return guarded(() => this.#reads.jobs(filter));
  }

  async putOffSince(sinceMs: number, limit: number): Promise<PutOff> {
    return guarded(() => this.#reads.putOffSince(sinceMs, limit));
  }

  async events(filter: EventFilter): Promise<readonly EventRecord[]> {
    return guarded(() => this.#reads.events(filter));
  }

  async value(name: string): Promise<unknown> {
    return guarded(() => this.#reads.value(name));
  }

  async close(): Promise<void> {
    this.#db.close();
  }
}
