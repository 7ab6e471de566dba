/**
 * The SQLite store: one process owns the file and gives out the claims.
 *
 * Each method is one immediate transaction, durable when it resolves; claims
 * that are asked for in one moment share one. The rules of promise 1 are in the
 * schema (migrations/) as unique indexes, and in the pieces that this file puts
 * together: claim, change, intake, accounts.
 */
import { statSync } from 'node:fs';
import type { Account } from '../domain/account.ts';
import type { EventRecord } from '../domain/event.ts';
import type { Phase } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { applyAccountChange } from './account-effects.ts';
import { type Connection, guarded, openDatabase, type Transact, transact } from './database.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import { SharedCommit } from './shared-commit.ts';
import { SqliteAccounts } from './sqlite-accounts.ts';
import { assertHeld, SqliteChange } from './sqlite-change.ts';
import { SqliteClaim, StaleStanding } from './sqlite-claim.ts';
import { SqliteEvents } from './sqlite-events.ts';
import { SqliteIntake } from './sqlite-intake.ts';
import { SqlitePools } from './sqlite-pools.ts';
import { SqliteReads } from './sqlite-reader.ts';
import { SqliteRecords } from './sqlite-records.ts';
import { SqliteWaits } from './sqlite-waits.ts';
import type {
  AccountChange,
  AccountSetup,
  AccountStanding,
  AddReport,
  Claim,
  ClaimRequest,
  EventFilter,
  JobChange,
  JobCounts,
  JobFilter,
  NewBatch,
  NewJob,
  NextWake,
  PutOff,
  Resource,
  Store,
} from './store.ts';

export interface SqliteStoreOptions {
  /** The file; made when it is not there. */
  readonly path: string;
  readonly clock: Clock;
  /** Draws the jitter of an account's gap. */
  readonly random: Random;
}

export class SqliteStore implements Store {
  readonly #path: string;
  readonly #identity: string | null;
  readonly #db: Connection;
  readonly #transact: Transact;
  readonly #clock: Clock;
  readonly #reads: SqliteReads;
  readonly #events: SqliteEvents;
  readonly #accounts: SqliteAccounts;
  readonly #claims: SqliteClaim;
  readonly #sharedClaims = new SharedCommit((requests: readonly ClaimRequest[]) => this.#claimAll(requests));
  readonly #changes: SqliteChange;
  readonly #intake: SqliteIntake;
  readonly #waits: SqliteWaits;
  readonly #records: SqliteRecords;
  /** The epoch of this process's life; null = it has begun none. */
  #life: number | null = null;
  /** When a claim last found nothing and nothing has changed since: up to then all has been looked at. */
  #nothingAtMs: number | null = null;
  /** What that claim was not allowed to take. */
  #nothingFor = '';
  /** The answer of `nextWake`, while nothing has changed. A hundred idle workers wake together and ask the same. */
  #wake: { readonly next: NextWake | null } | null = null;

  /** @throws SchedulerError STORE_TOO_NEW, STORE_FAILED */
  constructor(options: SqliteStoreOptions) {
    this.#clock = options.clock;
    this.#db = openDatabase({ path: options.path, readOnly: false });
    try {
      guarded(() => migrate(this.#db, MIGRATIONS));
    } catch (error) {
      this.#db.close();
      throw error;
    }
    this.#path = options.path;
    this.#identity = identityOf(options.path);
    const db = this.#db;
    this.#transact = transact(db);
    this.#reads = new SqliteReads(db);
    this.#events = new SqliteEvents(db);
    this.#accounts = new SqliteAccounts(db);
    const parts = { db, accounts: this.#accounts, pools: new SqlitePools(db), events: this.#events };
    this.#claims = new SqliteClaim(parts);
    this.#changes = new SqliteChange(parts, options.random);
    this.#intake = new SqliteIntake(parts);
    this.#waits = new SqliteWaits(db, parts.pools.names);
    this.#records = new SqliteRecords(db);
  }

  async raiseEpoch(instance: string): Promise<number> {
    this.#life = this.#write((now) => {
      const epoch = this.#records.raiseEpoch(instance, now);
      this.#say({ type: 'epoch', epoch, who: instance }, now);
      return epoch;
    });
    return this.#life;
  }

  async putAccounts(
    accounts: readonly AccountSetup[],
  ): Promise<{ readonly added: readonly string[]; readonly updated: readonly string[] }> {
    return this.#writeAsLife((now) => {
      const added: string[] = [];
      const updated: string[] = [];
      for (const setup of accounts) {
        const outcome = this.#accounts.put(setup, now);
        if (outcome === 'updated') updated.push(setup.name);
        if (outcome !== 'added') continue;
        added.push(setup.name);
        this.#say({ type: 'account_added', epoch: this.#records.epoch(), who: 'person', account: setup.name }, now);
      }
      return { added, updated };
    });
  }

  async account(name: string): Promise<Account | null> {
    return guarded(() => this.#accounts.get(name));
  }

  /** @throws SchedulerError UNKNOWN_ACCOUNT, LOCK_LOST */
  async changeAccount(name: string, change: AccountChange, who: string): Promise<Account> {
    return this.#writeAsLife((now) => {
      const before = this.#accounts.get(name);
      if (before === null) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: name } });
      const { account, event, details } = applyAccountChange(before, change, now);
      this.#accounts.save(account, now);
      if (event !== null) this.#say({ type: event, epoch: this.#records.epoch(), who, account: name, details }, now);
      return account;
    });
  }

  async removeAccount(name: string, who: string): Promise<readonly Job[]> {
    return this.#writeAsLife((now) => {
      if (this.#accounts.get(name) === null) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: name } });
      const inTheWay = this.#reads.onlyOf(name);
      if (inTheWay.length > 0) return inTheWay;
      this.#accounts.remove(name, now);
      this.#say({ type: 'account_removed', epoch: this.#records.epoch(), who, account: name }, now);
      return [];
    });
  }

  async addJobs(batch: NewBatch, jobs: readonly NewJob[]): Promise<AddReport> {
    return this.#writeAsLife((now) => this.#intake.add(batch, jobs, now));
  }

  async undoAdd(batch: string): Promise<readonly string[]> {
    return this.#writeAsLife((now) => this.#intake.undo(batch, now));
  }

  async importJobs(jobs: readonly Job[], who: string): Promise<readonly string[]> {
    return this.#writeAsLife((now) => this.#intake.import(jobs, who, now));
  }

  async job(id: string): Promise<Job | null> {
    try {
      return guarded(() => this.#changes.load(id).job);
    } catch (error) {
      if (error instanceof SchedulerError && error.code === 'UNKNOWN_JOB') return null;
      throw error;
    }
  }

  /** @throws SchedulerError LOCK_LOST when a newer daemon has raised the epoch */
  async claim(request: ClaimRequest): Promise<Job | null> {
    return this.#sharedClaims.ask(request);
  }

  async renew(claim: Claim, leaseMs: number): Promise<number | null> {
    const untilMs = this.#clock.now() + leaseMs;
    return guarded(() => (this.#records.renew(claim, untilMs) ? untilMs : null));
  }

  async enterPhase(claim: Claim, phase: Phase): Promise<boolean> {
    return guarded(() => this.#records.enterPhase(claim, phase));
  }

  async change(jobId: string, change: JobChange): Promise<Job> {
    return this.#write((now) => this.#changes.change(jobId, change, this.#records.epoch(), now));
  }

  async checkCommit(claim: Claim): Promise<void> {
    guarded(() => {
      const { job } = this.#changes.load(claim.jobId);
      assertHeld(job, claim);
      if (claim.epoch < this.#records.epoch()) throw new SchedulerError('CLAIM_LOST', { details: { job: job.id } });
      if (job.status !== 'claimed') {
        throw new SchedulerError('ILLEGAL_TRANSITION', { details: { job: job.id, status: job.status, event: 'commit' } });
      }
      this.#changes.assertMayCommit(job, this.#clock.now());
    });
  }

  async nextWake(nowMs: number): Promise<NextWake | null> {
    // What came due between the last empty claim and this question must not be slept through.
    const after = this.#nothingAtMs === null ? 0 : Math.min(nowMs, this.#nothingAtMs);
    if (this.#wake !== null && (this.#wake.next === null || this.#wake.next.atMs > after)) return this.#wake.next;
    const next = guarded(() => this.#waits.nextWake(after));
    this.#wake = this.#nothingAtMs === null ? null : { next };
    return next;
  }

  async orphans(epoch: number, nowMs: number): Promise<readonly Job[]> {
    return guarded(() => this.#waits.orphans(epoch, nowMs));
  }

  async wishedBefore(publishAtMs: number): Promise<readonly Job[]> {
    return guarded(() => this.#waits.wishedBefore(publishAtMs));
  }

  async recordEvent(event: Parameters<Store['recordEvent']>[0]): Promise<void> {
    guarded(() => this.#say(event, this.#clock.now()));
  }

  async setValue(name: string, value: unknown): Promise<void> {
    this.#guardedTransaction(() => {
      this.#assertNewestLife();
      this.#records.setValue(name, value);
    });
  }

  async recordResource(resource: Resource): Promise<void> {
    guarded(() => this.#records.recordResource(resource));
  }

  async forgetResource(id: string): Promise<void> {
    guarded(() => this.#records.forgetResource(id));
  }

  async resources(): Promise<readonly Resource[]> {
    return guarded(() => this.#records.resources());
  }

  async maintain(options: { readonly eventsBeforeMs: number | null }): Promise<void> {
    guarded(() => {
      if (options.eventsBeforeMs !== null) this.#events.deleteBefore(options.eventsBeforeMs);
      // A reader in another process may hold the WAL: then this copies what it can, and the next tick does the rest.
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
    });
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

  /** False when the file was removed or replaced since it was opened: what is written goes where nobody will find it. */
  isThere(): boolean {
    return identityOf(this.#path) === this.#identity;
  }

  async close(): Promise<void> {
    this.#db.close();
  }

  /** One after the other, each seeing what those before it took, in one transaction. */
  #claimAll(requests: readonly ClaimRequest[]): readonly (Job | null)[] {
    for (;;) {
      try {
        const now = this.#clock.now();
        const jobs = this.#guardedTransaction(() => requests.map((request) => this.#claimOne(request, now)));
        for (const [index, request] of requests.entries()) this.#remember(request, jobs[index] ?? null, now);
        return jobs;
      } catch (error) {
        if (!(error instanceof StaleStanding)) throw error;
        this.#write((now) => this.#accounts.judge(error.account, now));
      }
    }
  }

  #claimOne(request: ClaimRequest, now: number): Job | null {
    if (request.epoch < this.#records.epoch()) throw new SchedulerError('LOCK_LOST');
    return this.#stillNothing(request, now) ? null : this.#claims.claim(request, now);
  }

  #remember(request: ClaimRequest, job: Job | null, now: number): void {
    this.#nothingAtMs = job === null ? now : null;
    this.#nothingFor = limitsOf(request);
    if (job !== null) this.#wake = null;
  }

  /** The same claim found nothing, nothing has changed, and nothing has come due since. */
  #stillNothing(request: ClaimRequest, now: number): boolean {
    const next = this.#wake?.next;
    if (this.#nothingAtMs === null || this.#wake === null || now < this.#nothingAtMs) return false;
    return (next == null || now < next.atMs) && this.#nothingFor === limitsOf(request);
  }

  /** A transaction that may make something claimable. */
  #write<T>(work: (now: number) => T): T {
    const now = this.#clock.now();
    this.#nothingAtMs = null;
    this.#wake = null;
    return this.#guardedTransaction(() => work(now));
  }

  /** The same without a claim, whose epoch would be looked at: made in the name of this life, and of none that was overtaken. */
  #writeAsLife<T>(work: (now: number) => T): T {
    return this.#write((now) => {
      this.#assertNewestLife();
      return work(now);
    });
  }

  #assertNewestLife(): void {
    if (this.#life !== null && this.#life < this.#records.epoch()) throw new SchedulerError('LOCK_LOST');
  }

  #guardedTransaction<T>(work: () => T): T {
    return guarded(() => this.#transact(work));
  }

  #say(event: Parameters<Store['recordEvent']>[0], atMs: number): void {
    this.#events.add({
      atMs,
      type: event.type,
      epoch: event.epoch,
      job: event.job ?? null,
      account: event.account ?? null,
      device: null,
      who: event.who,
      phase: null,
      category: event.category ?? null,
      details: event.details ?? {},
    });
  }
}

/** Which file lies there; null = none, or its folder cannot be looked into any more. */
function identityOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

function limitsOf({ accounts, exceptDevices, exceptApps = [] }: ClaimRequest): string {
  return JSON.stringify([accounts, exceptDevices, exceptApps]);
}
