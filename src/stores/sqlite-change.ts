/**
 * The one way a job changes after it was added: `transition`, then job, event,
 * counters and account together. Runs inside the caller's transaction.
 */
import type { Account } from '../domain/account.ts';
import { type Job, type JobEvent, POST_COUNTS, transition } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import type { Random } from '../runtime/random.ts';
import { applyAccountChange } from './account-effects.ts';
import type { Statement } from './database.ts';
import { stemKey } from './key-tail.ts';
import { CHANGING_COLUMNS, changingValues, type JobRow, toJob } from './rows.ts';
import type { ClaimParts } from './sqlite-claim.ts';
import type { AccountChange, Claim, JobChange } from './store.ts';
import { eventsOfTransition } from './transition-event.ts';

export class SqliteChange {
  readonly #parts: ClaimParts;
  readonly #random: Random;
  readonly #select: Statement<[string], JobRow>;
  readonly #update: Statement;
  readonly #edit: Statement;
  readonly #holderOfKey: Statement<[string, string, number], string>;

  constructor(parts: ClaimParts, random: Random) {
    const { db } = parts;
    this.#parts = parts;
    this.#random = random;
    this.#select = db.prepare('SELECT * FROM jobs WHERE id = ?');
    this.#update = db.prepare(`UPDATE jobs SET ${CHANGING_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE seq = ?`);
    this.#edit = db.prepare('UPDATE jobs SET caption = ?, priority = ? WHERE seq = ?');
    this.#holderOfKey = db
      .prepare<[string, string, number], string>(
        `SELECT id FROM jobs WHERE post_key IN (?, ?) AND status IN ('committing', 'uncertain', 'success') AND seq <> ? LIMIT 1`,
      )
      .pluck();
  }

  /** @throws SchedulerError UNKNOWN_JOB */
  load(jobId: string): { readonly job: Job; readonly lane: number } {
    const row = this.#select.get(jobId);
    if (row === undefined) throw new SchedulerError('UNKNOWN_JOB', { details: { job: jobId } });
    return { job: toJob(row, this.#parts.pools.names.of(row.pool)), lane: row.lane };
  }

  /** @throws SchedulerError as Store.change says */
  change(jobId: string, change: JobChange, storedEpoch: number, now: number): Job {
    const { job: before, lane } = this.load(jobId);
    if (change.epoch < storedEpoch) throw claimLost(jobId);
    if (change.claim !== null) assertHeld(before, change.claim);
    const ruled = transition(before, change.event, now);
    if (change.event.type === 'commit') this.assertMayCommit(before, now);
    const after = this.#keyed(ruled.job, change.event);
    this.#update.run(...changingValues(after, laneOf(after, change.event, lane)), after.seq);
    if (change.event.type === 'edit') this.#edit.run(after.caption, after.priority, after.seq);
    this.#countPosts(before, after);
    const account = this.#touchAccounts(before, after, change, now);
    if (after.pool !== null && (before.account === null || after.account === null)) this.#refreshPool(after.pool);
    for (const said of eventsOfTransition({ before, after, account, type: ruled.event, change, atMs: now })) this.#parts.events.add(said);
    return after;
  }

  /**
   * @throws SchedulerError ALREADY_PUBLISHED when another job holds the post key, REFUSED when the account may not post now
   */
  assertMayCommit(job: Job, now: number): void {
    const holder = this.#otherHolder(job);
    if (holder !== undefined) throw new SchedulerError('ALREADY_PUBLISHED', { details: { job: holder } });
    const account = this.#parts.accounts.get(job.account as string);
    if (account === null) throw refused(job, 'configuration');
    const standing = this.#parts.accounts.standings.ofAccount(account, now, job.seq);
    if (!standing.eligible) throw refused(job, standing.reason);
  }

  #otherHolder(job: Job): string | undefined {
    if (job.account === null || job.postKey === null) return undefined;
    return this.#holderOfKey.get(job.postKey, stemKey(job.account, job), job.seq);
  }

  /** A record may name a key that another job holds already: then there is nothing to guard twice. A doubt must be kept all the same, without the key. */
  #keyed(job: Job, event: JobEvent): Job {
    if (event.type !== 'posted_before' && event.type !== 'doubt') return job;
    const holder = this.#otherHolder(job);
    if (holder === undefined) return job;
    if (event.type === 'posted_before') throw new SchedulerError('ALREADY_PUBLISHED', { details: { job: holder } });
    return { ...job, postKey: null };
  }

  #countPosts(before: Job, after: Job): void {
    const was = POST_COUNTS.includes(before.status);
    const is = POST_COUNTS.includes(after.status);
    if (is && !was) {
      if (after.account !== before.account) this.#parts.accounts.ensure(after.account as string);
      this.#parts.accounts.addPost(after);
    } else if (was && !is) {
      this.#parts.accounts.removePost(before);
    }
  }

  /** Answers the job's account as it is then; null when nobody has added it. */
  #touchAccounts(before: Job, after: Job, change: JobChange, now: number): Account | null {
    const { accounts } = this.#parts;
    const name = before.account ?? after.account;
    if (name === null) return null;
    let account = accounts.get(name);
    if (account === null) {
      accounts.judge(name, now);
    } else {
      const committedMs = after.committedMs;
      if (after.account === name && committedMs !== null && !POST_COUNTS.includes(before.status) && POST_COUNTS.includes(after.status)) {
        const lastCommitMs = Math.max(account.lastCommitMs ?? committedMs, committedMs);
        account = { ...account, lastCommitMs, gapJitterMs: Math.round(this.#random.fraction() * account.policy.jitterMs) };
      }
      if (after.status === 'success') account = applyAccountChange(account, { type: 'clear' }, now).account;
      if (change.account !== undefined) account = this.#effect(account, change.account, change, now, after.id);
      accounts.save(account, now);
    }
    // A record of a post may name another account than the one it was waiting for.
    if (after.account !== null && after.account !== name) accounts.judge(after.account, now);
    return account;
  }

  #effect(account: Account, effect: AccountChange, change: JobChange, now: number, job: string) {
    const result = applyAccountChange(account, effect, now);
    if (result.event !== null) {
      this.#parts.events.add({
        atMs: now,
        type: result.event,
        epoch: change.epoch,
        job,
        account: account.name,
        device: null,
        who: change.who,
        phase: null,
        category: null,
        details: result.details,
      });
    }
    return result.account;
  }

  #refreshPool(pool: string): void {
    this.#parts.pools.refreshHead(this.#parts.pools.numberOf(pool));
  }
}

/** @throws SchedulerError CLAIM_LOST */
export function assertHeld(job: Job, claim: Claim): void {
  if (job.claimToken !== claim.token || job.epoch !== claim.epoch) throw claimLost(job.id);
}

function claimLost(job: string): SchedulerError {
  return new SchedulerError('CLAIM_LOST', { details: { job } });
}

function refused(job: Job, reason: string): SchedulerError {
  return new SchedulerError('REFUSED', { details: { what: `${job.account} may not post now: ${reason}`, reason, next: '' } });
}

/** Jobs that a record made uncertain share their account with others of the kind; see the schema. */
function laneOf(job: Job, event: JobEvent, lane: number): number {
  return event.type === 'posted_before' ? job.seq : lane;
}
