/**
 * Asks the domain whether an account may post, with the facts that the database
 * holds about it. Only reads, so that `--status` can use it too.
 */
import type { Account } from '../domain/account.ts';
import { type Eligibility, eligibility } from '../domain/select.ts';
import { localDay } from '../domain/window.ts';
import type { Connection, Statement } from './database.ts';
import { type AccountRow, toAccount } from './rows.ts';

const DAY_MS = 24 * 60 * 60_000;
const WITHOUT_POLICY: Eligibility = { eligible: false, reason: 'configuration', retryAtMs: null };
const NOT_A_JOB = -1;

export class SqliteStandings {
  readonly #between: Statement<[string, number, number], number>;
  readonly #busy: Statement<[string, number], string>;
  readonly #recent: Statement<[string, number], number>;

  constructor(db: Connection) {
    this.#between = db
      .prepare<[string, number, number], number>('SELECT count(*) FROM posts WHERE account = ? AND committed_ms >= ? AND committed_ms < ?')
      .pluck();
    this.#busy = db
      .prepare<[string, number], string>(
        `SELECT status FROM jobs WHERE account = ? AND status IN ('claimed', 'committing', 'uncertain') AND seq <> ? ORDER BY status LIMIT 1`,
      )
      .pluck();
    this.#recent = db
      .prepare<[string, number], number>('SELECT committed_ms FROM posts WHERE account = ? AND committed_ms > ? ORDER BY committed_ms DESC')
      .pluck();
  }

  /**
   * Whether it may post now, by its policy, state and posts.
   *
   * @param exceptSeq this job does not make the account busy: the question is asked for it
   */
  of(row: AccountRow, now: number, exceptSeq: number = NOT_A_JOB): Eligibility {
    const account = toAccount(row);
    return account === null ? WITHOUT_POLICY : this.ofAccount(account, now, exceptSeq);
  }

  ofAccount(account: Account, now: number, exceptSeq: number = NOT_A_JOB): Eligibility {
    const status = this.#busy.get(account.name, exceptSeq);
    const busy = status === undefined ? null : status === 'uncertain' ? 'uncertain' : 'busy';
    // A busy account waits whatever it has posted, so the posts need not be counted.
    if (busy !== null) return eligibility({ account, postedToday: 0, postedIn24h: 0, busy, now });
    const postedToday = this.postedToday(account, now);
    const limit = account.policy.rolling24h;
    if (limit === null) return eligibility({ account, postedToday, postedIn24h: 0, busy, now });
    const recent = this.#recent.all(account.name, now - DAY_MS);
    const leaves = limit > 0 ? recent[limit - 1] : undefined;
    return eligibility({
      account,
      postedToday,
      postedIn24h: recent.length,
      busy,
      now,
      rollingFreeAtMs: leaves === undefined ? null : leaves + DAY_MS,
    });
  }

  /** Posts that count on the account's local day of `now`. */
  postedToday(account: Account, now: number): number {
    const { startMs, endMs } = localDay(account.policy.timezone, now);
    return this.#between.get(account.name, startMs, endMs) ?? 0;
  }
}
