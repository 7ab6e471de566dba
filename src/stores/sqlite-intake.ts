/**
 * How jobs get in, and out again before they were ever attempted. Runs inside
 * the caller's transaction.
 */
import { ACCOUNT_BUSY, CLAIMABLE, type Job, POST_COUNTS } from '../domain/job.ts';
import type { Statement } from './database.ts';
import { newJob, normalised } from './intake.ts';
import { stemKey } from './key-tail.ts';
import { poolMembers, poolName } from './pools.ts';
import { CHANGING_COLUMNS, changingValues, type JobRow, LASTING_COLUMNS, lastingValues } from './rows.ts';
import type { ClaimParts } from './sqlite-claim.ts';
import type { AddReport, NewBatch, NewJob } from './store.ts';

interface SameBytes {
  readonly id: string;
  readonly account: string | null;
  readonly repeat: number;
}

/** Stem keys to the job that holds them: per account, and for any account of the batch's pool. */
interface PostedStems {
  readonly byAccount: ReadonlyMap<string, string>;
  readonly byPool: ReadonlyMap<string, string>;
}

export class SqliteIntake {
  readonly #parts: ClaimParts;
  readonly #insert: Statement;
  readonly #batch: Statement;
  readonly #hasId: Statement<[string], number>;
  readonly #lastSeq: Statement<[], number>;
  readonly #sameBytes: Statement<[string], SameBytes>;
  readonly #heldKey: Statement<[string], string>;
  readonly #epoch: Statement<[], number>;
  readonly #withoutBytes: Statement<[], Pick<JobRow, 'id' | 'account' | 'video_path' | 'repeat'>>;

  constructor(parts: ClaimParts) {
    const { db } = parts;
    this.#parts = parts;
    const columns = [...CHANGING_COLUMNS, ...LASTING_COLUMNS];
    this.#insert = db.prepare(`INSERT INTO jobs (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
    this.#batch = db.prepare('INSERT INTO batches (id, source, created_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
    this.#hasId = db.prepare<[string], number>('SELECT 1 FROM jobs WHERE id = ?').pluck();
    this.#lastSeq = db.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM jobs').pluck();
    this.#sameBytes = db.prepare('SELECT id, account, repeat FROM jobs WHERE sha256 = ? AND sha256 IS NOT NULL ORDER BY seq');
    this.#epoch = db.prepare<[], number>('SELECT max(epoch) FROM epochs').pluck();
    this.#heldKey = db
      .prepare<[string], string>(`SELECT id FROM jobs WHERE post_key = ? AND status IN ('committing', 'uncertain', 'success')`)
      .pluck();
    this.#withoutBytes = db.prepare(
      `SELECT id, account, video_path, repeat FROM jobs INDEXED BY jobs_without_bytes
       WHERE sha256 IS NULL AND account IS NOT NULL AND status IN ('committing', 'uncertain', 'success')`,
    );
  }

  add(batch: NewBatch, jobs: readonly NewJob[], now: number): AddReport {
    this.#batch.run(batch.id, batch.source, now);
    const pool = poolName(batch.accounts);
    const added: string[] = [];
    const known: { id: string; knownAs: string }[] = [];
    const touched = new Touched();
    const stems = this.#postedStems(poolMembers(pool));
    let seq = this.#lastSeq.get() as number;
    for (const given of jobs) {
      const knownAs = this.#knownAs(given, stems);
      if (knownAs !== undefined) {
        known.push({ id: given.id, knownAs });
        continue;
      }
      seq += 1;
      const job = newJob({ ...given, id: this.#freeId(given.id) }, { batch: batch.id, pool, seq, now });
      this.#put(job, 0, touched);
      added.push(job.id);
    }
    touched.refresh(this.#parts, now);
    if (added.length > 0)
      this.#note('added', 'person', { batch: batch.id, source: batch.source, jobs: added.length, known: known.length }, now);
    return { added, known };
  }

  /** Answers the ids taken. */
  import(jobs: readonly Job[], who: string, now: number): readonly string[] {
    const taken: string[] = [];
    const touched = new Touched();
    let seq = this.#lastSeq.get() as number;
    for (const given of jobs) {
      if (this.#isHere(given)) continue;
      seq += 1;
      const job = this.#unlessHeld({ ...normalised(given, seq), id: this.#freeId(given.id) });
      this.#batch.run(job.batch, who, now);
      this.#put(job, ACCOUNT_BUSY.includes(job.status) ? job.seq : 0, touched);
      if (POST_COUNTS.includes(job.status) && job.account !== null && job.committedMs !== null) {
        this.#parts.accounts.addPost(job);
        touched.posted(job.account, job.committedMs);
      }
      taken.push(job.id);
    }
    touched.refresh(this.#parts, now);
    if (taken.length > 0) this.#note('imported', who, { jobs: taken.length, of: jobs.length }, now);
    return taken;
  }

  undo(batch: string, now: number): readonly string[] {
    const rows = this.#parts.db
      .prepare(`DELETE FROM jobs WHERE batch = ? AND status IN ('pending', 'retrying', 'failed') RETURNING id, account, pool`)
      .all(batch) as { id: string; account: string | null; pool: number | null }[];
    const touched = new Touched();
    for (const row of rows) {
      if (row.account !== null) touched.accounts.add(row.account);
      if (row.pool !== null) touched.pools.add(row.pool);
    }
    touched.refresh(this.#parts, now);
    if (rows.length > 0) this.#note('removed', 'person', { batch, jobs: rows.length }, now);
    return rows.map((row) => row.id);
  }

  /** The job that already holds these bytes, in whatever state, or a post of this file by an account that may get it. */
  #knownAs(job: NewJob, stems: PostedStems): string | undefined {
    const same = job.sha256 === null ? undefined : this.#withBytes(job);
    if (same !== undefined) return same;
    return job.account === null ? stems.byPool.get(stemKey('', job)) : stems.byAccount.get(stemKey(job.account, job));
  }

  /** Posts of which only the file's name is known: none or a few, after an import. */
  #postedStems(members: readonly string[] | null): PostedStems {
    const stems = { byAccount: new Map<string, string>(), byPool: new Map<string, string>() };
    for (const { id, account, video_path, repeat } of this.#withoutBytes.all()) {
      const file = { sha256: null, videoPath: video_path, repeat };
      stems.byAccount.set(stemKey(account as string, file), id);
      if (members === null || members.includes(account as string)) stems.byPool.set(stemKey('', file), id);
    }
    return stems;
  }

  /** An ordered repeat (`--again`) is another post, but the same repeat for the same account is not. */
  #withBytes(job: { readonly sha256: string | null; readonly repeat: number; readonly account: string | null }): string | undefined {
    const same = this.#sameBytes.all(job.sha256 as string);
    if (job.repeat === 0) return same[0]?.id;
    return same.find(
      (other) => other.repeat === job.repeat && (other.account === null || job.account === null || other.account === job.account),
    )?.id;
  }

  /**
   * By its id; an open one also by its bytes. A post is here only when its key is held: the same id may stand for other bytes, or for a job
   * that is still to be published.
   */
  #isHere(job: Job): boolean {
    const isPost = ACCOUNT_BUSY.includes(job.status) || POST_COUNTS.includes(job.status);
    const sameId = this.#hasId.get(job.id) !== undefined;
    if (isPost) return sameId && this.#isGuarded(job);
    return sameId || (CLAIMABLE.includes(job.status) && job.sha256 !== null && this.#withBytes(job) !== undefined);
  }

  #isGuarded(job: Job): boolean {
    const { account, postKey } = normalised(job, 0);
    return account === null || postKey === null || this.#heldKey.get(postKey) !== undefined;
  }

  #freeId(id: string): string {
    let free = id;
    for (let n = 2; this.#hasId.get(free) !== undefined; n += 1) free = `${id}-${n}`;
    return free;
  }

  /** Two imported rows of one post: the second has nothing left to guard. */
  #unlessHeld(job: Job): Job {
    if (!POST_COUNTS.includes(job.status) || job.postKey === null) return job;
    const holder = this.#heldKey.get(job.postKey);
    return holder === undefined ? job : { ...job, status: 'skipped', postKey: null, note: `the same post as ${holder}` };
  }

  #put(job: Job, lane: number, touched: Touched): void {
    const { accounts, pools } = this.#parts;
    const pool = job.pool === null ? null : pools.numberOf(job.pool);
    if (job.account !== null && !touched.accounts.has(job.account)) {
      accounts.ensure(job.account);
      touched.accounts.add(job.account);
    }
    if (pool !== null) touched.pools.add(pool);
    this.#insert.run(...changingValues(job, lane), ...lastingValues(job, pool));
  }

  #note(type: 'added' | 'imported' | 'removed', who: string, details: Readonly<Record<string, unknown>>, now: number): void {
    this.#parts.events.add({
      atMs: now,
      type,
      epoch: this.#epoch.get() ?? 0,
      job: null,
      account: null,
      device: null,
      who,
      phase: null,
      category: null,
      details,
    });
  }
}

/** Accounts and pools whose queue has changed: their heads are found again once, at the end. */
class Touched {
  readonly accounts = new Set<string>();
  readonly pools = new Set<number>();
  readonly #lastPosts = new Map<string, number>();

  posted(account: string, committedMs: number): void {
    this.#lastPosts.set(account, Math.max(this.#lastPosts.get(account) ?? committedMs, committedMs));
  }

  refresh({ accounts, pools }: ClaimParts, now: number): void {
    for (const name of this.accounts) {
      const account = accounts.get(name);
      const posted = this.#lastPosts.get(name);
      if (account !== null && posted !== undefined)
        accounts.save({ ...account, lastCommitMs: Math.max(account.lastCommitMs ?? posted, posted) }, now);
      else accounts.judge(name, now);
    }
    for (const pool of this.pools) pools.refreshHead(pool);
  }
}
