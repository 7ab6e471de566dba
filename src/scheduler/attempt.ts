/**
 * One try at one job, from the claim to a recorded outcome. Nothing a publisher
 * does can publish twice as long as it acts only after `ctx.commit()` resolved:
 * that is the business of commit-point.ts; what the end means is outcome.ts.
 *
 * Knows no app, no phone and no database; it never retries anything itself.
 */
import type { Phase } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import type { ChosenPublisher, PublishContext, PublishJob } from '../publishers/publisher.ts';
import type { Claim, PostedRecord, Store } from '../stores/store.ts';
import { CommitPoint } from './commit-point.ts';
import { type EvidenceKeeper, Trace } from './evidence.ts';
import type { Lease } from './lease.ts';
import { type Ended, Outcome, type OutcomeParts } from './outcome.ts';
import { PhaseTimer } from './phase-timer.ts';
import { publishJob } from './publish-job.ts';
import type { Unsettled } from './unsettled.ts';
import type { AttemptWatcher } from './watcher.ts';

export interface AttemptParts extends Omit<OutcomeParts, 'store' | 'publisherName'> {
  readonly store: Store;
  readonly evidence: EvidenceKeeper;
  readonly watcher: AttemptWatcher;
  /** The publisher of an account, with the options it was configured with. */
  readonly publisherOf: (account: string) => ChosenPublisher;
  readonly phaseLimitsMs: Readonly<Record<Phase, number>>;
  /** The app an account posts through, such as `demo`. */
  readonly appOf: (account: string) => string;
  readonly unsettled: Unsettled;
  /** Null while this process may act; otherwise why not (paused, lock lost, stopping). */
  readonly forbidden: () => string | null;
  /** Aborts when no new act may begin: an attempt before its commit point is given back. */
  readonly stop: AbortSignal;
  /** Aborts at the hard end: also an attempt past its commit point lets go. */
  readonly hard: AbortSignal;
}

/** A job that a worker holds. */
export type ClaimedJob = Job & { readonly account: string; readonly claimToken: string; readonly leaseUntilMs: number };

export class Attempt {
  readonly #parts: AttemptParts;
  readonly #job: ClaimedJob;
  readonly #chosen: ChosenPublisher;
  readonly #claim: Claim;
  readonly #lease: Lease;
  readonly #phases: PhaseTimer;
  readonly #commit: CommitPoint;
  readonly #outcome: Outcome;
  readonly #trace: Trace;
  #records: Promise<unknown> = Promise.resolve();

  constructor(parts: AttemptParts, job: ClaimedJob, lease: Lease) {
    this.#parts = parts;
    this.#job = job;
    this.#lease = lease;
    this.#chosen = parts.publisherOf(job.account);
    this.#claim = { jobId: job.id, token: job.claimToken, epoch: job.epoch };
    this.#trace = new Trace(parts.evidence, parts.logger.child({ job: job.id, account: job.account }), job);
    this.#phases = new PhaseTimer(parts.clock, parts.phaseLimitsMs);
    const { account, sha256, repeat } = job;
    const record = (): PostedRecord => ({ account, sha256: sha256 ?? '', repeat, job: job.id, atMs: parts.clock.now() });
    this.#outcome = new Outcome({ ...parts, publisherName: this.#chosen.publisher.name }, job, this.#claim, record());
    this.#commit = new CommitPoint({
      lease,
      record,
      ledger: parts.ledger,
      forbidden: parts.forbidden,
      check: () => parts.store.checkCommit(this.#claim),
      write: () => this.#write(),
    });
  }

  async run(): Promise<Ended> {
    const { watcher, stop, hard, clock } = this.#parts;
    const worker = this.#job.worker ?? '';
    watcher.started({ worker, job: this.#job, maxAttempts: this.#maxAttempts(), atMs: clock.now() });
    const giveBack = new AbortController();
    const stopping = () => {
      if (!this.#commit.begun) giveBack.abort(new Error('the scheduler is stopping'));
    };
    stop.addEventListener('abort', stopping, { once: true });
    if (stop.aborted) stopping();
    const signal = AbortSignal.any([giveBack.signal, this.#phases.signal, this.#lease.lost, hard]);
    this.#phases.enter('prepare');
    this.#lease.start();
    const publishing = this.#publish(signal);
    this.#parts.unsettled.watch(this.#job.id, publishing);
    let error = await untilAborted(publishing, signal);
    // From here on commit() throws; one that is under way is waited for, so that it is known what it wrote.
    await this.#commit.close();
    this.#phases.stop();
    stop.removeEventListener('abort', stopping);
    // Broken off after the tap, it may still come to a positive confirmation while it lets go.
    if (error !== null && (await this.#letGo(publishing)) && this.#commit.committed) error = null;
    await this.#records;
    const ended = await this.#outcome.write({
      resolved: error === null,
      error: error?.reason,
      phase: this.#phases.current,
      committed: this.#commit.committed,
      actForbidden: this.#commit.actForbidden,
      stopping: giveBack.signal.aborted || (hard.aborted && !this.#commit.committed),
      lost: this.#lease.lost.aborted,
      evidence: error === null ? null : await this.#trace.close(),
    });
    this.#lease.end();
    watcher.ended(worker, ended.job, clock.now());
    return ended;
  }

  /** A publisher may throw before its first await; that too is a failed attempt. */
  async #publish(signal: AbortSignal): Promise<void> {
    await this.#chosen.publisher.publish(this.#publishJob(), this.#context(signal));
  }

  /**
   * A publisher that was broken off gets a moment to close its session, so that the phone is
   * free for the next job. True when it resolved after all.
   */
  async #letGo(publishing: Promise<void>): Promise<boolean> {
    const { clock, hard, phaseLimitsMs } = this.#parts;
    const settled = new AbortController();
    const resolved = publishing.then(
      () => true,
      () => false,
    );
    void resolved.then(() => settled.abort());
    await clock.sleep(phaseLimitsMs.cleanup, 'the publisher lets go of the phone', AbortSignal.any([settled.signal, hard]));
    return settled.signal.aborted && (await resolved);
  }

  #write(): Promise<Job> {
    const change = { event: { type: 'commit' }, claim: this.#claim, epoch: this.#claim.epoch, who: this.#job.worker ?? 'worker' } as const;
    return this.#parts.store.change(this.#job.id, change);
  }

  #context(signal: AbortSignal): PublishContext {
    const { watcher, store, clock } = this.#parts;
    return {
      signal,
      options: this.#chosen.options,
      log: { info: this.#trace.info, warn: this.#trace.warn },
      commit: () => this.#commit.commit(),
      phase: (name) => {
        this.#phases.enter(name);
        watcher.phase(this.#job.worker ?? '', this.#job.id, name, clock.now());
        this.#records = this.#records.then(() => store.enterPhase(this.#claim, name)).catch(() => undefined);
      },
      appVersion: (version) => this.#outcome.metVersion(version),
      evidence: (name, bytes) => this.#trace.keep(name, bytes),
    };
  }

  #publishJob(): PublishJob {
    const { account, device } = this.#job;
    return publishJob(this.#job, { app: this.#parts.appOf(account), maxAttempts: this.#maxAttempts(), device });
  }

  #maxAttempts(): number {
    return this.#job.maxAttempts ?? this.#parts.retryPolicy(this.#job).maxAttempts;
  }
}

/** Null when the promise resolved; otherwise the rejection, or the abort reason as soon as the signal aborts. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<{ readonly reason: unknown } | null> {
  return new Promise((resolve) => {
    const aborted = () => resolve({ reason: signal.reason });
    if (signal.aborted) aborted();
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(
      () => resolve(null),
      (reason: unknown) => resolve({ reason }),
    );
  });
}
