/**
 * The SQLite store, with a judge beside its claims: who else could have been
 * taken at that instant, and had posted longer ago? When each account last
 * posted is the rack's word, not the store's.
 */
import type { Job } from '../../src/domain/job.ts';
import { SqliteStore, type SqliteStoreOptions } from '../../src/stores/sqlite.ts';
import type { ClaimRequest } from '../../src/stores/store.ts';
import type { Rack } from './rack.ts';

/** A look at 200 accounts costs more than a claim: the judge takes every third. */
const EVERY = 3;

export class WatchedStore extends SqliteStore {
  /** In words: who was taken, and who had waited longer. */
  readonly unfair: string[] = [];
  /** Accounts that once stood back for another. */
  readonly stoodBack = new Set<string>();
  readonly #options: SqliteStoreOptions;
  readonly #rack: Rack;
  readonly #jobsPerAccount: number;
  readonly #tried = new Map<string, Set<string>>();
  #claims = 0;

  constructor(options: SqliteStoreOptions, rack: Rack, jobsPerAccount: number) {
    super(options);
    this.#options = options;
    this.#rack = rack;
    this.#jobsPerAccount = jobsPerAccount;
  }

  override async claim(request: ClaimRequest): Promise<Job | null> {
    const job = await super.claim(request);
    if (job === null) return null;
    const account = job.account ?? '';
    this.#tried.set(account, (this.#tried.get(account) ?? new Set()).add(job.id));
    this.#claims += 1;
    if (this.#claims % EVERY === 0) await this.#judge(account, job.device, request);
    return job;
  }

  async #judge(taken: string, takenDevice: string | null, { exceptDevices }: ClaimRequest): Promise<void> {
    const now = this.#options.clock.now();
    const busy = new Set((await this.jobs({ statuses: ['claimed', 'committing'] })).map(({ device }) => device));
    const posted = this.#rack.committedMs.get(taken) ?? 0;
    for (const { name, device, waitReason } of await this.accounts(now)) {
      // This very claim made its own phone busy; those who share it could have been taken.
      const phoneIsFree = device === takenDevice || !(busy.has(device) || exceptDevices.includes(device ?? ''));
      // A job never tried is due since the start: nobody else's comes before it. One that is tried again waits for its time.
      const hasFirstTry = (this.#tried.get(name)?.size ?? 0) < this.#jobsPerAccount;
      if (name === taken || waitReason !== null || !phoneIsFree || !hasFirstTry) continue;
      this.stoodBack.add(name);
      if ((this.#rack.committedMs.get(name) ?? 0) < posted) this.unfair.push(`${taken} was taken again while ${name} could have been`);
    }
  }
}
