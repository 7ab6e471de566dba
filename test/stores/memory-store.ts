/**
 * A store in memory for tests of the scheduler: plain maps, the same rules, no
 * index and no cleverness. Its claim is the naive reference: every pair of a
 * due job and an eligible account is looked at.
 */
import type { Account } from '../../src/domain/account.ts';
import type { EventRecord } from '../../src/domain/event.ts';
import type { Phase } from '../../src/domain/failure.ts';
import { CLAIMABLE, DEVICE_BUSY, type Job, POST_COUNTS, transition } from '../../src/domain/job.ts';
import { ALONE_PATIENCE_MS, CRASHES_BEFORE_ALONE } from '../../src/domain/job-in-doubt.ts';
import { claimOrder, type Eligibility } from '../../src/domain/select.ts';
import { SchedulerError } from '../../src/errors.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Random } from '../../src/runtime/random.ts';
import { applyAccountChange } from '../../src/stores/account-effects.ts';
import { newJob, normalised } from '../../src/stores/intake.ts';
import { keyFor } from '../../src/stores/key-tail.ts';
import { poolMembers, poolName } from '../../src/stores/pools.ts';
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
  Resource,
  Store,
} from '../../src/stores/store.ts';
import { eventsOfClaim, eventsOfTransition } from '../../src/stores/transition-event.ts';
import { BLANK, MemoryEvents } from './memory-events.ts';
import { alreadyPublished, claimLost, held, MemoryJobs } from './memory-jobs.ts';
import { FRESH, isExcepted, postsToday, standingOf } from './memory-standing.ts';

export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #jobs = new MemoryJobs();
  readonly #accounts = new Map<string, Account>();
  /** As they were when they were removed: a hold outlasts that. */
  readonly #former = new Map<string, Account>();
  readonly #events: MemoryEvents;
  readonly #values = new Map<string, string>();
  readonly #resources = new Map<string, Resource>();
  /** Of the newest life. */
  epoch = 0;
  #jobSeq = 0;
  #nothingAtMs: number | null = null;

  constructor(options: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = options.clock;
    this.#events = new MemoryEvents(options.clock);
    this.#random = options.random;
  }

  /** A second store with the same content, as a backup is one. */
  copy(): MemoryStore {
    const copy = new MemoryStore({ clock: this.#clock, random: this.#random });
    for (const job of this.#jobs.all()) copy.#jobs.put(job);
    for (const [name, account] of this.#accounts) copy.#accounts.set(name, account);
    for (const [name, value] of this.#values) copy.#values.set(name, value);
    for (const [id, resource] of this.#resources) copy.#resources.set(id, resource);
    for (const [name, account] of this.#former) copy.#former.set(name, account);
    copy.#events.take(this.#events);
    copy.epoch = this.epoch;
    copy.#jobSeq = this.#jobSeq;
    return copy;
  }

  async raiseEpoch(instance: string): Promise<number> {
    this.epoch += 1;
    await this.recordEvent({ type: 'epoch', epoch: this.epoch, who: instance });
    return this.epoch;
  }

  async putAccounts(setups: readonly AccountSetup[]) {
    const added: string[] = [];
    const updated: string[] = [];
    for (const { name, policy } of setups) {
      const known = this.#accounts.get(name);
      if (known !== undefined && JSON.stringify(known.policy) === JSON.stringify(policy)) continue;
      const lastCommitMs = known === undefined ? this.#lastCommit(name) : known.lastCommitMs;
      this.#accounts.set(name, { ...FRESH, ...this.#former.get(name), ...known, name, policy, lastCommitMs });
      (known === undefined ? added : updated).push(name);
      if (known === undefined) this.#events.say({ type: 'account_added', epoch: this.epoch, who: 'person', account: name });
    }
    this.#nothingAtMs = null;
    return { added, updated };
  }

  async account(name: string): Promise<Account | null> {
    return this.#accounts.get(name) ?? null;
  }

  async removeAccount(name: string, who: string): Promise<readonly Job[]> {
    const account = this.#accounts.get(name);
    if (account === undefined) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: name } });
    const inTheWay = this.#jobs.onlyOf(name, [...this.#accounts.keys()]);
    if (inTheWay.length > 0) return inTheWay;
    this.#former.set(name, account);
    this.#accounts.delete(name);
    this.#events.say({ type: 'account_removed', epoch: this.epoch, who, account: name });
    return [];
  }

  async changeAccount(name: string, change: AccountChange, who: string): Promise<Account> {
    const known = this.#accounts.get(name);
    if (known === undefined) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: name } });
    return this.#effect(known, change, { epoch: this.epoch, who }, null);
  }

  async addJobs(batch: NewBatch, jobs: readonly NewJob[]): Promise<AddReport> {
    const now = this.#clock.now();
    const pool = poolName(batch.accounts);
    const added: string[] = [];
    const known: { id: string; knownAs: string }[] = [];
    for (const given of jobs) {
      const knownAs = this.#jobs.sameBytes(given) ?? this.#jobs.sameFile(given, pool);
      if (knownAs !== undefined) {
        known.push({ id: given.id, knownAs });
        continue;
      }
      this.#jobSeq += 1;
      const job = newJob({ ...given, id: this.#jobs.freeId(given.id) }, { batch: batch.id, pool, seq: this.#jobSeq, now });
      this.#jobs.put(job);
      added.push(job.id);
    }
    if (added.length > 0)
      this.#events.say({ type: 'added', epoch: this.epoch, who: 'person', details: { batch: batch.id, jobs: added.length } });
    this.#nothingAtMs = null;
    return { added, known };
  }

  async undoAdd(batch: string): Promise<readonly string[]> {
    const gone = this.#jobs.matching({ batch, statuses: [...CLAIMABLE, 'failed'] });
    for (const job of gone) this.#jobs.remove(job.id);
    if (gone.length > 0) this.#events.say({ type: 'removed', epoch: this.epoch, who: 'person', details: { batch, jobs: gone.length } });
    return gone.map((job) => job.id);
  }

  async importJobs(jobs: readonly Job[], who: string): Promise<readonly string[]> {
    const taken: string[] = [];
    for (const given of jobs) {
      if (this.#jobs.isHere(given)) continue;
      this.#jobSeq += 1;
      let job: Job = { ...normalised(given, this.#jobSeq), id: this.#jobs.freeId(given.id) };
      const holder = POST_COUNTS.includes(job.status) ? this.#jobs.holderOf(job.postKey, job.id) : undefined;
      if (holder !== undefined) job = { ...job, status: 'skipped', postKey: null, note: `the same post as ${holder}` };
      this.#jobs.put(job);
      taken.push(job.id);
      const account = job.account === null ? undefined : this.#accounts.get(job.account);
      if (account !== undefined) this.#accounts.set(account.name, { ...account, lastCommitMs: this.#lastCommit(account.name) });
    }
    if (taken.length > 0) this.#events.say({ type: 'imported', epoch: this.epoch, who, details: { jobs: taken.length } });
    this.#nothingAtMs = null;
    return taken;
  }

  async job(id: string): Promise<Job | null> {
    return this.#jobs.get(id) ?? null;
  }

  async claim(request: ClaimRequest): Promise<Job | null> {
    if (request.epoch < this.epoch) throw new SchedulerError('LOCK_LOST');
    const now = this.#clock.now();
    const pairs = this.#jobs.all().flatMap((job) => this.#takers(job, request, now).map((account) => ({ job, account })));
    pairs.sort((a, b) =>
      claimOrder({ ...a.job, lastCommitMs: a.account.lastCommitMs }, { ...b.job, lastCommitMs: b.account.lastCommitMs }),
    );
    const best = pairs[0];
    this.#nothingAtMs = best === undefined ? now : null;
    if (best === undefined) return null;
    const { account } = best;
    const event = {
      type: 'claim',
      account: account.name,
      device: account.device,
      postKey: keyFor(account.name, best.job),
      worker: request.worker,
      token: request.token,
      epoch: request.epoch,
      leaseUntilMs: now + request.leaseMs,
      passNumber: request.passNumber,
    } as const;
    const { job } = transition(best.job, event, now);
    this.#jobs.put(job);
    for (const said of eventsOfClaim(job, account, request.epoch, now)) this.#events.record(said);
    return job;
  }

  async renew(claim: Claim, leaseMs: number): Promise<number | null> {
    const untilMs = this.#clock.now() + leaseMs;
    return this.#ifHeld(claim, { leaseUntilMs: untilMs }) ? untilMs : null;
  }

  async enterPhase(claim: Claim, phase: Phase): Promise<boolean> {
    return this.#ifHeld(claim, { phase });
  }

  async change(jobId: string, change: JobChange): Promise<Job> {
    const now = this.#clock.now();
    const before = this.#jobs.known(jobId);
    if (change.epoch < this.epoch || (change.claim !== null && !held(before, change.claim))) throw claimLost(jobId);
    const ruled = transition(before, change.event, now);
    if (change.event.type === 'commit') this.#assertMayCommit(before, now);
    let after = ruled.job;
    if (change.event.type === 'posted_before' || change.event.type === 'doubt') {
      const holder = this.#jobs.otherHolder(after);
      if (holder !== undefined && change.event.type === 'posted_before') throw alreadyPublished(holder);
      if (holder !== undefined) after = { ...after, postKey: null };
    }
    this.#jobs.put(after);
    const account = this.#accounts.get(before.account ?? after.account ?? '') ?? null;
    if (account !== null) this.#touch(account, before, after, change, now);
    for (const said of eventsOfTransition({ before, after, account, type: ruled.event, change, atMs: now })) this.#events.record(said);
    this.#nothingAtMs = null;
    return after;
  }

  async checkCommit(claim: Claim): Promise<void> {
    const job = this.#jobs.known(claim.jobId);
    if (!held(job, claim) || claim.epoch < this.epoch) throw claimLost(job.id);
    transition(job, { type: 'commit' }, this.#clock.now());
    this.#assertMayCommit(job, this.#clock.now());
  }

  async nextWake(nowMs: number): Promise<NextWake | null> {
    const after = this.#nothingAtMs === null ? 0 : Math.min(nowMs, this.#nothingAtMs);
    let best: NextWake | null = null;
    for (const job of this.#jobs.all().filter((one) => CLAIMABLE.includes(one.status))) {
      for (const account of this.#possible(job)) {
        const standing = standingOf(this.#jobs, account, after || nowMs);
        if (!standing.eligible && standing.retryAtMs === null) continue;
        const freeMs = standing.eligible ? 0 : (standing.retryAtMs ?? 0);
        const atMs = Math.max(job.dueMs, freeMs);
        if (atMs <= after || (best !== null && best.atMs <= atMs)) continue;
        const due = job.status === 'retrying' ? 'retry' : 'due';
        best = { atMs, reason: !standing.eligible && freeMs > job.dueMs ? standing.reason : due };
      }
    }
    return best;
  }

  async wishedBefore(publishAtMs: number): Promise<readonly Job[]> {
    return this.#jobs.wishedBefore(publishAtMs);
  }

  async orphans(epoch: number, nowMs: number): Promise<readonly Job[]> {
    return this.#jobs.all().filter((job) => DEVICE_BUSY.includes(job.status) && (job.epoch < epoch || (job.leaseUntilMs ?? 0) <= nowMs));
  }

  async recordEvent(event: Parameters<Store['recordEvent']>[0]): Promise<void> {
    this.#events.say(event);
  }

  async setValue(name: string, value: unknown): Promise<void> {
    this.#values.set(name, JSON.stringify(value ?? null));
  }

  async recordResource(resource: Resource): Promise<void> {
    this.#resources.set(resource.id, resource);
  }

  async forgetResource(id: string): Promise<void> {
    this.#resources.delete(id);
  }

  async resources(): Promise<readonly Resource[]> {
    return [...this.#resources.values()];
  }

  async maintain(options: { readonly eventsBeforeMs: number | null }): Promise<void> {
    if (options.eventsBeforeMs !== null) this.#events.forgetBefore(options.eventsBeforeMs);
  }

  async counts(): Promise<JobCounts> {
    return this.#jobs.counts();
  }

  async accounts(nowMs: number): Promise<readonly AccountStanding[]> {
    return [...this.#accounts.values()].map((account) => {
      const standing = standingOf(this.#jobs, account, nowMs);
      const postedToday = postsToday(this.#jobs, account, nowMs);
      return standing.eligible
        ? { ...account, postedToday, waitReason: null, nextAtMs: null }
        : { ...account, postedToday, waitReason: standing.reason, nextAtMs: standing.retryAtMs };
    });
  }

  async jobs(filter: JobFilter): Promise<readonly Job[]> {
    return this.#jobs.matching(filter);
  }

  async putOffSince(sinceMs: number, limit: number) {
    const since = ({ deferredSinceMs }: Job) => deferredSinceMs ?? Number.POSITIVE_INFINITY;
    const jobs = this.#jobs.all().filter((job) => CLAIMABLE.includes(job.status) && since(job) <= sinceMs);
    return { jobs: jobs.toSorted((one, other) => since(one) - since(other)).slice(0, limit), total: jobs.length };
  }

  async events(filter: EventFilter): Promise<readonly EventRecord[]> {
    return this.#events.list(filter);
  }

  async value(name: string): Promise<unknown> {
    return JSON.parse(this.#values.get(name) ?? 'null');
  }

  async close(): Promise<void> {}

  /** The accounts that may publish it at all. */
  #possible(job: Job): Account[] {
    if (job.account !== null) return [...this.#accounts.values()].filter((account) => account.name === job.account);
    const members = poolMembers(job.pool ?? '*');
    return [...this.#accounts.values()].filter((account) => members === null || members.includes(account.name));
  }

  /** The accounts that may take it now. */
  #takers(job: Job, request: ClaimRequest, now: number): Account[] {
    const running = this.#jobs.all().filter((other) => DEVICE_BUSY.includes(other.status));
    if (!CLAIMABLE.includes(job.status) || job.dueMs > now) return [];
    if (running.some((other) => other.crashes >= CRASHES_BEFORE_ALONE)) return [];
    if (job.crashes >= CRASHES_BEFORE_ALONE ? running.length > 0 : this.#oneMustRunAlone(request, now)) return [];
    const inUse = new Set([...request.exceptDevices, ...running.map((other) => other.device)]);
    return this.#possible(job).filter(
      (account) =>
        (request.accounts?.includes(account.name) ?? true) &&
        !isExcepted(request, account) &&
        (account.device === null || !inUse.has(account.device)) &&
        standingOf(this.#jobs, account, now).eligible,
    );
  }

  /** A job that may run only alone has waited long enough: its account and phone may be used, or are in use. */
  #oneMustRunAlone(request: ClaimRequest, now: number): boolean {
    return this.#jobs.all().some((job) => {
      const waits = job.crashes >= CRASHES_BEFORE_ALONE && CLAIMABLE.includes(job.status) && job.dueMs <= now - ALONE_PATIENCE_MS;
      const account = this.#accounts.get(job.account ?? '');
      if (!waits || account === undefined) return false;
      const standing = standingOf(this.#jobs, account, now);
      return (
        (request.accounts?.includes(account.name) ?? true) &&
        !isExcepted(request, account) &&
        !request.exceptDevices.includes(account.device ?? '') &&
        (standing.eligible || standing.reason === 'busy')
      );
    });
  }

  #lastCommit(name: string): number | null {
    return this.#jobs.posts(name)[0] ?? this.#accounts.get(name)?.lastCommitMs ?? null;
  }

  #assertMayCommit(job: Job, now: number): void {
    const holder = this.#jobs.otherHolder(job);
    if (holder !== undefined) throw alreadyPublished(holder);
    const account = this.#accounts.get(job.account ?? '');
    const standing: Eligibility =
      account === undefined ? { eligible: false, reason: 'configuration', retryAtMs: null } : standingOf(this.#jobs, account, now, job.id);
    if (standing.eligible) return;
    throw new SchedulerError('REFUSED', {
      details: { what: `${job.account} may not post now: ${standing.reason}`, reason: standing.reason, next: '' },
    });
  }

  #ifHeld(claim: Claim, fields: Partial<Job>): boolean {
    const job = this.#jobs.get(claim.jobId);
    if (job === undefined || claim.epoch < this.epoch || !held(job, claim) || !DEVICE_BUSY.includes(job.status)) return false;
    this.#jobs.put({ ...job, ...fields });
    return true;
  }

  #touch(account: Account, before: Job, after: Job, change: JobChange, now: number): void {
    let next = account;
    if (after.account === account.name && !POST_COUNTS.includes(before.status) && POST_COUNTS.includes(after.status)) {
      const committedMs = after.committedMs as number;
      const gapJitterMs = Math.round(this.#random.fraction() * account.policy.jitterMs);
      next = { ...next, lastCommitMs: Math.max(next.lastCommitMs ?? committedMs, committedMs), gapJitterMs };
    }
    if (after.status === 'success') next = applyAccountChange(next, { type: 'clear' }, now).account;
    this.#accounts.set(next.name, next);
    if (change.account !== undefined) this.#effect(next, change.account, change, after.id);
  }

  #effect(account: Account, change: AccountChange, by: { readonly epoch: number; readonly who: string }, job: string | null): Account {
    const result = applyAccountChange(account, change, this.#clock.now());
    this.#accounts.set(account.name, result.account);
    this.#nothingAtMs = null;
    if (result.event !== null) {
      const { event: type, details } = result;
      this.#events.record({ ...BLANK, atMs: this.#clock.now(), type, epoch: by.epoch, who: by.who, job, account: account.name, details });
    }
    return result.account;
  }
}
