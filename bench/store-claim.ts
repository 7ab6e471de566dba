/**
 * Measures the store's claim path as `shared` facts defined it, and fails when a figure is missed:
 *
 * 1. transitions/s with all rules and synchronous=FULL, as a share of what one fdatasync'd 200-byte append into a preallocated file
 *    per transition would allow on this disk (median of five pairs in one run);
 * 2. how the median claim grows from 1,000 to 100,000 jobs with half of the queue blocked;
 * 3. the time from opening a store of 100,000 jobs to the first claim, in a new process, after the last one was killed.
 *
 * Run: `node bench/store-claim.ts` (about a minute).
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import type { AccountPolicy } from '../src/domain/account.ts';
import type { Failure } from '../src/domain/failure.ts';
import type { Job } from '../src/domain/job.ts';
import { DEFAULT_RETRY } from '../src/domain/retry.ts';
import type { Clock } from '../src/runtime/clock.ts';
import { SqliteStore } from '../src/stores/sqlite.ts';
import type { Claim } from '../src/stores/store.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 22, 12);
const GATES = { share: 0.35, growth: 0.15, reopenMs: 200 };

const POLICY: AccountPolicy = {
  app: 'demo',
  device: null,
  timezone: 'Europe/Berlin',
  postsPerDay: 10,
  rolling24h: null,
  windows: [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }],
  minGapMs: 0,
  jitterMs: 0,
  cooldown: { after: 3, stepMs: 600_000, maxMs: HOUR },
  retry: DEFAULT_RETRY,
};

const ADB_TIMEOUT: Failure = {
  scope: 'account',
  category: 'infrastructure',
  type: 'adb_timeout',
  phase: 'push',
  retryable: true,
  message: 'adb push on emulator-5554 did not answer within 60000 ms',
  uncertain: false,
  evidence: null,
};

class BenchClock implements Clock {
  #now: number;

  constructor(startMs: number) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return performance.now();
  }

  async sleep(): Promise<boolean> {
    return true;
  }

  skip(ms: number): void {
    this.#now += ms;
  }
}

const random = { fraction: () => 0.5, id: () => 'bench' };

interface Opened {
  readonly store: SqliteStore;
  readonly clock: BenchClock;
  readonly epoch: number;
}

async function open(path: string): Promise<Opened> {
  const clock = new BenchClock(START);
  const store = new SqliteStore({ path, clock, random });
  return { store, clock, epoch: await store.raiseEpoch('bench') };
}

/** N jobs of N/20 accounts on N/200 phones. 30 % of the accounts are at their cap, 20 % cool down; their jobs are the oldest. */
async function seed({ store }: Opened, size: number): Promise<void> {
  const accounts = Array.from({ length: size / 20 }, (_, n) => `account_${n}`);
  const capped = (n: number) => n % 10 < 3;
  const cooling = (n: number) => n % 10 === 3 || n % 10 === 4;
  await store.putAccounts(
    accounts.map((name, n) => ({
      name,
      policy: capped(n)
        ? { ...POLICY, postsPerDay: 1 }
        : cooling(n)
          ? { ...POLICY, cooldown: { after: 1, stepMs: 2 * HOUR, maxMs: 2 * HOUR } }
          : POLICY,
    })),
  );
  for (const [n, name] of accounts.entries()) {
    await store.changeAccount(name, { type: 'assign_device', device: `phone_${Math.floor(n / 10)}` }, 'bench');
    if (cooling(n)) await store.changeAccount(name, { type: 'charge' }, 'bench');
  }
  const jobs = Array.from({ length: size }, (_, n) => {
    const owner = n % accounts.length;
    const blocked = capped(owner) || cooling(owner);
    const dueMs = blocked ? START - 48 * HOUR + n : n % 100 < 85 ? START - HOUR + n : START + (n % 360) * 60_000;
    return newJob(n, accounts[owner] as string, dueMs);
  });
  await store.addJobs({ id: 'bench', source: 'bench', accounts: null }, jobs);
  const [model] = await store.jobs({ limit: 1 });
  const posted = accounts.filter((_, n) => capped(n)).map((name) => postedToday(model as Job, name));
  await store.importJobs(posted, 'bench');
  await store.maintain({ eventsBeforeMs: null });
}

function newJob(n: number, account: string, publishAtMs: number) {
  return {
    id: `video_${n}`,
    videoPath: `/srv/videos/2026-11/video_${n}.mp4`,
    sha256: n.toString(16).padStart(64, '0'),
    caption: `The caption of video ${n}, as long as captions often are, with a few #words at its end #video #bench`,
    account,
    publishAtMs,
    priority: 0,
    maxAttempts: 3,
    repeat: 0,
  };
}

function postedToday(model: Job, account: string): Job {
  return {
    ...model,
    id: `posted_${account}`,
    sha256: `${account}`.padEnd(64, 'f'),
    status: 'success',
    account,
    postKey: null,
    committedMs: START - 1000,
  };
}

interface Work {
  readonly transitions: number;
  readonly seconds: number;
  readonly claimsUs: number[];
}

/** Claims, commits and finishes `jobs` jobs; one in ten fails its attempt. The virtual clock goes on 1 s per finish. */
async function work({ store, clock, epoch }: Opened, jobs: number): Promise<Work> {
  const claimsUs: number[] = [];
  let transitions = 0;
  const started = performance.now();
  for (let n = 0; n < jobs; n += 1) {
    const token = `token-${n}`;
    const before = performance.now();
    const job = await store.claim({ worker: 'worker 1', token, epoch, leaseMs: 60_000, passNumber: 1, accounts: null, exceptDevices: [] });
    if (job === null) {
      clock.skip(HOUR / 2);
      continue;
    }
    claimsUs.push((performance.now() - before) * 1000);
    transitions +=
      1 + (await finish(store, { jobId: job.id, token, epoch }, n % 10 === 9 && job.attempts === 1 ? clock.now() + 15_000 : null));
    clock.skip(1000);
  }
  return { transitions, seconds: (performance.now() - started) / 1000, claimsUs };
}

async function finish(store: SqliteStore, claim: Claim, retryAtMs: number | null): Promise<number> {
  const by = { claim, epoch: claim.epoch, who: 'worker 1' };
  if (retryAtMs !== null) {
    await store.change(claim.jobId, { ...by, event: { type: 'fail', failure: ADB_TIMEOUT, retryAtMs }, account: { type: 'charge' } });
    return 1;
  }
  await store.change(claim.jobId, { ...by, event: { type: 'commit' } });
  await store.change(claim.jobId, { ...by, event: { type: 'confirm' } });
  return 2;
}

/** The physical limit: appends of 200 bytes into a preallocated file, each one forced to disk. */
function appendsPerSecond(folder: string, appends: number): number {
  const fd = openSync(join(folder, 'appends'), 'w');
  writeSync(fd, Buffer.alloc(appends * 200));
  fdatasyncSync(fd);
  const record = Buffer.alloc(200, 'x');
  const started = performance.now();
  for (let n = 0; n < appends; n += 1) {
    writeSync(fd, record, 0, 200, n * 200);
    fdatasyncSync(fd);
  }
  const seconds = (performance.now() - started) / 1000;
  closeSync(fd);
  return appends / seconds;
}

async function measureShare(folder: string) {
  const opened = await open(join(folder, 'share.db'));
  await seed(opened, 10_000);
  await work(opened, 300);
  const shares: number[] = [];
  const rates: number[] = [];
  let before = appendsPerSecond(folder, 2000);
  for (let pair = 0; pair < 5; pair += 1) {
    const { transitions, seconds } = await work(opened, 500);
    const after = appendsPerSecond(folder, 2000);
    rates.push(transitions / seconds);
    shares.push(transitions / seconds / ((before + after) / 2));
    before = after;
  }
  await opened.store.close();
  return { share: median(shares), perSecond: median(rates), limitPerSecond: before };
}

/** Both sizes are measured in turns, so that a slow moment of the disk meets both. */
async function measureGrowth(folder: string) {
  const small = await open(join(folder, 'small.db'));
  const large = await open(join(folder, 'large.db'));
  await seed(small, 1_000);
  await seed(large, 100_000);
  const claims: { small: number[]; large: number[] } = { small: [], large: [] };
  for (let turn = 0; turn < 8; turn += 1) {
    claims.small.push(...(await work(small, 50)).claimsUs);
    claims.large.push(...(await work(large, 50)).claimsUs);
  }
  await small.store.close();
  await large.store.close();
  const [at1k, at100k] = [median(claims.small), median(claims.large)];
  return { claimUs1k: at1k, claimUs100k: at100k, growth: Math.log(at100k / at1k) / Math.log(100), path: join(folder, 'large.db') };
}

const SELF = fileURLToPath(import.meta.url);

/** Kills a working process three times, and lets a new one open what it left. */
async function measureReopen(path: string): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const worker = spawn(process.execPath, [SELF, '--work', path], { stdio: ['ignore', 'pipe', 'inherit'] });
    await firstLine(worker);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    times.push(Number(await firstLine(spawn(process.execPath, [SELF, '--reopen', path], { stdio: ['ignore', 'pipe', 'inherit'] }))));
  }
  return median(times);
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const chunk of child.stdout ?? []) return String(chunk).trim();
  throw new Error('the child process said nothing');
}

/** Child: works until it is killed, and says when it is in the middle of it. */
async function workForever(path: string): Promise<void> {
  const opened = await open(path);
  await work(opened, 100);
  process.stdout.write('working\n');
  for (;;) await work(opened, 100);
}

/** Child: milliseconds from opening to the first claim, orphans settled in between. */
async function reopen(path: string): Promise<void> {
  const started = performance.now();
  const { store, clock, epoch } = await open(path);
  for (const orphan of await store.orphans(epoch, clock.now())) {
    await store.change(orphan.id, { claim: null, epoch, who: 'rescuer', event: { type: 'holder_died', counts: false, message: 'killed' } });
  }
  const job = await store.claim({
    worker: 'worker 1',
    token: 'again',
    epoch,
    leaseMs: 60_000,
    passNumber: 1,
    accounts: null,
    exceptDevices: [],
  });
  const ms = performance.now() - started;
  if (job === null) throw new Error('nothing could be claimed after the reopening');
  await store.change(job.id, {
    claim: { jobId: job.id, token: 'again', epoch },
    epoch,
    who: 'worker 1',
    event: { type: 'defer', reason: 'measured', untilMs: 0, failure: null },
  });
  await store.close();
  process.stdout.write(`${ms.toFixed(1)}\n`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'store-claim-'));
  try {
    const rate = await measureShare(folder);
    const growth = await measureGrowth(folder);
    const reopenMs = await measureReopen(growth.path);
    const rows: [string, string, string, boolean][] = [
      ['share of one fdatasync per transition', rate.share.toFixed(2), `>= ${GATES.share}`, rate.share >= GATES.share],
      ['growth exponent of the claim, 1k to 100k', growth.growth.toFixed(3), `<= ${GATES.growth}`, growth.growth <= GATES.growth],
      ['reopen after SIGKILL to first claim, ms', reopenMs.toFixed(0), `< ${GATES.reopenMs}`, reopenMs < GATES.reopenMs],
    ];
    for (const [what, figure, gate, met] of rows)
      process.stdout.write(`${what.padEnd(44)}${figure.padStart(8)}  ${gate.padEnd(9)} ${met ? 'met' : 'MISSED'}\n`);
    const { path: _path, ...claims } = growth;
    process.stdout.write(`${JSON.stringify({ ...rate, ...claims, reopenMs })}\n`);
    if (rows.some(([, , , met]) => !met)) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [mode, path = ''] = process.argv.slice(2);
if (mode === '--work') await workForever(path);
else if (mode === '--reopen') await reopen(path);
else await main();
