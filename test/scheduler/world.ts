/**
 * The real scheduler in a small world: virtual time, a store in memory, and a
 * publisher whose posts are counted. What was published is judged by
 * `world.posts`, never by the store.
 */
import type { AccountPolicy } from '../../src/domain/account.ts';
import { DEFAULT_PHASE_LIMITS_MS } from '../../src/domain/failure.ts';
import { DEFAULT_RETRY, policyFor, type RetryPolicy } from '../../src/domain/retry.ts';
import { parseWindow } from '../../src/domain/window.ts';
import type { PublishContext, Publisher, PublishJob } from '../../src/publishers/publisher.ts';
import type { AttemptParts } from '../../src/scheduler/attempt.ts';
import { Breakers } from '../../src/scheduler/breakers.ts';
import { Crew } from '../../src/scheduler/crew.ts';
import { EvidenceKeeper } from '../../src/scheduler/evidence.ts';
import { Orchestrator } from '../../src/scheduler/orchestrator.ts';
import { Progress } from '../../src/scheduler/progress.ts';
import { Rescuer } from '../../src/scheduler/rescuer.ts';
import { Rests } from '../../src/scheduler/rests.ts';
import { Unsettled } from '../../src/scheduler/unsettled.ts';
import { Wake } from '../../src/scheduler/wake.ts';
import { Worker } from '../../src/scheduler/worker.ts';
import type { NewJob, PostedLedger, PostedRecord } from '../../src/stores/store.ts';
import { MemoryStore } from '../stores/memory-store.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { MONDAY_NOON, VirtualClock } from '../support/virtual-clock.ts';

export const POLICY: AccountPolicy = {
  app: 'demo',
  device: null,
  timezone: 'UTC',
  postsPerDay: 100,
  rolling24h: null,
  windows: [parseWindow('00:00-24:00')],
  minGapMs: 0,
  jitterMs: 0,
  cooldown: { after: 3, stepMs: 600_000, maxMs: 3_600_000 },
  retry: DEFAULT_RETRY,
};

/** What a publisher does in one attempt; `act` is the irreversible one. */
export type Script = (ctx: PublishContext, act: () => void, job: PublishJob) => Promise<void>;

/** The well-behaved publisher. */
export const post: Script = async (ctx, act) => {
  ctx.phase('compose');
  await ctx.commit();
  act();
  ctx.phase('confirm');
};

export class World {
  readonly clock = new VirtualClock(MONDAY_NOON);
  readonly random = new FakeRandom(0.5);
  readonly logger = new MemoryLogger();
  readonly store = new MemoryStore({ clock: this.clock, random: this.random });
  readonly posts: PublishJob[] = [];
  readonly ledger: { readonly kind: 'append' | 'withdraw' | 'confirm'; readonly record: PostedRecord }[] = [];
  readonly stop = new AbortController();
  readonly hard = new AbortController();
  readonly progress = new Progress(this.clock);
  readonly wake = new Wake(this.clock);
  readonly unsettled = new Unsettled(this.clock);
  readonly paused: string[] = [];
  script: Script = post;
  /** By job id; goes before `script`. */
  readonly scripts = new Map<string, Script>();
  forbidden: string | null = null;
  /** Of this life; null until it is asked for. */
  #breakers: Breakers | null = null;
  #epoch = 0;
  #retry: RetryPolicy = DEFAULT_RETRY;

  /** A home with accounts; the daemon's first life begins. */
  static async with(...accounts: readonly string[]): Promise<World> {
    const world = new World();
    await world.newLife();
    await world.store.putAccounts(accounts.map((name) => ({ name, policy: POLICY })));
    return world;
  }

  async newLife(): Promise<void> {
    this.#epoch = await this.store.raiseEpoch('world');
    this.#breakers = null;
  }

  /** From now on in force for every account there is. */
  async retryBy(retry: RetryPolicy): Promise<void> {
    const accounts = await this.store.accounts(this.clock.now());
    await this.store.putAccounts(accounts.map(({ name, policy }) => ({ name, policy: { ...policy, retry } })));
    this.#retry = retry;
  }

  /** Queues videos, bound to `account` or free for all. */
  async add(ids: readonly string[], account: string | null = null, more: Partial<NewJob> = {}): Promise<void> {
    const jobs = ids.map((id) => ({ ...NEW, id, sha256: shaOf(id), videoPath: `/videos/${id}.mp4`, account, ...more }));
    await this.store.addJobs({ id: `batch-${ids[0]}`, source: '/videos', accounts: null }, jobs);
  }

  readonly publisher: Publisher = {
    name: 'scripted',
    needs: { appium: false, device: false },
    publish: (job, ctx) => (this.scripts.get(job.id) ?? this.script)(ctx, () => void this.posts.push(job), job),
  };

  readonly #ledgerFake: PostedLedger = {
    append: async (record) => void this.ledger.push({ kind: 'append', record }),
    withdraw: async (record) => void this.ledger.push({ kind: 'withdraw', record }),
    confirm: async (record) => void this.ledger.push({ kind: 'confirm', record }),
  };

  get breakers(): Breakers {
    const { store, clock, logger } = this;
    this.#breakers ??= new Breakers({ store, clock, logger, epoch: this.#epoch, appOf: () => 'demo', serverOf: () => 'appium' });
    return this.#breakers;
  }

  attemptParts(): AttemptParts {
    return {
      store: this.store,
      clock: this.clock,
      random: this.random,
      logger: this.logger,
      ledger: this.#ledgerFake,
      // Cannot be written to: thousands of lives leave no folder behind, and nobody here reads evidence.
      evidence: new EvidenceKeeper('/dev/null', this.logger),
      watcher: { started() {}, phase() {}, ended() {} },
      publisherOf: () => ({ publisher: this.publisher, options: {} }),
      phaseLimitsMs: DEFAULT_PHASE_LIMITS_MS,
      unsettled: this.unsettled,
      breakers: this.breakers,
      appOf: () => 'demo',
      forbidden: () => this.forbidden,
      retryPolicy: (job) => policyFor(job, this.#retry),
      pausePublisher: (reason) => {
        this.forbidden = reason;
        this.paused.push(reason);
      },
      stop: this.stop.signal,
      hard: this.hard.signal,
    };
  }

  worker(id = 1): Worker {
    const { clock, random, logger, progress } = this;
    const rests = new Rests(clock, 0);
    const parts = { attempt: this.attemptParts(), clock, random, logger, progress, rests, epoch: this.#epoch };
    return new Worker(id, { ...parts, ready: async () => true, onlyAccounts: null });
  }

  crew(workers: number, overtaken: () => void = () => {}): Crew {
    const { clock, store, logger, progress, wake } = this;
    const staff = Array.from({ length: workers }, (_, index) => this.worker(index + 1));
    const resting = () => this.forbidden;
    return new Crew({
      ...{ workers: staff, store, clock, logger, progress, wake, resting },
      rests: new Rests(clock, 0),
      stop: this.stop.signal,
      overtaken,
    });
  }

  orchestrator(workers: number, maxPasses = 3): Orchestrator {
    const { clock, store, logger, progress } = this;
    const crew = this.crew(workers);
    const verifier = { nextLookMs: async () => null };
    const parts = { store, clock, logger, progress, maxPasses, delayMs: 30_000, stop: this.stop.signal, verifier };
    return new Orchestrator({ ...parts, sweep: (pass) => crew.sweep(pass), cleanUp: async () => {} });
  }

  rescuer(): Rescuer {
    return new Rescuer({ store: this.store, clock: this.clock, logger: this.logger, epoch: this.#epoch });
  }

  /** One attempt at whatever can be claimed, through all the time it needs. */
  async attempt() {
    return this.clock.run(this.worker().round(0, this.stop.signal));
  }

  async job(id: string) {
    const job = await this.store.job(id);
    if (job === null) throw new Error(`no job ${id}`);
    return job;
  }
}

const NEW = { caption: 'Hello', publishAtMs: null, priority: 0, maxAttempts: null, repeat: 0 } as const;

/** A sha256 that belongs to the id alone. */
export function shaOf(id: string): string {
  return Buffer.from(id).toString('hex').padEnd(64, '0').slice(0, 64);
}
