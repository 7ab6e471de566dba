/**
 * The desk: carries out what a person orders, on the store alone. The running
 * daemon has one behind its control socket; without a daemon the command line
 * takes the lock and has one of its own. An order that could publish a video
 * twice is refused here with one sentence that says what to order instead.
 */
import type { AccountPolicy } from '../domain/account.ts';
import type { FailureCategory } from '../domain/failure.ts';
import { CLAIMABLE, type Job, type JobEdit, type JobEvent, type Verdict } from '../domain/job.ts';
import { attemptLimit, policyFor, type RetryPolicy } from '../domain/retry.ts';
import { SchedulerError } from '../errors.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import type { NewBatch, NewJob, PostedLedger, Store } from '../stores/store.ts';
import type { Command, KnownVideo, Reply } from './commands.ts';
import { type DoubtedHolders, holderName } from './doubted-holders.ts';
import { pauseAccount, pausePhone } from './pausing.ts';
import { type Accepted, accepted, count, refusal, refused, WHO } from './replies.ts';
import { likelySlip, undoAccount, undoAdd } from './taking-back.ts';

export interface DaemonSwitches {
  readonly stop: () => void;
  /** Resolves when it would outlast the end of this process. */
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** True while a publish() for this job has not come to its end. */
  readonly publishing?: (job: string) => boolean;
  /** The phones that it knows. */
  readonly phones?: () => readonly string[];
  /** Paused phones have changed in the store. */
  readonly phonesPaused?: () => Promise<void>;
  /** Reads the configuration again; answers what it did, in one sentence. @throws SchedulerError BAD_CONFIG, then nothing has changed */
  readonly reload?: () => Promise<string>;
}

export interface DeskParts {
  readonly store: Store;
  readonly ledger: PostedLedger;
  readonly doubted: DoubtedHolders;
  /** The lock's epoch under which this process acts. */
  readonly epoch: number;
  readonly clock: Clock;
  readonly home: string;
  /** What the configuration says of an account. */
  readonly accountPolicy: (name: string) => AccountPolicy;
  /** It names the account itself. */
  readonly isConfigured: (name: string) => boolean;
  /** The phones that the configuration allows for; absent or null = any may be there. */
  readonly phones?: readonly string[] | null;
  /** The daemon's own switches; null = no daemon runs here. */
  readonly daemon: DaemonSwitches | null;
  /** Ends what an earlier life left; answers one line for each thing that was found. */
  readonly endLeftovers?: () => Promise<readonly string[]>;
  /** Something new may be claimable. */
  readonly wake: () => void;
}

/** The platform refused, or the video is broken: another try changes nothing by itself. */
const FINAL: readonly FailureCategory[] = ['account', 'content'];

export class Desk {
  readonly #parts: DeskParts;

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Never throws: what goes wrong is a reply too. */
  async handle(command: Command): Promise<Reply> {
    try {
      const reply = await this.#carryOut(command);
      this.#parts.wake();
      return reply;
    } catch (error) {
      return refusal(error);
    }
  }

  #carryOut(command: Command): Promise<Accepted> | Accepted {
    switch (command.do) {
      case 'add_accounts':
        return this.#addAccounts(command.names);
      case 'add_jobs':
        return this.#addJobs(command.batch, command.jobs);
      case 'undo_add':
        return undoAdd(this.#parts, command.batch);
      case 'undo_account':
        return undoAccount(this.#parts, command.account);
      case 'retry':
        return command.job === 'all' ? this.#retryAll(command.only === 'retryable') : this.#retry(command.job);
      case 'skip':
        return this.#skip(command.job, command.reason);
      case 'settle':
        return this.#settle(command.job, command.verdict);
      case 'holder_gone':
        return this.#holderGone(command.holder);
      case 'release':
        return this.#release(command.account);
      case 'end_leftovers':
        return this.#endLeftovers();
      case 'stop':
        return command.all === true && this.#parts.daemon === null ? this.#endLeftovers() : this.#switch('stop');
      case 'pause':
      case 'resume':
        if (command.account !== undefined) return pauseAccount(this.#parts, command.do, command.account);
        return command.device === undefined ? this.#switch(command.do) : pausePhone(this.#parts, command.do, command.device);
      case 'reload':
        return this.#reload();
      case 'edit':
        return this.#edit(command.job, command.edit);
    }
  }

  async #addAccounts(names: readonly string[]): Promise<Accepted> {
    const { store, accountPolicy, clock } = this.#parts;
    const before = (await store.accounts(clock.now())).map(({ name }) => name);
    const fresh = [...new Set(names)].filter((name) => !before.includes(name));
    if (fresh.length > 0) await store.putAccounts(fresh.map((name) => ({ name, policy: accountPolicy(name) })));
    const known = new Set(names).size - fresh.length;
    const parts = [fresh.length > 0 ? `added ${listed(fresh)}` : null, known > 0 ? `${known} known already` : null];
    const slips = fresh.flatMap((name) => {
      const meant = likelySlip(name, before);
      return meant === null
        ? []
        : [`\nWARNING: ${name} is new, and looks like ${meant}; if it is a slip: scheduler --undo-accounts ${name}`];
    });
    return accepted(`Accounts: ${parts.filter((part) => part !== null).join(', ')}.${slips.join('')}`, { added: fresh });
  }

  async #addJobs(batch: NewBatch, jobs: readonly NewJob[]): Promise<Accepted> {
    const { store, clock } = this.#parts;
    const named = new Set([...(batch.accounts ?? []), ...jobs.flatMap((job) => job.account ?? [])]);
    for (const account of named) {
      if ((await store.account(account)) === null) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account } });
    }
    if (named.size === 0 && (await store.accounts(clock.now())).length === 0) throw new SchedulerError('NO_ACCOUNTS');
    const report = await store.addJobs(batch, jobs);
    const known = report.known.length > 0 ? `, ${report.known.length} already known` : '';
    const told: KnownVideo[] = [];
    for (const { id, knownAs } of report.known) {
      const holder = await this.#job(knownAs);
      told.push({ id, knownAs, status: holder.status, account: holder.account });
    }
    const text = `Queued ${count(report.added.length, 'video')}${known} (batch ${batch.id}).`;
    return { ok: true, text, data: { added: report.added, known: told } };
  }

  async #retry(id: string): Promise<Accepted> {
    const job = await this.#job(id);
    const obstacle = obstacleToRetry(job);
    if (obstacle !== null) throw obstacle;
    const grant = this.#grantFor(job);
    await this.#change(job, { type: 'retry', grant });
    const held = await this.#held(job.account);
    return accepted(`${job.id} is tried again, up to ${count(grant, 'time')}${held}.`, { jobs: [job.id] });
  }

  async #retryAll(onlyRetryable: boolean): Promise<Accepted> {
    const failed = await this.#parts.store.jobs({ statuses: ['failed'] });
    const taken = onlyRetryable ? failed.filter((job) => !FINAL.includes(job.failure?.category ?? 'unknown')) : failed;
    for (const job of taken) await this.#change(job, { type: 'retry', grant: this.#grantFor(job) });
    const ids = taken.map((job) => job.id);
    const rest = failed.length - taken.length;
    const left = rest === 0 ? '' : ` ${count(rest, 'other')} cannot be helped by a retry; --retry-include-non-retryable takes them too.`;
    const none = failed.length === 0 ? 'No job has failed; there is nothing to retry.' : 'No failed job can be helped by a retry.';
    return accepted(`${ids.length === 0 ? none : `${count(ids.length, 'failed job')} are tried again.`}${left}`, { jobs: ids });
  }

  async #skip(id: string, reason: string): Promise<Accepted> {
    const job = await this.#job(id);
    if (job.status === 'skipped') return accepted(`${job.id} was skipped already.`);
    const obstacle = obstacleToSkip(job);
    if (obstacle !== null) throw obstacle;
    await this.#change(job, { type: 'skip', reason });
    return accepted(`${job.id} will not be published.`);
  }

  async #settle(id: string, verdict: Verdict): Promise<Accepted> {
    const job = await this.#job(id);
    if (job.status !== 'uncertain') {
      throw refused(`${job.id} is ${job.status}; only an uncertain job can be settled`, '`scheduler --status` lists the uncertain ones.');
    }
    const obstacle = verdict === 'absent' ? await this.#obstacleToAbsent(job) : null;
    if (obstacle !== null) throw obstacle;
    const left = job.attempts < attemptLimit(job, this.#accountRetry(job));
    // A person has looked, so nothing is waited for: an absent post may be made again at once.
    const retryAtMs = verdict === 'absent' && left ? this.#parts.clock.now() : null;
    const after = await this.#change(job, { type: 'verdict', verdict, retryAtMs, by: WHO });
    await this.#record(job, verdict);
    if (verdict === 'published') return accepted(`${job.id} counts as published by ${job.account}.`, { status: after.status });
    const what = left
      ? 'is tried again'
      : `has failed: its ${count(job.attempts, 'attempt')} are used up (\`--retry ${job.id}\` grants more)`;
    return accepted(`${job.id} was not published and ${what}.`, { status: after.status });
  }

  /** Whoever may still act on it could post after the person has looked. */
  async #obstacleToAbsent(job: Job): Promise<SchedulerError | null> {
    const { doubted, daemon } = this.#parts;
    if (daemon?.publishing?.(job.id)) {
      return refused(`the publisher has not let go of ${job.id} and may still post it`, '`scheduler --stop` ends it; then settle it.');
    }
    const holder = await doubted.holderOf(job);
    if (holder === null) return null;
    const name = holderName(holder);
    const last = holder.last_heartbeat ?? holder.started;
    return refused(
      `PID ${holder.pid} on ${holder.hostname} may still post ${job.id}: it was silent since ${last}, was replaced, and is not proven gone`,
      `End that process, or switch that machine off; then \`--holder-gone ${name} --settle ${job.id} absent\`.`,
    );
  }

  async #holderGone(name: string): Promise<Accepted> {
    const { doubted } = this.#parts;
    if (await doubted.dismiss(name)) return accepted(`${name} counts as ended: what it held can be settled as absent.`);
    const names = (await doubted.all()).map(holderName);
    throw refused(`no holder "${name}" is in doubt`, names.length === 0 ? 'Nobody is in doubt.' : `There is ${listed(names)}.`);
  }

  /** posted.jsonl outlives the database: it must know what a person said. The store knows already, so a full disk is no refusal. */
  async #record(job: Job, verdict: Verdict): Promise<void> {
    if (job.account === null || job.sha256 === null) return;
    const { ledger, clock } = this.#parts;
    const record = { account: job.account, sha256: job.sha256, repeat: job.repeat, job: job.id, atMs: clock.now() };
    await (verdict === 'published' ? ledger.confirm(record) : ledger.withdraw(record)).catch(() => undefined);
  }

  async #release(name: string): Promise<Accepted> {
    const { store, clock } = this.#parts;
    const account = await store.account(name);
    if (account === null) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: name } });
    if (account.state === 'hold') {
      await store.changeAccount(name, { type: 'release' }, WHO);
      return accepted(`${name} may post again.`);
    }
    if (account.state === 'paused') {
      throw refused(`${name} is paused (${account.reason ?? 'no reason given'}), not on hold`, 'Put it back into scheduler.yaml.');
    }
    if (account.cooldownUntilMs !== null && account.cooldownUntilMs > clock.now()) {
      await store.changeAccount(name, { type: 'clear' }, WHO);
      return accepted(`${name} need not rest any longer.`);
    }
    const trouble = account.trouble === null ? '' : `, but it waits for its configuration: ${account.trouble}`;
    return accepted(`${name} was not on hold${trouble}.`);
  }

  async #endLeftovers(): Promise<Accepted> {
    const found = (await this.#parts.endLeftovers?.()) ?? [];
    return accepted(found.length === 0 ? 'Nothing of an earlier life was left.' : found.join('\n'), { found });
  }

  async #switch(what: 'pause' | 'resume' | 'stop'): Promise<Accepted> {
    const { daemon, home } = this.#parts;
    if (daemon === null) throw new SchedulerError('NO_DAEMON', { details: { home } });
    await daemon[what]();
    const text = { pause: 'Paused: no further post is started.', resume: 'Resumed.', stop: 'Stopping.' }[what];
    return accepted(text);
  }

  async #reload(): Promise<Accepted> {
    const { daemon, home } = this.#parts;
    if (daemon?.reload === undefined) throw new SchedulerError('NO_DAEMON', { details: { home } });
    return accepted(await daemon.reload());
  }

  async #edit(id: string, edit: JobEdit): Promise<Accepted> {
    const job = await this.#job(id);
    const obstacle = obstacleToEdit(job, edit);
    if (obstacle !== null) throw obstacle;
    if (edit.account !== undefined && (await this.#parts.store.account(edit.account)) === null) {
      throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: edit.account } });
    }
    const after = await this.#change(job, { type: 'edit', edit });
    const when = edit.publishAtMs === undefined ? '' : `, not before ${isoTime(after.dueMs)}`;
    return accepted(
      `${id} is changed (${Object.keys(edit)
        .map((key) => EDITED[key as keyof JobEdit])
        .join(', ')})${when}.`,
      { job: id },
    );
  }

  async #job(id: string): Promise<Job> {
    const job = await this.#parts.store.job(id);
    if (job === null) throw new SchedulerError('UNKNOWN_JOB', { details: { job: id } });
    return job;
  }

  #change(job: Job, event: JobEvent): Promise<Job> {
    return this.#parts.store.change(job.id, { event, claim: null, epoch: this.#parts.epoch, who: WHO });
  }

  /** As many attempts more as its policy allows in all. */
  #grantFor(job: Job): number {
    return policyFor(job, this.#accountRetry(job)).maxAttempts;
  }

  #accountRetry(job: Job): RetryPolicy {
    return this.#parts.accountPolicy(job.account ?? '').retry;
  }

  async #held(name: string | null): Promise<string> {
    const account = name === null ? null : await this.#parts.store.account(name);
    return account?.state === 'hold' ? `, as soon as ${name} is released (\`--release ${name}\`)` : '';
  }
}

function obstacleToRetry(job: Job): SchedulerError | null {
  switch (job.status) {
    case 'uncertain':
      return refused(`${job.id} may be public already, so a retry could publish it twice`, howToSettle(job));
    case 'success': {
      const when = job.finishedMs === null ? '' : ` at ${isoTime(job.finishedMs)}`;
      return refused(`${job.id} was published by ${job.account}${when}`, 'A wanted repeat is `--add-folder DIR --again`.');
    }
    case 'claimed':
    case 'committing':
      return busy(job);
    case 'pending':
      return refused(`${job.id} is waiting for its turn already`, '`scheduler --plan` shows when.');
    default:
      return null;
  }
}

function obstacleToSkip(job: Job): SchedulerError | null {
  if (job.status === 'success') return refused(`${job.id} was published by ${job.account} already`, 'Nothing can be skipped any more.');
  if (job.status === 'uncertain') return refused(`${job.id} may be public already, so it cannot be skipped`, howToSettle(job));
  return job.status === 'claimed' || job.status === 'committing' ? busy(job) : null;
}

const EDITED: Readonly<Record<keyof JobEdit, string>> = {
  caption: 'caption',
  account: 'account',
  priority: 'priority',
  publishAtMs: 'time',
};

function obstacleToEdit(job: Job, edit: JobEdit): SchedulerError | null {
  if (job.status === 'claimed' || job.status === 'committing') return busy(job);
  if (!CLAIMABLE.includes(job.status)) {
    return refused(`${job.id} is ${job.status}; only a video that waits can be changed`, '`scheduler --status` shows what waits.');
  }
  const wasTried = job.attempts > 0 || job.crashes > 0;
  const hops = edit.account !== undefined && edit.account !== job.account && wasTried;
  return hops
    ? refused(
        `${job.id} was tried for ${job.account} already and stays with it`,
        `\`--skip ${job.id}\`, then \`--add-folder DIR --account NAME --again\` for the other one.`,
      )
    : null;
}

function busy(job: Job): SchedulerError {
  return refused(`${job.id} is being published right now by ${job.account}`, 'Wait for its end; `scheduler --status` shows it.');
}

function howToSettle(job: Job): string {
  return `Look at the profile of ${job.account}, then \`--settle ${job.id} published\` or \`--settle ${job.id} absent\`.`;
}

function listed(names: readonly string[]): string {
  return names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;
}
