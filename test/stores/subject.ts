/** What every test of a store needs: a store on a virtual clock, and short words for common acts. */

import type { AccountPolicy } from '../../src/domain/account.ts';
import type { Failure } from '../../src/domain/failure.ts';
import type { Job, JobEvent } from '../../src/domain/job.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import type { AccountChange, Claim, ClaimRequest, NewJob, Store } from '../../src/stores/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

export const HOUR = 3_600_000;
/** Monday, 13:00 in Berlin. */
export const NOON = Date.UTC(2026, 0, 5, 12);

export const POLICY: AccountPolicy = {
  app: 'demo',
  device: null,
  timezone: 'Europe/Berlin',
  postsPerDay: 1,
  rolling24h: null,
  windows: [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }],
  minGapMs: 0,
  jitterMs: 0,
  cooldown: { after: 3, stepMs: 600_000, maxMs: HOUR },
  retry: DEFAULT_RETRY,
};

export const ADB_TIMEOUT: Failure = {
  scope: 'account',
  category: 'infrastructure',
  type: 'adb_timeout',
  phase: 'push',
  retryable: true,
  message: 'adb push did not answer',
  uncertain: false,
  evidence: null,
};

export type MakeStore = (clock: VirtualClock) => Promise<Store>;

export function sha(n: number): string {
  return n.toString(16).padStart(64, '0');
}

export class Subject {
  readonly clock: VirtualClock;
  readonly store: Store;
  epoch = 0;
  #tokens = 0;

  private constructor(clock: VirtualClock, store: Store) {
    this.clock = clock;
    this.store = store;
  }

  static async open(make: MakeStore): Promise<Subject> {
    const clock = new VirtualClock(NOON);
    const subject = new Subject(clock, await make(clock));
    subject.epoch = await subject.store.raiseEpoch('test');
    return subject;
  }

  /** Adds accounts, each on the phone of its name's last letter when `phones` says so. */
  async accounts(names: readonly string[], policy: Partial<AccountPolicy> = {}): Promise<void> {
    await this.store.putAccounts(names.map((name) => ({ name, policy: { ...POLICY, ...policy } })));
  }

  async add(jobs: readonly (Partial<NewJob> & { readonly id: string })[], pool: readonly string[] | null = null, batch = 'batch') {
    const whole = jobs.map((job) => ({ ...NEW, sha256: shaOf(job.id), videoPath: `/v/${job.id}.mp4`, ...job }));
    return this.store.addJobs({ id: batch, source: '/v', accounts: pool }, whole);
  }

  claim(request: Partial<ClaimRequest> = {}): Promise<Job | null> {
    this.#tokens += 1;
    const base = { worker: 'worker 1', token: `token-${this.#tokens}`, epoch: this.epoch, leaseMs: 60_000, passNumber: 1 };
    return this.store.claim({ ...base, accounts: null, exceptDevices: [], ...request });
  }

  async claimed(request: Partial<ClaimRequest> = {}): Promise<Job> {
    const job = await this.claim(request);
    if (job === null) throw new Error('nothing could be claimed');
    return job;
  }

  /** The holder of `job` reports `event`. */
  report(job: Job, event: JobEvent, account?: AccountChange): Promise<Job> {
    const change = { event, claim: claimOf(job), epoch: this.epoch, who: 'worker 1' };
    return this.store.change(job.id, account === undefined ? change : { ...change, account });
  }

  /** Somebody other than the holder reports it. */
  order(job: Job | string, event: JobEvent): Promise<Job> {
    return this.store.change(typeof job === 'string' ? job : job.id, { event, claim: null, epoch: this.epoch, who: 'person' });
  }

  async publish(job: Job): Promise<Job> {
    await this.report(job, { type: 'commit' });
    return this.report(job, { type: 'confirm' });
  }

  async reasonOf(account: string): Promise<string | null> {
    const found = (await this.store.accounts(this.clock.now())).find(({ name }) => name === account);
    return found?.waitReason ?? null;
  }
}

export function claimOf(job: Job): Claim {
  return { jobId: job.id, token: job.claimToken ?? '', epoch: job.epoch };
}

const NEW: NewJob = {
  id: '',
  videoPath: '',
  sha256: null,
  caption: '',
  account: null,
  publishAtMs: null,
  priority: 0,
  maxAttempts: null,
  repeat: 0,
};

/** Different ids are different bytes, unless a test says otherwise. */
function shaOf(id: string): string {
  return Buffer.from(id).toString('hex').padEnd(64, '0').slice(0, 64);
}
