/**
 * A day of the production scheduler on a rack of pretend phones: real workers,
 * real breakers, real verifier, the SQLite store, on virtual time. The report
 * is what the judge (rack.ts) and the store say together.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountPolicy } from '../../src/domain/account.ts';
import { DEFAULT_PHASE_LIMITS_MS } from '../../src/domain/failure.ts';
import type { Job } from '../../src/domain/job.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { parseWindow } from '../../src/domain/window.ts';
import type { AttemptParts } from '../../src/scheduler/attempt.ts';
import { Breakers } from '../../src/scheduler/breakers.ts';
import { Crew } from '../../src/scheduler/crew.ts';
import { EvidenceKeeper } from '../../src/scheduler/evidence.ts';
import { Progress } from '../../src/scheduler/progress.ts';
import { Rests } from '../../src/scheduler/rests.ts';
import { Unsettled } from '../../src/scheduler/unsettled.ts';
import { Verifier } from '../../src/scheduler/verifier.ts';
import { Wake } from '../../src/scheduler/wake.ts';
import { Worker } from '../../src/scheduler/worker.ts';
import { SqliteStore, type SqliteStoreOptions } from '../../src/stores/sqlite.ts';
import type { AccountStanding, PostedLedger } from '../../src/stores/store.ts';
import { SeededRandom } from '../support/fake-random.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { FastClock } from './fast-clock.ts';
import { type Bursts, type Faults, Rack } from './rack.ts';

export interface DayRequest {
  readonly phones: number;
  readonly accounts: number;
  readonly jobsPerAccount: number;
  readonly workers: number;
  readonly postsPerDay: number;
  readonly startMs: number;
  readonly seed: number;
  readonly faults: Faults;
  readonly bursts: Bursts;
  readonly speed?: number;
  /** Longest virtual time. */
  readonly limitMs: number;
  /** Absent = the plain SQLite store. */
  readonly openStore?: (options: SqliteStoreOptions, rack: Rack) => SqliteStore;
}

export interface DayReport {
  readonly rack: Rack;
  readonly jobs: readonly Job[];
  readonly accounts: readonly AccountStanding[];
  readonly logger: MemoryLogger;
  readonly startMs: number;
}

/** What the measured files name (Appium's bursts are the day's own), and the few accounts and videos that every day has. */
export const NAMED_FAULTS: Faults = {
  adbNeverAppears: 0.07,
  connectionDrops: 0,
  navigationStuck: 0,
  account: 0.005,
  content: 0.005,
  afterCommit: 0.01,
};

/** A harder day: as many failures again, each after a part of the way to the tap. */
export const DAY_FAULTS: Faults = { ...NAMED_FAULTS, connectionDrops: 0.03, navigationStuck: 0.03 };

/** The default of `delay_between_posts`. */
const REST_MS = 10_000;

const VERIFY = {
  secondLookMs: 20_000,
  gapsMs: [60_000, 300_000, 900_000, 3_600_000, 10_800_000],
  giveUpMs: 43_200_000,
};

export async function simulateDay(request: DayRequest): Promise<DayReport> {
  const { startMs, seed, workers, limitMs, openStore = (options) => new SqliteStore(options) } = request;
  const clock = new FastClock(startMs);
  const random = new SeededRandom(seed + 1);
  const rack = new Rack(clock, seed, request.faults, request.speed);
  // A real disk would only measure itself; every write still goes through SQLite.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'day-'));
  const store = openStore({ path: join(folder, 'state.db'), clock, random }, rack);
  const logger = new MemoryLogger();
  try {
    const epoch = await store.raiseEpoch('day');
    const phones = await fill(store, request);
    const stop = new AbortController();
    const base = {
      store,
      clock,
      random,
      logger,
      epoch,
      progress: new Progress(clock),
      rests: new Rests(clock, REST_MS),
      wake: new Wake(clock),
    };
    const attempt = attemptParts(base, rack, stop.signal);
    const ready = async () => true;
    const staff = Array.from({ length: workers }, (_, index) => new Worker(index + 1, { ...base, attempt, ready, onlyAccounts: null }));
    const crew = new Crew({ ...base, workers: staff, resting: () => null, stop: stop.signal });
    const verifier = new Verifier({ ...base, ...attempt, ready, settings: VERIFY, doubted: { holderOf: async () => null } });
    const end = async () => {
      while (!(await isOver(store, clock)) && (await clock.sleep(30_000, 'is the day over?', stop.signal)));
      stop.abort();
    };
    const day = Promise.all([crew.work(), verifier.run(stop.signal), rack.burst(phones, request.bursts, stop.signal), end()]);
    await clock.run(day, limitMs);
    return { rack, jobs: await store.jobs({}), accounts: await store.accounts(clock.now()), logger, startMs };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function attemptParts(
  base: { store: SqliteStore; clock: FastClock; random: SeededRandom; logger: MemoryLogger; epoch: number },
  rack: Rack,
  stop: AbortSignal,
): AttemptParts {
  const { clock, logger } = base;
  const ledger: PostedLedger = { append: async () => {}, withdraw: async () => {}, confirm: async () => {} };
  return {
    ...base,
    ledger,
    evidence: new EvidenceKeeper('/nonexistent', logger),
    watcher: { started() {}, phase() {}, ended() {} },
    publisherOf: () => ({ publisher: rack.publisher, options: {} }),
    phaseLimitsMs: DEFAULT_PHASE_LIMITS_MS,
    unsettled: new Unsettled(clock),
    breakers: new Breakers({ ...base, appOf: () => 'demo', serverOf: () => 'appium' }),
    appOf: () => 'demo',
    forbidden: () => null,
    retryPolicy: () => DEFAULT_RETRY,
    pausePublisher: (reason) => logger.error(`publisher paused: ${reason}`),
    stop,
    hard: new AbortController().signal,
  };
}

/** Accounts lie on the phones as it came about; the jobs are dealt to the accounts in turn. */
async function fill(store: SqliteStore, { phones, accounts, jobsPerAccount, postsPerDay, seed }: DayRequest): Promise<readonly string[]> {
  const policy: AccountPolicy = {
    app: 'demo',
    device: null,
    timezone: 'Europe/Berlin',
    postsPerDay,
    rolling24h: null,
    windows: [parseWindow('00:00-24:00')],
    minGapMs: 0,
    jitterMs: 0,
    cooldown: { after: 3, stepMs: 600_000, maxMs: 3_600_000 },
    retry: DEFAULT_RETRY,
  };
  const names = Array.from({ length: accounts }, (_, index) => `account-${index}`);
  const rack = Array.from({ length: phones }, (_, index) => `phone-${index}`);
  await store.putAccounts(names.map((name) => ({ name, policy })));
  const dealt = new SeededRandom(seed + 2);
  for (const name of names) {
    await store.changeAccount(name, { type: 'assign_device', device: rack[Math.floor(dealt.fraction() * phones)] ?? null }, 'phones');
  }
  const jobs = Array.from({ length: accounts * jobsPerAccount }, (_, index) => ({
    id: `job-${index}`,
    videoPath: `/videos/${index}.mp4`,
    sha256: index.toString(16).padStart(64, '0'),
    caption: `caption ${index}`,
    account: names[index % accounts] ?? null,
    publishAtMs: null,
    priority: 0,
    maxAttempts: null,
    repeat: 0,
  }));
  await store.addJobs({ id: 'day', source: '/videos', accounts: null }, jobs);
  return rack;
}

/** Nothing is under way or in doubt, and what waits, waits for a person. */
async function isOver(store: SqliteStore, clock: FastClock): Promise<boolean> {
  const counts = await store.counts();
  if (counts.claimed + counts.committing + counts.uncertain > 0) return false;
  if (counts.pending + counts.retrying === 0) return true;
  const held = new Set((await store.accounts(clock.now())).filter(({ state }) => state === 'hold').map(({ name }) => name));
  const waiting = await store.jobs({ statuses: ['pending', 'retrying'] });
  return waiting.every(({ account }) => account !== null && held.has(account));
}

export interface Figures {
  /** Of what could be published: neither held accounts nor refused videos. */
  readonly publishedShare: number;
  readonly doublePosts: number;
  /** Against the busiest phone's successful attempts alone, which no day with a failure or a rest can reach. */
  readonly makespanRatio: number;
  /** Against the phone that had most to do, its failures and rests included: what is left is the scheduler's own loss. */
  readonly ownLossRatio: number;
  /** Phone time of attempts that ended by infrastructure, of all phone time. */
  readonly wastedShare: number;
  readonly makespanMinutes: number;
  readonly attempts: number;
}

export function figuresOf(rack: Rack, jobs: readonly { readonly id: string; readonly account: string | null }[], startMs: number): Figures {
  const publishable = jobs.filter(({ id, account }) => !rack.content.has(id) && !rack.blocked.has(account ?? ''));
  const posted = new Set(rack.posts.map(({ job }) => job));
  const spans = new Map<string, number>();
  let spent = 0;
  let wasted = 0;
  for (const { device, startMs: from, endMs, how } of rack.attempts) {
    spent += endMs - from;
    if (how === 'infrastructure') wasted += endMs - from;
    if (how === 'published') spans.set(device, (spans.get(device) ?? 0) + endMs - from);
  }
  const makespanMs = Math.max(...rack.posts.map(({ atMs }) => atMs)) - startMs;
  return {
    publishedShare: publishable.filter(({ id }) => posted.has(id)).length / publishable.length,
    doublePosts: rack.posts.length - new Set(rack.posts.map(({ account, sha256 }) => `${account} ${sha256}`)).size,
    makespanRatio: makespanMs / Math.max(...spans.values()),
    ownLossRatio: makespanMs / longestOwnMs(rack),
    wastedShare: wasted / spent,
    makespanMinutes: makespanMs / 60_000,
    attempts: rack.attempts.length,
  };
}

/** Of all phones, the longest that one took by itself until its last post: its attempts, however they ended, and a rest between each two. */
function longestOwnMs({ attempts, posts }: Rack): number {
  const postedMs = new Map(posts.map(({ job, atMs }) => [job, atMs]));
  const phones = [...Map.groupBy(attempts, ({ device }) => device).values()];
  const ownMs = phones.map((own) => {
    const lastMs = Math.max(...own.map(({ job }) => postedMs.get(job) ?? 0));
    const until = own.filter(({ startMs }) => startMs < lastMs);
    return until.reduce((sum, { startMs, endMs }) => sum + Math.min(endMs, lastMs) - startMs, REST_MS * (until.length - 1));
  });
  return Math.max(...ownMs);
}
