/**
 * The store: what the rest of the program may ask of the database.
 *
 * Methods are named after what happens in the domain, not after SQL. Each one
 * is atomic and durable when it resolves. The rules of promise 1 are the
 * store's to enforce, whoever calls: one busy job per account, one per phone,
 * one per post key; every write after the claim carries claim token and epoch.
 * Every other one is made in the name of the life that this process began by
 * `raiseEpoch`: once a newer one has begun it throws LOCK_LOST and changes
 * nothing. Only events and resources are taken from anybody: they tell what is.
 * Who began no life writes unasked.
 * `contract.ts` in test/stores is run against every implementation.
 */
import type { Account, AccountPolicy } from '../domain/account.ts';
import type { EventRecord, EventType } from '../domain/event.ts';
import type { FailureCategory, Phase } from '../domain/failure.ts';
import type { Job, JobEvent, JobStatus } from '../domain/job.ts';
import type { RetryInput } from '../domain/retry.ts';
import type { WaitReason } from '../domain/select.ts';

/** A worker's right to a job. */
export interface Claim {
  readonly jobId: string;
  readonly token: string;
  readonly epoch: number;
}

export interface NewJob {
  readonly id: string;
  readonly videoPath: string;
  readonly sha256: string | null;
  readonly caption: string;
  /** Bound to this account; null = any of the batch's pool. */
  readonly account: string | null;
  readonly publishAtMs: number | null;
  readonly priority: number;
  readonly maxAttempts: number | null;
  /** Its own retry policy, as written; absent = that of its account. */
  readonly retry?: RetryInput | null;
  /** 0, or the number of an ordered repeat (`--again`). */
  readonly repeat: number;
}

export interface NewBatch {
  readonly id: string;
  /** What was added, for people: a folder or a file. */
  readonly source: string;
  /** The accounts among which unbound jobs are shared fairly; null = all accounts, also those added later. */
  readonly accounts: readonly string[] | null;
}

export interface AddReport {
  readonly added: readonly string[];
  /** Of the jobs given, those whose bytes this home already knows in any state, with the job that holds them, or that lists them first. */
  readonly known: readonly { readonly id: string; readonly knownAs: string }[];
}

export interface ClaimRequest {
  readonly worker: string;
  readonly token: string;
  readonly epoch: number;
  readonly leaseMs: number;
  readonly passNumber: number;
  /** Only these accounts; null = all. */
  readonly accounts: readonly string[] | null;
  /** Phones that may not be used now (resting, broken, paused). */
  readonly exceptDevices: readonly string[];
  /** Apps that may not be used now: `demo`, or `demo@phone-1` on that phone only; absent = all may. */
  readonly exceptApps?: readonly string[];
}

export type { WaitReason };

/** An account with what follows from its policy and its posts at this moment. */
export interface AccountStanding extends Account {
  readonly postedToday: number;
  /** null = it may post now. */
  readonly waitReason: WaitReason | null;
  /** When that may change by time alone; null = not by time. */
  readonly nextAtMs: number | null;
}

export interface AccountSetup {
  readonly name: string;
  readonly policy: AccountPolicy;
}

/** What can be done to an account. `note` carries people's and the classifier's words. */
export type AccountChange =
  | { readonly type: 'hold'; readonly reason: string; readonly job: string | null; readonly evidence: string | null }
  | { readonly type: 'release' }
  | { readonly type: 'pause'; readonly reason: string }
  | { readonly type: 'resume' }
  /** The phone that posts for it; null = needs none. Clears configuration trouble. */
  | { readonly type: 'assign_device'; readonly device: string | null }
  | { readonly type: 'trouble'; readonly message: string }
  /** An attempt failed by infrastructure or for an unknown reason, and the account is charged. */
  | { readonly type: 'charge' }
  /** An attempt succeeded: nothing consecutive is left. */
  | { readonly type: 'clear' };

export interface JobChange {
  readonly event: JobEvent;
  /** Needed for every change that a holder makes: token and epoch must still be those of the job. null = made by rescuer, verifier or a person. */
  readonly claim: Claim | null;
  readonly epoch: number;
  readonly who: string;
  /** Done to the job's account in the same transaction. */
  readonly account?: AccountChange;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Something outside this process that we started and must end, recorded before it is relied on. */
export interface Resource {
  readonly id: string;
  readonly kind: 'process' | 'forward' | 'phone' | 'file';
  /** Whatever the reaper needs to find and recognise it: pid and start ticks, serial and port, path. */
  readonly details: Readonly<Record<string, string | number>>;
  readonly epoch: number;
  readonly startedMs: number;
}

export interface JobFilter {
  readonly id?: string;
  readonly statuses?: readonly JobStatus[];
  readonly account?: string;
  readonly batch?: string;
  readonly limit?: number;
}

/** The next instant at which something could become claimable, and what is waited for. */
export interface NextWake {
  readonly atMs: number;
  readonly reason: WaitReason | 'due' | 'retry';
}

export interface EventFilter {
  readonly afterSeq?: number;
  readonly job?: string;
  readonly types?: readonly EventType[];
  readonly limit?: number;
}

/** One line of `posted.jsonl`: this post was about to be made. */
export interface PostedRecord {
  readonly account: string;
  readonly sha256: string;
  readonly repeat: number;
  readonly job: string;
  readonly atMs: number;
}

/** The record of posts that outlives the database; append-only. Implemented by posted-ledger.ts. */
export interface PostedLedger {
  /** Durable (fsync) when it resolves. */
  append(record: PostedRecord): Promise<void>;
  /** Appends that the last such record did not lead to a post: commit() failed after it was written, so the act did not happen. */
  withdraw(record: PostedRecord): Promise<void>;
  /** Appends that the post was positively confirmed; so that a lost database can be rebuilt without a doubt about every old post. */
  confirm(record: PostedRecord): Promise<void>;
}

/** What the ledger knows of a post when the store is compared with it at start; withdrawn ones are left out. */
export interface PostedEntry extends PostedRecord {
  readonly confirmed: boolean;
}

export type JobCounts = Readonly<Record<JobStatus, number>>;

export interface PutOff {
  readonly jobs: readonly Job[];
  readonly total: number;
}

/** What `--status` reads; it opens the store read-only and never creates one. */
export interface StoreReader {
  counts(): Promise<JobCounts>;
  accounts(nowMs: number): Promise<readonly AccountStanding[]>;
  jobs(filter: JobFilter): Promise<readonly Job[]>;
  /** Jobs that wait and have been put off, again and again, since this instant or longer: the first `limit`, longest first, and how many in all. */
  putOffSince(sinceMs: number, limit: number): Promise<PutOff>;
  events(filter: EventFilter): Promise<readonly EventRecord[]>;
  /** Small JSON values by name: `pass_history`, `final_result`, `live`. */
  value(name: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface Store extends StoreReader {
  /** The number of this life: one higher than any before, for this instance (home + host). */
  raiseEpoch(instance: string): Promise<number>;

  /** Adds new accounts and replaces the policy of known ones; state, history and holds are kept. */
  putAccounts(accounts: readonly AccountSetup[]): Promise<{ readonly added: readonly string[]; readonly updated: readonly string[] }>;
  account(name: string): Promise<Account | null>;
  changeAccount(name: string, change: AccountChange, who: string): Promise<Account>;
  /**
   * From now on there is no such account; its events and its state stay, and `putAccounts` brings it back as it was.
   * Answers the jobs that are in the way, and removes nothing then: those that it tried or posted, or that nobody else may post.
   *
   * @throws SchedulerError UNKNOWN_ACCOUNT
   */
  removeAccount(name: string, who: string): Promise<readonly Job[]>;

  /** One transaction. May be called several times with the same batch id. */
  addJobs(batch: NewBatch, jobs: readonly NewJob[]): Promise<AddReport>;
  /** Removes those jobs of a batch that wait or have failed: nobody holds them, and no post of theirs is or may be public. Answers their ids. */
  undoAdd(batch: string): Promise<readonly string[]>;
  /** Whole jobs in any state, as an importer found them elsewhere; ids already here are left alone, but a post whose key nobody holds yet is taken under a free id. Answers the ids taken. */
  importJobs(jobs: readonly Job[], who: string): Promise<readonly string[]>;

  job(id: string): Promise<Job | null>;
  /**
   * Takes the next job that may run now: lowest due time, then priority, then the account that posted longest ago, then age.
   * Only for accounts that are eligible (domain/select.ts) and whose phone is free. null = nothing is claimable now.
   */
  claim(request: ClaimRequest): Promise<Job | null>;
  /** Extends the lease; answers the instant until which it is granted, as it was written down. null = the claim is lost. */
  renew(claim: Claim, leaseMs: number): Promise<number | null>;
  /** Records the phase of a running attempt; false = the claim is lost. */
  enterPhase(claim: Claim, phase: Phase): Promise<boolean>;
  /**
   * The one way a job changes after it was added: runs `transition` and writes job, event, counters and account in one transaction.
   *
   * @throws SchedulerError CLAIM_LOST when claim or epoch are not the job's any more, ILLEGAL_TRANSITION, UNKNOWN_JOB,
   *   ALREADY_PUBLISHED (commit) when another job holds the post key, REFUSED (commit) when the account may not post any more: details.reason is a WaitReason.
   */
  change(jobId: string, change: JobChange): Promise<Job>;
  /** Asks, without writing, whether `change` with a commit event would be allowed now. @throws what that change would throw */
  checkCommit(claim: Claim): Promise<void>;

  nextWake(nowMs: number): Promise<NextWake | null>;
  /** Jobs that wait and whose own `publish_at` is this instant or earlier. */
  wishedBefore(publishAtMs: number): Promise<readonly Job[]>;
  /** Jobs in `claimed` or `committing` of an epoch below this one, or whose lease is over. */
  orphans(epoch: number, nowMs: number): Promise<readonly Job[]>;

  recordEvent(event: {
    readonly type: EventType;
    readonly epoch: number;
    readonly who: string;
    readonly job?: string;
    readonly account?: string;
    readonly category?: FailureCategory;
    readonly details?: Readonly<Record<string, unknown>>;
  }): Promise<void>;
  setValue(name: string, value: unknown): Promise<void>;

  recordResource(resource: Resource): Promise<void>;
  forgetResource(id: string): Promise<void>;
  resources(): Promise<readonly Resource[]>;

  /** Housekeeping for the daemon's own ticks: WAL checkpoint, retention of events. */
  maintain(options: { readonly eventsBeforeMs: number | null }): Promise<void>;
}
