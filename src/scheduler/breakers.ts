/**
 * The circuit breakers of this home: which phones, apps and servers are left
 * alone for now because they fail, and whom a failure is charged to. The rules
 * are domain/breaker.ts. Their state is a value of the store, so that a restart
 * does not send every worker back to a broken phone.
 */
import { type Breaker, type BreakerKind, CLOSED, chargedTo, failed, isScreenFailure, stateOf } from '../domain/breaker.ts';
import type { Failure } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { ClaimRequest, Store } from '../stores/store.ts';
import { callPerson } from './alarm.ts';

export interface BreakersParts {
  readonly store: Pick<Store, 'accounts' | 'value' | 'setValue' | 'recordEvent'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: number;
  readonly appOf: (account: string) => string;
  /** The server that this account's attempts go through, such as `appium`; null = none. */
  readonly serverOf: (account: string) => string | null;
}

/** What a claim must leave alone. */
export type Except = Pick<ClaimRequest, 'exceptDevices' | 'exceptApps'>;

/** Who pays for a failure. */
export interface Charge {
  readonly account: boolean;
  /** What it is charged to is known to be broken now, and rests until then: the attempt is given back. */
  readonly giveBackUntilMs: number | null;
}

/** As it is stored under `breakers`, and shown by `--status`. */
export interface BreakerRecord extends Breaker {
  readonly kind: BreakerKind;
  /** The phone's id, `app version:step`, or the server's name. */
  readonly name: string;
  /** Of a step of an app: the app, the version that fails, the phones that were last seen with it, and whether another version works. */
  readonly app?: string;
  readonly version?: string | null;
  readonly seenOn?: readonly string[];
  readonly worksElsewhere?: boolean;
}

/** What an attempt met. */
export interface Met {
  /** The step of the flow that did not come about; null = the failure does not say. */
  readonly step: string | null;
  /** Of the app on the phone; null = unknown. */
  readonly appVersion: string | null;
}

const STORED = 'breakers';
/** Which accounts a phone serves changes when somebody edits the configuration. */
const ROSTER_MS = 600_000;
/** The opening at which people hear of it; phones fail twice in a row by chance. */
const ALARM_AT: Readonly<Record<BreakerKind, number>> = { device: 3, server: 2, flow: 1 };
const NOT_OURS: Charge = { account: true, giveBackUntilMs: null };

export class Breakers {
  readonly #parts: BreakersParts;
  readonly #all = new Map<string, BreakerRecord>();
  /** Half open breakers whose one trial is being claimed or is under way, with its job once that is known. */
  readonly #trials = new Map<string, string | null>();
  #loading: Promise<void> | null = null;
  #roster: { readonly atMs: number; readonly accountsOn: ReadonlyMap<string, number> } | null = null;

  constructor(parts: BreakersParts) {
    this.#parts = parts;
  }

  /** Asks for a job around what rests; of what has rested, one attempt at a time is let through. Null = there is none. */
  async claim<T extends Job>(ask: (except: Except) => Promise<T | null>): Promise<T | null> {
    await this.#load();
    const now = this.#parts.clock.now();
    const rested = (breaker: BreakerRecord) => stateOf(breaker, now) === 'half_open' && !this.#trials.has(keyOf(breaker));
    const opened = [...this.#all.values()].filter(({ untilMs }) => untilMs !== null);
    const open = opened.filter((breaker) => !rested(breaker));
    const offered = opened.filter(rested);
    if (open.some(({ kind }) => kind === 'server')) return null;
    for (const breaker of offered) this.#trials.set(keyOf(breaker), null);
    let job: T | null = null;
    try {
      job = await ask({
        exceptDevices: open.filter(({ kind }) => kind === 'device').map(({ name }) => name),
        exceptApps: open.filter(({ kind }) => kind === 'flow').flatMap(resting),
      });
      return job;
    } finally {
      for (const breaker of offered) {
        if (job !== null && this.#concerns(breaker, job)) this.#trials.set(keyOf(breaker), job.id);
        else this.#trials.delete(keyOf(breaker));
      }
    }
  }

  /** The job's attempt is over, however it went. */
  ended(job: Pick<Job, 'id'>): void {
    for (const [key, trial] of this.#trials) if (trial === job.id) this.#trials.delete(key);
  }

  /** Whatever it went through works; of an app, that version of it. */
  async succeeded(job: Job, appVersion: string | null): Promise<void> {
    await this.#load();
    const moved = await this.#sawVersion(job, appVersion, true);
    const proven = [...this.#all.values()].filter((breaker) => this.#proven(breaker, job, appVersion));
    if (proven.length === 0 && !moved) return;
    for (const breaker of proven) {
      this.#all.delete(keyOf(breaker));
      if (breaker.untilMs !== null) await this.#sayClosed(breaker, job, 'works again');
    }
    await this.#save();
  }

  /** Counts the failure of `job`, and says who pays for it. */
  async failed(job: Job, failure: Failure, met: Met): Promise<Charge> {
    if (failure.category !== 'infrastructure' && failure.category !== 'unknown') return NOT_OURS;
    await this.#load();
    const account = job.account ?? '';
    const moved = await this.#sawVersion(job, met.appVersion, false);
    const app = this.#parts.appOf(account);
    const flow = {
      ...{ app, version: met.appVersion },
      name: `${met.appVersion === null ? app : `${app} ${met.appVersion}`}:${met.step ?? failure.phase}`,
    };
    const server = this.#parts.serverOf(account);
    const asked = {
      device: job.device === null ? null : this.#of('device', job.device),
      server: server === null ? null : this.#of('server', server),
      flow: isScreenFailure(failure) ? { ...this.#of('flow', flow.name), ...flow } : null,
    };
    const accountsOnPhone = job.device === null ? 0 : await this.#accountsOn(job.device);
    const charged = chargedTo({ failure, account, ...asked, accountsOnPhone });
    const counting: readonly BreakerRecord[] = [
      failure.category === 'infrastructure' && failure.scope !== 'server' && accountsOnPhone > 1 ? asked.device : null,
      failure.scope === 'server' ? asked.server : null,
      asked.flow,
    ].filter((breaker) => breaker !== null);
    for (const breaker of counting) await this.#count(breaker, job, failure);
    if (counting.length > 0 || moved) await this.#save();
    const paying = charged === null || charged === 'account' ? null : asked[charged];
    const untilMs = paying === null ? null : (this.#all.get(keyOf(paying))?.untilMs ?? null);
    return { account: charged === 'account', giveBackUntilMs: untilMs };
  }

  /** A person says that all is mended. */
  async reset(): Promise<void> {
    await this.#load();
    this.#all.clear();
    await this.#save();
  }

  async #count(before: BreakerRecord, job: Job, failure: Failure): Promise<void> {
    const { clock } = this.#parts;
    const certain = before.kind === 'device' && failure.scope === 'device';
    const met = { account: job.account ?? '', device: job.device, why: failure.message.slice(0, 500), certain };
    const seenOn = before.kind === 'flow' && job.device !== null ? { seenOn: [...new Set([...(before.seenOn ?? []), job.device])] } : {};
    const after = { ...before, ...failed(before, before.kind, met, clock.now()), ...seenOn };
    this.#all.set(keyOf(after), after);
    if (after.openings === before.openings) return;
    // It was the app, not the phones on which it was met.
    if (after.kind === 'flow') for (const name of after.devices) this.#all.delete(keyOf({ kind: 'device', name }));
    await this.#sayOpen(after, job);
  }

  /** One alarm for each trouble: for an app at once, for a server or a phone when its trials failed too. */
  async #sayOpen(breaker: BreakerRecord, job: Job): Promise<void> {
    const { store, logger, epoch } = this.#parts;
    const { kind, name, accounts, failures, why, openings } = breaker;
    const until = isoTime(breaker.untilMs as number);
    const fields = { kind, name, failures, accounts, until };
    if (openings !== ALARM_AT[kind]) {
      logger.warn(fields, `${titleOf(breaker)} fails and rests until ${until}: ${why}`);
      return;
    }
    const what = `${titleOf(breaker)} failed ${failures} times in a row and rests until ${until}; no account is blamed: ${why}`;
    callPerson(logger, 'resting', fields, what);
    await store.recordEvent({ type: 'breaker_opened', epoch, who: job.worker ?? 'worker', job: job.id, details: fields });
  }

  async #sayClosed(breaker: BreakerRecord, job: Job, why: string): Promise<void> {
    const { store, logger, epoch } = this.#parts;
    const { kind, name } = breaker;
    logger.info({ kind, name }, `${titleOf(breaker)} ${why}`);
    await store.recordEvent({ type: 'breaker_closed', epoch, who: job.worker ?? 'worker', job: job.id, details: { kind, name } });
  }

  /**
   * The phone has another version of the app than one that fails: that breaker has nothing to say about it any more, and
   * is over when no phone has its version. True when something changed.
   */
  async #sawVersion(job: Job, version: string | null, works: boolean): Promise<boolean> {
    const app = this.#parts.appOf(job.account ?? '');
    const others = [...this.#all.values()].filter((one) => isOfAnotherVersion(one, app, version) && (works || isSeenOn(one, job.device)));
    for (const one of others) {
      const seenOn = (one.seenOn ?? []).filter((device) => device !== job.device);
      this.#all.set(keyOf(one), { ...one, seenOn, worksElsewhere: one.worksElsewhere === true || works });
      if (seenOn.length > 0) continue;
      this.#all.delete(keyOf(one));
      if (one.untilMs !== null) await this.#sayClosed(one, job, `is on no phone any more: ${version} is`);
    }
    return others.length > 0;
  }

  #of(kind: BreakerKind, name: string): BreakerRecord {
    return this.#all.get(keyOf({ kind, name })) ?? { ...CLOSED, kind, name };
  }

  /** A success on this version, or on one that nobody knows, says that it works. */
  #proven(breaker: BreakerRecord, job: Job, appVersion: string | null): boolean {
    if (breaker.kind !== 'flow') return this.#concerns(breaker, job);
    const app = this.#parts.appOf(job.account ?? '');
    return appIn(breaker) === app && !isOfAnotherVersion(breaker, app, appVersion);
  }

  /** Whether this job's attempt goes through it. */
  #concerns(breaker: BreakerRecord, job: Job): boolean {
    const { kind, name } = breaker;
    const account = job.account ?? '';
    switch (kind) {
      case 'device':
        return name === job.device;
      case 'server':
        return name === this.#parts.serverOf(account);
      case 'flow':
        return appIn(breaker) === this.#parts.appOf(account) && (breaker.worksElsewhere !== true || isSeenOn(breaker, job.device));
    }
  }

  async #accountsOn(device: string): Promise<number> {
    const { store, clock } = this.#parts;
    const now = clock.now();
    if (this.#roster === null || now - this.#roster.atMs > ROSTER_MS) {
      const accountsOn = new Map<string, number>();
      for (const account of await store.accounts(now)) {
        if (account.device !== null) accountsOn.set(account.device, (accountsOn.get(account.device) ?? 0) + 1);
      }
      this.#roster = { atMs: now, accountsOn };
    }
    return this.#roster.accountsOn.get(device) ?? 1;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#parts.store.value(STORED).then((stored) => {
      for (const breaker of breakersIn(stored)) this.#all.set(keyOf(breaker), breaker);
    });
    return this.#loading;
  }

  async #save(): Promise<void> {
    await this.#parts.store.setValue(STORED, [...this.#all.values()]);
  }
}

/** The breakers in a stored value, whatever program wrote it. */
function breakersIn(stored: unknown): readonly BreakerRecord[] {
  if (!Array.isArray(stored)) return [];
  return stored.filter((one): one is BreakerRecord => typeof one === 'object' && one !== null && 'kind' in one && 'failures' in one);
}

/** What people call it. */
function titleOf({ kind, name }: Pick<BreakerRecord, 'kind' | 'name'>): string {
  if (kind === 'device') return `Phone ${name}`;
  if (kind === 'server') return `Server ${name}`;
  const [app = '', ...step] = name.split(':');
  return `App ${app} (step ${step.join(':')})`;
}

function keyOf({ kind, name }: Pick<BreakerRecord, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** A record of an older program has only its name, `demo:pick a video`. */
function appIn({ app, name }: BreakerRecord): string {
  return app ?? (name.split(':', 1)[0] as string);
}

function isOfAnotherVersion(one: BreakerRecord, app: string, version: string | null): boolean {
  return one.kind === 'flow' && appIn(one) === app && version !== null && one.version != null && one.version !== version;
}

/** What a claim must leave alone: the app, or where another version works, the app on the phones that have this one. */
function resting(breaker: BreakerRecord): readonly string[] {
  const { seenOn = [], worksElsewhere } = breaker;
  return worksElsewhere === true ? seenOn.map((device) => `${appIn(breaker)}@${device}`) : [appIn(breaker)];
}

function isSeenOn({ seenOn = [] }: BreakerRecord, device: string | null): boolean {
  return device !== null && seenOn.includes(device);
}
