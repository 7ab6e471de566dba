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
  /** The phone's id, `app:step`, or the server's name. */
  readonly name: string;
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
        exceptApps: open.filter(({ kind }) => kind === 'flow').map(({ name }) => appIn(name)),
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

  /** Whatever it went through works. */
  async succeeded(job: Job): Promise<void> {
    await this.#load();
    const proven = [...this.#all.values()].filter((breaker) => this.#concerns(breaker, job));
    if (proven.length === 0) return;
    for (const breaker of proven) {
      this.#all.delete(keyOf(breaker));
      if (breaker.untilMs !== null) await this.#sayClosed(breaker, job);
    }
    await this.#save();
  }

  /** Counts the failure of `job`, and says who pays for it. */
  async failed(job: Job, failure: Failure): Promise<Charge> {
    if (failure.category !== 'infrastructure' && failure.category !== 'unknown') return NOT_OURS;
    await this.#load();
    const account = job.account ?? '';
    const step = isScreenFailure(failure) ? `${this.#parts.appOf(account)}:${failure.step ?? failure.phase}` : null;
    const server = this.#parts.serverOf(account);
    const asked = {
      device: job.device === null ? null : this.#of('device', job.device),
      server: server === null ? null : this.#of('server', server),
      flow: step === null ? null : this.#of('flow', step),
    };
    const accountsOnPhone = job.device === null ? 0 : await this.#accountsOn(job.device);
    const charged = chargedTo({ failure, account, ...asked, accountsOnPhone });
    const counting: readonly BreakerRecord[] = [
      failure.category === 'infrastructure' && failure.scope !== 'server' && accountsOnPhone > 1 ? asked.device : null,
      failure.scope === 'server' ? asked.server : null,
      asked.flow,
    ].filter((breaker) => breaker !== null);
    for (const breaker of counting) await this.#count(breaker, job, failure);
    if (counting.length > 0) await this.#save();
    const resting = charged === null || charged === 'account' ? null : asked[charged];
    const untilMs = resting === null ? null : (this.#all.get(keyOf(resting))?.untilMs ?? null);
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
    const after = { ...failed(before, before.kind, met, clock.now()), kind: before.kind, name: before.name };
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

  async #sayClosed(breaker: BreakerRecord, job: Job): Promise<void> {
    const { store, logger, epoch } = this.#parts;
    const { kind, name } = breaker;
    logger.info({ kind, name }, `${titleOf(breaker)} works again`);
    await store.recordEvent({ type: 'breaker_closed', epoch, who: job.worker ?? 'worker', job: job.id, details: { kind, name } });
  }

  #of(kind: BreakerKind, name: string): BreakerRecord {
    return this.#all.get(keyOf({ kind, name })) ?? { ...CLOSED, kind, name };
  }

  /** Whether this job's attempt goes through it. */
  #concerns({ kind, name }: BreakerRecord, job: Job): boolean {
    const account = job.account ?? '';
    switch (kind) {
      case 'device':
        return name === job.device;
      case 'server':
        return name === this.#parts.serverOf(account);
      case 'flow':
        return appIn(name) === this.#parts.appOf(account);
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
  return `App ${appIn(name)} (step ${name.slice(appIn(name).length + 1)})`;
}

function keyOf({ kind, name }: Pick<BreakerRecord, 'kind' | 'name'>): string {
  return `${kind} ${name}`;
}

/** `demo:pick a video` -> `demo` */
function appIn(flow: string): string {
  return flow.split(':', 1)[0] as string;
}
