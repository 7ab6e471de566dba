/** When something could become claimable by time alone, and which jobs have lost their holder. Only reads. */
import type { Job } from '../domain/job.ts';
import type { Connection, Statement } from './database.ts';
import { ALL_ACCOUNTS } from './pools.ts';
import { type JobRow, toJob } from './rows.ts';
import type { PoolNames } from './sqlite-pools.ts';
import type { NextWake } from './store.ts';

/** An account that is blocked with no end in time (`reconsider_at` NULL) is not waited for. A free phone is not time either. */
const WAKES = `
  WITH heads (at, seq, reason) AS (
    SELECT max(a.next_due, CASE a.ready WHEN 1 THEN 0 ELSE a.reconsider_at END), a.next_seq, CASE WHEN a.ready = 0 AND a.reconsider_at > a.next_due THEN a.wait_reason END
    FROM accounts a WHERE a.next_due IS NOT NULL
    UNION ALL
    SELECT max(p.next_due, CASE a.ready WHEN 1 THEN 0 ELSE a.reconsider_at END), p.next_seq, CASE WHEN a.ready = 0 AND a.reconsider_at > p.next_due THEN a.wait_reason END
    FROM pools p JOIN accounts a
    WHERE p.next_due IS NOT NULL AND (p.members = '${ALL_ACCOUNTS}' OR EXISTS (SELECT 1 FROM pool_members pm WHERE pm.pool = p.id AND pm.account = a.name))
    UNION ALL
    SELECT max(j.due_ms, CASE a.ready WHEN 1 THEN 0 ELSE a.reconsider_at END), j.seq, CASE WHEN a.ready = 0 AND a.reconsider_at > j.due_ms THEN a.wait_reason END
    FROM jobs j JOIN accounts a ON a.name = j.account WHERE j.crashes >= 2 AND j.status IN ('pending', 'retrying')
  )
  SELECT heads.at, coalesce(heads.reason, CASE jobs.status WHEN 'retrying' THEN 'retry' ELSE 'due' END) AS reason
  FROM heads JOIN jobs ON jobs.seq = heads.seq WHERE heads.at > :after ORDER BY heads.at LIMIT 1`;

/** `status <> 'uncertain'` rather than the two others by name: so the index of busy jobs answers, and it is never long. */
const RUNNING = `SELECT * FROM jobs INDEXED BY one_busy_job_per_account WHERE status IN ('claimed', 'committing', 'uncertain') AND status <> 'uncertain'`;

const WISHED = `SELECT * FROM jobs INDEXED BY jobs_by_wish WHERE status IN ('pending', 'retrying') AND publish_at_ms <= ? ORDER BY publish_at_ms`;

export class SqliteWaits {
  readonly #pools: PoolNames;
  readonly #wakes: Statement<[{ after: number }], { at: number; reason: NextWake['reason'] }>;
  readonly #running: Statement<[], JobRow>;
  readonly #wished: Statement<[number], JobRow>;

  constructor(db: Connection, pools: PoolNames) {
    this.#pools = pools;
    this.#wakes = db.prepare(WAKES);
    this.#running = db.prepare(RUNNING);
    this.#wished = db.prepare(WISHED);
  }

  /** @param afterMs what could be claimed up to this instant has been looked at already */
  nextWake(afterMs: number): NextWake | null {
    const wake = this.#wakes.get({ after: afterMs });
    return wake === undefined ? null : { atMs: wake.at, reason: wake.reason };
  }

  wishedBefore(publishAtMs: number): readonly Job[] {
    return this.#wished.all(publishAtMs).map((row) => toJob(row, this.#pools.of(row.pool)));
  }

  orphans(epoch: number, nowMs: number): readonly Job[] {
    return this.#running
      .all()
      .filter((row) => row.epoch < epoch || (row.lease_until_ms ?? 0) <= nowMs)
      .map((row) => toJob(row, this.#pools.of(row.pool)));
  }
}
