/**
 * The last moment before the irreversible act (docs/never-twice.md).
 *
 * `commit()` resolves only if, in this order: this process may act, the claim
 * was confirmed by the store just now and is trusted for longer than a tap may
 * take, no rule forbids the post, its record is on disk in `posted.jsonl`, and
 * the job is durably `committing`. Otherwise it throws, and the act must not
 * happen.
 */
import { SchedulerError } from '../errors.ts';
import type { PostedLedger, PostedRecord } from '../stores/store.ts';
import type { Lease } from './lease.ts';

/** Trust that must be left for the act itself: one raw tap, measured under 0.2 s on a simulated phone; a real one may need seconds. */
const ACT_BUDGET_MS = 15_000;

export interface CommitPointParts {
  readonly lease: Pick<Lease, 'renew' | 'remainingMs'>;
  readonly ledger: PostedLedger;
  readonly record: () => PostedRecord;
  /** Null while this process may act; otherwise why not. */
  readonly forbidden: () => string | null;
  /** Asks the store, without writing, whether the post may be made. */
  readonly check: () => Promise<void>;
  /** Writes `committing` durably. */
  readonly write: () => Promise<unknown>;
}

export class CommitPoint {
  readonly #parts: CommitPointParts;
  #running: Promise<void> | null = null;
  #closed = false;
  #committed = false;
  #actForbidden = false;

  constructor(parts: CommitPointParts) {
    this.#parts = parts;
  }

  /** True once `committing` is on disk: from then on only proof decides. */
  get committed(): boolean {
    return this.#committed;
  }

  /** True when `committing` was written but commit() still threw: a publisher that keeps the contract did not act. */
  get actForbidden(): boolean {
    return this.#actForbidden;
  }

  /** True from the call of commit() on. */
  get begun(): boolean {
    return this.#running !== null;
  }

  /** @throws SchedulerError COMMIT_TWICE, COMMIT_TOO_LATE, REFUSED, ALREADY_PUBLISHED, CLAIM_LOST */
  commit(): Promise<void> {
    if (this.#running) return Promise.reject(new SchedulerError('COMMIT_TWICE'));
    if (this.#closed) return Promise.reject(tooLate('it had been broken off'));
    this.#running = this.#pass();
    return this.#running;
  }

  /** No commit() can succeed any more; waits for one that is under way, so that its outcome is known. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
  }

  async #pass(): Promise<void> {
    const { lease, ledger, check, write } = this.#parts;
    this.#mayAct();
    if (!(await lease.renew())) throw new SchedulerError('CLAIM_LOST', { details: { job: this.#parts.record().job } });
    await check();
    this.#mayAct();
    const record = this.#parts.record();
    await ledger.append(record);
    try {
      await write();
    } catch (error) {
      await ledger.withdraw(record).catch(() => undefined); // a line too many makes a human look; it never posts
      throw error;
    }
    this.#committed = true;
    try {
      this.#mayAct();
    } catch (error) {
      this.#actForbidden = true;
      throw error;
    }
  }

  #mayAct(): void {
    if (this.#closed) throw tooLate('its time was over');
    const why = this.#parts.forbidden();
    if (why !== null) throw new SchedulerError('REFUSED', { details: { what: why, next: '', reason: 'forbidden' } });
    if (this.#parts.lease.remainingMs() < ACT_BUDGET_MS) throw tooLate('the claim could not be trusted long enough');
  }
}

function tooLate(why: string): SchedulerError {
  return new SchedulerError('COMMIT_TOO_LATE', { details: { why } });
}
