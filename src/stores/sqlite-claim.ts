/**
 * The claim: which job runs next, and taking it, in one statement.
 *
 * The candidates are the heads of queues whose account is ready, so the cost
 * does not grow with the queue. `transition` remains the rule: what the
 * statement wrote is compared with what it says.
 */
import assert from 'node:assert/strict';
import type { Account } from '../domain/account.ts';
import { type Job, transition } from '../domain/job.ts';
import { ALONE_PATIENCE_MS, CRASHES_BEFORE_ALONE } from '../domain/job-in-doubt.ts';
import type { Connection, Statement } from './database.ts';
import { keyFor } from './key-tail.ts';
import { ALL_ACCOUNTS } from './pools.ts';
import { type AccountRow, type JobRow, toAccount, toJob } from './rows.ts';
import type { SqliteAccounts } from './sqlite-accounts.ts';
import type { SqliteEvents } from './sqlite-events.ts';
import type { SqlitePools } from './sqlite-pools.ts';
import type { ClaimRequest } from './store.ts';
import { eventsOfClaim } from './transition-event.ts';

export interface ClaimParts {
  readonly db: Connection;
  readonly accounts: SqliteAccounts;
  readonly pools: SqlitePools;
  readonly events: SqliteEvents;
}

/** The request does not rule out the account, its app or its phone. */
const ALLOWED = `(:only IS NULL OR a.name IN (SELECT value FROM json_each(:only)))
  AND (:exceptApps IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(:exceptApps) AS app
    WHERE app.value IN (json_extract(a.policy, '$.app'), json_extract(a.policy, '$.app') || '@' || a.device)))
  AND (a.device IS NULL OR a.device NOT IN (SELECT value FROM json_each(:except)))`;

/** The account may be used by this request, and its phone is free. */
const USABLE = `${ALLOWED}
  AND (a.device IS NULL OR (
    NOT EXISTS (SELECT 1 FROM jobs busy WHERE busy.device = a.device AND busy.status IN ('claimed', 'committing') AND busy.device IS NOT NULL)))`;

/** The first job of the best account's own queue. The order is that of the index accounts_in_order. */
const BEST_BOUND = `
  SELECT a.next_seq AS seq, a.name AS account, a.device AS device, a.next_due AS due, a.next_priority AS priority, a.last_commit_ms AS posted
  FROM accounts a INDEXED BY accounts_in_order
  WHERE a.ready = 1 AND a.next_due IS NOT NULL AND a.next_due <= :now AND ${USABLE}
  ORDER BY a.next_due, a.next_priority, a.last_commit_ms, a.next_seq LIMIT 1`;

/** The first job of each pool, for its ready member that posted longest ago. */
const BEST_POOLED = `
  SELECT p.next_seq, m.name, m.device, p.next_due, p.next_priority, m.last_commit_ms
  FROM pools p JOIN accounts m ON m.rank = (
    SELECT a.rank FROM accounts a INDEXED BY accounts_fair
    WHERE a.ready = 1 AND ${USABLE}
      AND (p.members = '${ALL_ACCOUNTS}' OR EXISTS (SELECT 1 FROM pool_members pm WHERE pm.pool = p.id AND pm.account = a.name))
    ORDER BY a.last_commit_ms, a.rank LIMIT 1)
  WHERE p.next_due <= :now`;

/** A job that starts only alone has waited long enough for a quiet moment: nothing else starts until it has run, else it might starve. */
const NOBODY_WAITS_FOR_QUIET = `NOT EXISTS (
  SELECT 1 FROM jobs j INDEXED BY jobs_alone JOIN accounts a ON a.name = j.account
  WHERE j.crashes >= ${CRASHES_BEFORE_ALONE} AND j.status IN ('pending', 'retrying') AND j.due_ms <= :now - ${ALONE_PATIENCE_MS}
    AND (a.ready = 1 OR a.wait_reason = 'busy') AND ${ALLOWED})`;

/** A job found in crashes starts only while nothing else runs. */
const BEST_ALONE = `
  SELECT j.seq, a.name, a.device, j.due_ms, j.priority, a.last_commit_ms
  FROM jobs j INDEXED BY jobs_alone JOIN accounts a ON a.name = j.account
  WHERE j.crashes >= ${CRASHES_BEFORE_ALONE} AND j.status IN ('pending', 'retrying') AND j.due_ms <= :now AND a.ready = 1 AND ${USABLE}
    AND NOT EXISTS (SELECT 1 FROM counts WHERE status IN ('claimed', 'committing') AND n > 0)`;

const CLAIM = `
  UPDATE jobs SET status = 'claimed', account = best.account, device = best.device, post_key = best.account || ':' || key_tail, lane = 0,
    worker = :worker, claim_token = :token, epoch = :epoch, lease_until_ms = :leaseUntil, pass_number = :passNumber,
    attempts = attempts + 1, phase = 'prepare', note = NULL, claimed_ms = :now, last_attempt_ms = :now, finished_ms = NULL
  FROM (
    SELECT * FROM (SELECT * FROM (SELECT * FROM (${BEST_BOUND}) UNION ALL SELECT * FROM (${BEST_POOLED})) WHERE ${NOBODY_WAITS_FOR_QUIET} UNION ALL SELECT * FROM (${BEST_ALONE}))
    WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE crashes >= ${CRASHES_BEFORE_ALONE} AND status IN ('claimed', 'committing'))
    ORDER BY due, priority, posted, seq LIMIT 1
  ) AS best
  WHERE jobs.seq = best.seq AND jobs.status IN ('pending', 'retrying')
  RETURNING *`;

/** The clock went back: an account that was judged ready is not any more. Rolls the claim back. */
export class StaleStanding extends Error {
  readonly account: string;

  constructor(account: string) {
    super(`the standing of ${account} is out of date`);
    this.account = account;
  }
}

export class SqliteClaim {
  readonly #parts: ClaimParts;
  readonly #claim: Statement<[Record<string, unknown>], JobRow>;

  constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.#claim = parts.db.prepare(CLAIM);
  }

  /**
   * Inside a transaction.
   *
   * @throws StaleStanding after which the caller rolls back, judges that account and asks again
   */
  claim(request: ClaimRequest, now: number): Job | null {
    const { accounts, pools, events } = this.#parts;
    accounts.sweep(now);
    const row = this.#claim.get({
      now,
      worker: request.worker,
      token: request.token,
      epoch: request.epoch,
      leaseUntil: now + request.leaseMs,
      passNumber: request.passNumber,
      only: request.accounts === null ? null : JSON.stringify(request.accounts),
      except: JSON.stringify(request.exceptDevices),
      exceptApps: request.exceptApps === undefined || request.exceptApps.length === 0 ? null : JSON.stringify(request.exceptApps),
    });
    if (row === undefined) return null;
    const job = toJob(row, pools.names.of(row.pool));
    const account = accounts.row(job.account as string) as AccountRow;
    if (!accounts.standings.of(account, now, row.seq).eligible) throw new StaleStanding(account.name);
    assertClaimed(job, request, now);
    accounts.markBusy(account.name);
    // Whether it came from the pool's queue or from the account's own cannot be seen any more; the pool's head tells.
    if (row.pool !== null) pools.refreshHead(row.pool);
    for (const said of eventsOfClaim(job, toAccount(account) as Account, request.epoch, now)) events.add(said);
    return job;
  }
}

/** The statement above and `transition` must never drift apart. */
function assertClaimed(job: Job, request: ClaimRequest, now: number): void {
  const account = job.account as string;
  const before: Job = { ...job, status: 'pending', attempts: job.attempts - 1 };
  const ruled = transition(
    before,
    {
      type: 'claim',
      account,
      device: job.device,
      postKey: keyFor(account, job),
      worker: request.worker,
      token: request.token,
      epoch: request.epoch,
      leaseUntilMs: now + request.leaseMs,
      passNumber: request.passNumber,
    },
    now,
  ).job;
  for (const field of Object.keys(ruled) as (keyof Job)[]) {
    assert.equal(job[field], ruled[field], `the claim wrote another ${field} than the transition says`);
  }
}
