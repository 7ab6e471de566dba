/**
 * Account rows and their "ready schema": `ready`, `reconsider_at` and the head
 * of the account's own queue are kept true in every transaction, so that a
 * claim need not look at accounts that cannot post.
 *
 * Every method runs inside the caller's transaction.
 */
import type { Account } from '../domain/account.ts';
import type { Job } from '../domain/job.ts';
import type { Eligibility } from '../domain/select.ts';
import type { Connection, Statement } from './database.ts';
import { type AccountRow, toAccount } from './rows.ts';
import { SqliteStandings } from './sqlite-standing.ts';
import type { AccountSetup } from './store.ts';

/** Head of the account's own queue: jobs that must run alone are looked for apart, because they wait for a quiet moment. */
const HEAD = `(next_due, next_priority, next_seq) = (
  SELECT due_ms, priority, seq FROM jobs
  WHERE account = accounts.name AND account IS NOT NULL AND status IN ('pending', 'retrying') AND crashes < 2
  ORDER BY due_ms, priority, seq LIMIT 1)`;

type PostedJob = Pick<Job, 'account' | 'committedMs' | 'seq'>;

export class SqliteAccounts {
  readonly standings: SqliteStandings;
  readonly #select: Statement<[string], AccountRow>;
  readonly #ensure: Statement;
  readonly #setPolicy: Statement;
  readonly #due: Statement<[number], AccountRow>;
  readonly #setStanding: Statement;
  readonly #setBusy: Statement;
  readonly #save: Statement;
  readonly #addPost: Statement;
  readonly #removePost: Statement;

  constructor(db: Connection) {
    this.standings = new SqliteStandings(db);
    this.#select = db.prepare('SELECT * FROM accounts WHERE name = ?');
    this.#ensure = db.prepare(`INSERT INTO accounts (name, wait_reason) VALUES (?, 'configuration') ON CONFLICT DO NOTHING`);
    this.#setPolicy = db.prepare('UPDATE accounts SET policy = ? WHERE name = ?');
    this.#due = db.prepare('SELECT * FROM accounts WHERE reconsider_at <= ? AND reconsider_at IS NOT NULL');
    this.#setStanding = db.prepare(`UPDATE accounts SET ready = ?, reconsider_at = ?, wait_reason = ?, ${HEAD} WHERE name = ?`);
    this.#setBusy = db.prepare(`UPDATE accounts SET ready = 0, reconsider_at = NULL, wait_reason = 'busy', ${HEAD} WHERE name = ?`);
    this.#save = db.prepare(
      `UPDATE accounts SET state = ?, reason = ?, device = ?, trouble = ?, cooldown_until_ms = ?, consecutive_failures = ?,
       last_commit_ms = ?, gap_jitter_ms = ?, ready = ?, reconsider_at = ?, wait_reason = ?, ${HEAD} WHERE name = ?`,
    );
    this.#addPost = db.prepare('INSERT INTO posts (account, committed_ms, job) VALUES (?, ?, ?)');
    this.#removePost = db.prepare('DELETE FROM posts WHERE account = ? AND committed_ms = ? AND job = ?');
  }

  row(name: string): AccountRow | undefined {
    return this.#select.get(name);
  }

  /** null when there is none, or none with a policy. */
  get(name: string): Account | null {
    const row = this.#select.get(name);
    return row === undefined ? null : toAccount(row);
  }

  /** A row for a name that a job mentions; without a policy it never posts. */
  ensure(name: string): void {
    this.#ensure.run(name);
  }

  /** Answers whether the account was unknown, changed or the same. */
  put(setup: AccountSetup, now: number): 'added' | 'updated' | 'same' {
    this.ensure(setup.name);
    const row = this.row(setup.name) as AccountRow;
    const text = JSON.stringify(setup.policy);
    if (row.policy === text) return 'same';
    this.#setPolicy.run(text, setup.name);
    this.judge(setup.name, now);
    return row.policy === null ? 'added' : 'updated';
  }

  /** Without a policy it is no account any more. */
  remove(name: string, now: number): void {
    this.#setPolicy.run(null, name);
    this.judge(name, now);
  }

  /** Judges again those whose eligibility may have changed by time alone. */
  sweep(now: number): void {
    for (const row of this.#due.all(now)) this.#write(row.name, this.standings.of(row, now));
  }

  /** Judges one again, and finds the head of its queue. */
  judge(name: string, now: number): void {
    const row = this.#select.get(name);
    if (row !== undefined) this.#write(name, this.standings.of(row, now));
  }

  /** After a claim nothing needs to be judged: it is busy. */
  markBusy(name: string): void {
    this.#setBusy.run(name);
  }

  /** Writes the account's state and history, its standing after them, and the head of its queue. */
  save(account: Account, now: number): void {
    const { ready, reconsiderAt, waitReason } = columnsOf(this.standings.ofAccount(account, now));
    this.#save.run(
      account.state,
      account.reason,
      account.device,
      account.trouble,
      account.cooldownUntilMs,
      account.consecutiveFailures,
      account.lastCommitMs,
      account.gapJitterMs,
      ready,
      reconsiderAt,
      waitReason,
      account.name,
    );
  }

  /** From now on this job is a post that counts for the caps. */
  addPost(job: PostedJob): void {
    this.#addPost.run(job.account, job.committedMs, job.seq);
  }

  /** It turned out to be none. */
  removePost(job: PostedJob): void {
    this.#removePost.run(job.account, job.committedMs, job.seq);
  }

  #write(name: string, standing: Eligibility): void {
    const { ready, reconsiderAt, waitReason } = columnsOf(standing);
    this.#setStanding.run(ready, reconsiderAt, waitReason, name);
  }
}

function columnsOf(standing: Eligibility) {
  return standing.eligible
    ? { ready: 1, reconsiderAt: standing.untilMs, waitReason: null }
    : { ready: 0, reconsiderAt: standing.retryAtMs, waitReason: standing.reason };
}
