/**
 * Turns the end of an attempt into what the store records: published, tried
 * again, given back, failed, or in front of a human. Decides nothing itself:
 * what a failure is comes from `classify`, what follows from `decide`.
 */
import { classify, stepOf } from '../domain/classify.ts';
import { type Failure, PHASES, type Phase } from '../domain/failure.ts';
import { withDoubt } from '../domain/failure-types.ts';
import type { Job, JobEvent } from '../domain/job.ts';
import { againAtMs, decide, type RetryPolicy } from '../domain/retry.ts';
import { SchedulerError } from '../errors.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import { holds } from '../runtime/condition.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Random } from '../runtime/random.ts';
import type { AccountChange, Claim, PostedLedger, PostedRecord, Store } from '../stores/store.ts';
import { callPerson } from './alarm.ts';
import type { Breakers, Charge } from './breakers.ts';
import { callPersonIfPutOff } from './put-off.ts';

/** How the attempt ended, for the worker's statistics and the pass. */
export type AttemptEnd = 'published' | 'retrying' | 'failed' | 'deferred' | 'uncertain' | 'skipped' | 'lost';

/** The end of an attempt, and the job as it is stored after it. */
export interface Ended {
  readonly end: AttemptEnd;
  readonly job: Job;
}

/** What is known when the publisher has come to its end, or was broken off. */
export interface Ending {
  /** publish() resolved. */
  readonly resolved: boolean;
  readonly error: unknown;
  readonly phase: Phase;
  /** The commit point was passed. */
  readonly committed: boolean;
  /** It was passed, but the act was forbidden at the last moment. */
  readonly actForbidden: boolean;
  /** Given back because the scheduler stops. */
  readonly stopping: boolean;
  /** The claim is not ours any more: nothing may be written. */
  readonly lost: boolean;
  readonly evidence: string | null;
}

export interface OutcomeParts {
  readonly store: Pick<Store, 'change' | 'account' | 'events' | 'recordEvent'>;
  readonly ledger: PostedLedger;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly retryPolicy: (job: Job) => RetryPolicy;
  /** Called when a publisher broke the contract and must not be used again. */
  readonly pausePublisher: (reason: string) => void;
  readonly publisherName: string;
  /** Aborts at the hard end of the process. */
  readonly hard: AbortSignal;
  /** Absent = every failure is charged to its account. */
  readonly breakers?: Breakers;
  /** A job put off for longer calls a person; absent = 7 days. */
  readonly deferLimitMs?: number;
}

/**
 * A disk that is full for a moment must not cost an attempt its outcome. Every write carries the claim, so a
 * second one changes nothing that is not ours; after this time the lease runs out and the rescuer takes over.
 */
const STORE_LIMIT_MS = 45_000;
const STORE_AGAIN_MS = 1_000;

/** A post refused by a rule (window, cap, hold, pause) comes back after this; the store's own rules hold it back longer where they know better. */
const REFUSED_AGAIN_MS = 60_000;
const DEFER_LIMIT_MS = 7 * 24 * 60 * 60_000;

export class Outcome {
  readonly #parts: OutcomeParts;
  readonly #job: Job;
  readonly #claim: Claim;
  readonly #record: PostedRecord;
  #stored: Job;
  #appVersion: string | null = null;

  constructor(parts: OutcomeParts, job: Job, claim: Claim, record: PostedRecord) {
    this.#parts = parts;
    this.#job = job;
    this.#claim = claim;
    this.#record = record;
    this.#stored = job;
  }

  /** The publisher found this version of the app; any module may say anything. */
  metVersion(version: unknown): void {
    this.#appVersion = String(version).slice(0, 40);
  }

  /**
   * Records the ending; `job` is as it is stored then. `lost` when it is no longer ours to write.
   *
   * @throws SchedulerError when the store goes on failing
   */
  async write(ending: Ending): Promise<Ended> {
    const { clock, hard } = this.#parts;
    const untilMs = clock.monotonic() + STORE_LIMIT_MS;
    for (;;) {
      try {
        return { end: await this.#end(ending), job: this.#stored };
      } catch (error) {
        const mayPass = error instanceof SchedulerError && error.code === 'STORE_FAILED' && clock.monotonic() < untilMs;
        if (!mayPass || !(await clock.sleep(STORE_AGAIN_MS, 'the store takes writes again', hard))) throw error;
      }
    }
  }

  async #end(ending: Ending): Promise<AttemptEnd> {
    if (ending.lost) return 'lost';
    try {
      if (ending.resolved) return ending.committed && !ending.actForbidden ? await this.#confirmed() : await this.#noCommit(ending);
      return ending.committed ? await this.#afterCommit(ending) : await this.#beforeCommit(ending);
    } catch (problem) {
      if (problem instanceof SchedulerError && (problem.code === 'CLAIM_LOST' || problem.code === 'ILLEGAL_TRANSITION')) return 'lost';
      throw problem;
    }
  }

  async #confirmed(): Promise<AttemptEnd> {
    await this.#change({ type: 'confirm' }, { type: 'clear' });
    await this.#parts.breakers?.succeeded(this.#job, this.#appVersion);
    // The store knows; the record only spares a person a question should the database ever be lost.
    await this.#remembered(this.#parts.ledger.confirm(this.#record));
    this.#parts.logger.info({ job: this.#job.id, account: this.#job.account }, `[OK] ${this.#job.id} posted successfully`);
    return 'published';
  }

  /** Past the commit point nothing is tried again, whatever the error says, unless it proves that the act never happened. */
  async #afterCommit(ending: Ending): Promise<AttemptEnd> {
    const failure = this.#failure(ending);
    await this.#change({ type: 'doubt', failure });
    await this.#charge(failure, ending);
    const absent = ending.actForbidden || !failure.uncertain;
    if (!absent) {
      const fields = { job: this.#job.id, account: this.#job.account, failure, is_infra_error: failure.category === 'infrastructure' };
      this.#parts.logger.error(fields, `[UNCERTAIN] ${this.#job.id} may be public: ${failure.message}`);
      return 'uncertain';
    }
    const retryAtMs = againAtMs(this.#decide(withDoubt(failure, false)));
    await this.#parts.ledger.withdraw({ ...this.#record, atMs: this.#parts.clock.now() });
    await this.#apply({ type: 'verdict', verdict: 'absent', retryAtMs, by: 'proof that the act never happened' }, null);
    return retryAtMs === null ? 'failed' : 'retrying';
  }

  /** Resolving without a commit() that did is a defect of the publisher: it may have posted, so nobody may try again. */
  async #noCommit(ending: Ending): Promise<AttemptEnd> {
    const problem = new SchedulerError('PUBLISHER_NO_COMMIT', { details: { publisher: this.#parts.publisherName } });
    const { store, logger, publisherName } = this.#parts;
    await this.#doubtUncommitted(this.#failure({ ...ending, error: problem }));
    this.#parts.pausePublisher(problem.message);
    const details = { publisher: publisherName, reason: problem.message };
    callPerson(logger, 'publisher', { job: this.#job.id, ...details }, `Nothing more is published: ${problem.message}`);
    // The outcome is stored: whether this can be written too must not change it.
    await store
      .recordEvent({ type: 'publisher_paused', epoch: this.#claim.epoch, who: this.#job.worker ?? 'worker', job: this.#job.id, details })
      .catch((err: unknown) => logger.warn({ err }, 'An event could not be written'));
    return 'uncertain';
  }

  /** It may be public although nobody passed the commit point: that must outlive the database like any other post. */
  async #doubtUncommitted(failure: Failure): Promise<void> {
    await this.#change({ type: 'doubt', failure });
    await this.#remembered(this.#parts.ledger.append(this.#record));
  }

  #remembered(writing: Promise<void>): Promise<void> {
    return writing.catch((err: unknown) => this.#parts.logger.warn({ err }, 'posted.jsonl could not be written'));
  }

  async #beforeCommit(ending: Ending): Promise<AttemptEnd> {
    const now = this.#parts.clock.now();
    const { error } = ending;
    if (ending.stopping) return this.#defer('the scheduler was stopped', now, null);
    if (error instanceof SchedulerError && error.code === 'REFUSED') return this.#defer(error.message, now + REFUSED_AGAIN_MS, null);
    // A store or a record that cannot be written is the machine's trouble: no attempt is burnt, no account charged.
    if (error instanceof SchedulerError && error.code === 'STORE_FAILED') {
      return this.#defer(error.message, now + this.#parts.retryPolicy(this.#job).initialDelayMs, null);
    }
    if (error instanceof SchedulerError && error.code === 'ALREADY_PUBLISHED') {
      await this.#change({ type: 'skip', reason: error.message });
      return 'skipped';
    }
    const failure = this.#failure(ending);
    const charge = await this.#charge(failure, ending);
    const next = charge.giveBackUntilMs === null ? this.#decide(failure) : givenBack(failure, charge.giveBackUntilMs);
    this.#say(failure, next.next);
    switch (next.next) {
      case 'uncertain':
        await this.#doubtUncommitted(failure);
        return 'uncertain';
      case 'defer':
        return this.#defer(next.reason, next.untilMs, failure);
      case 'retry':
        return this.#failed(failure, next.atMs, charge);
      case 'fail':
        return this.#failed(failure, null, charge);
    }
  }

  async #failed(failure: Failure, retryAtMs: number | null, charge: Charge): Promise<AttemptEnd> {
    const account = consequence(this.#job, failure, charge);
    await this.#change({ type: 'fail', failure, retryAtMs }, account);
    if (account?.type === 'hold') {
      const { reason, evidence } = account;
      const fields = { job: this.#job.id, account: this.#job.account, evidence };
      callPerson(this.#parts.logger, 'hold', fields, `Account ${this.#job.account} is on hold: ${reason}`);
    }
    if (account?.type === 'charge') await this.#sayCooldown();
    return retryAtMs === null ? 'failed' : 'retrying';
  }

  async #sayCooldown(): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const account = await store.account(this.#job.account ?? '');
    const untilMs = account?.cooldownUntilMs ?? 0;
    if (account === null || untilMs <= clock.now()) return;
    const minutes = Math.round((untilMs - clock.now()) / 60_000);
    const fields = { account: account.name, consecutive_failures: account.consecutiveFailures, until: isoTime(untilMs) };
    logger.warn(fields, `Account ${account.name} on cooldown for ${minutes}min after ${account.consecutiveFailures} consecutive failures`);
  }

  async #charge(failure: Failure, { error }: Ending): Promise<Charge> {
    const met = { step: stepOf(error), appVersion: this.#appVersion };
    return (await this.#parts.breakers?.failed(this.#job, failure, met)) ?? { account: true, giveBackUntilMs: null };
  }

  async #defer(reason: string, untilMs: number, failure: Failure | null): Promise<AttemptEnd> {
    await this.#change({ type: 'defer', reason, untilMs, failure });
    await callPersonIfPutOff({ deferLimitMs: DEFER_LIMIT_MS, ...this.#parts }, this.#stored);
    return 'deferred';
  }

  #failure(ending: Ending): Failure {
    const { account, caption } = this.#job;
    const context = { phase: phaseOf(ending), account: account ?? '', committed: ending.committed, caption };
    return { ...classify(ending.error, context), evidence: ending.evidence };
  }

  #decide(failure: Failure): ReturnType<typeof decide> {
    const { clock, random, retryPolicy } = this.#parts;
    return decide({ job: this.#job, failure, policy: retryPolicy(this.#job), now: clock.now(), fraction: random.fraction(), holds });
  }

  #say(failure: Failure, next: ReturnType<typeof decide>['next']): void {
    const { id, account, attempts } = this.#job;
    const fields = { job: id, account, failure, attempt: attempts, is_infra_error: failure.category === 'infrastructure' };
    const then = { retry: 'will retry', fail: 'permanently failed', defer: 'deferred', uncertain: 'uncertain' }[next];
    const kind = `(category: ${failure.category}, type: ${failure.type})`;
    this.#parts.logger.warn(fields, `Job ${id} failed: ${failure.message} ${kind} - ${then}`);
  }

  #change(event: JobEvent, account?: AccountChange): Promise<void> {
    return this.#apply(event, this.#claim, account);
  }

  async #apply(event: JobEvent, claim: Claim | null, account?: AccountChange): Promise<void> {
    const change = { event, claim, epoch: this.#claim.epoch, who: this.#job.worker ?? 'worker' };
    this.#stored = await this.#parts.store.change(this.#job.id, account ? { ...change, account } : change);
  }
}

/** A publisher need not say that it commits: it has called commit(). */
function phaseOf({ phase, committed }: Ending): Phase {
  return committed && PHASES.indexOf(phase) < PHASES.indexOf('commit') ? 'commit' : phase;
}

/** What is known to be broken was only tried again: the job is not to blame. */
function givenBack(failure: Failure, untilMs: number): ReturnType<typeof decide> {
  return failure.uncertain ? { next: 'uncertain' } : { next: 'defer', untilMs, reason: failure.message };
}

/** What a failure does to the account: its own trouble stops it, machine trouble counts towards its rest. */
function consequence(job: Job, failure: Failure, charge: Charge): AccountChange | undefined {
  switch (failure.category) {
    case 'account':
      return { type: 'hold', reason: `${failure.type}: ${failure.message}`, job: job.id, evidence: failure.evidence };
    case 'infrastructure':
    case 'unknown':
      return charge.account ? { type: 'charge' } : undefined;
    case 'content':
    case 'configuration':
      return undefined;
  }
}
