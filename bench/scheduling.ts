/**
 * What scheduling costs, as ratios within one run: the CPU of one attempt
 * (claim, commit, confirm) with 100,000 jobs queued against 1,000, and the p99
 * of 16 workers' claims against one durable commit of the same run.
 *
 * node bench/scheduling.ts
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AccountPolicy } from '../src/domain/account.ts';
import { DEFAULT_RETRY } from '../src/domain/retry.ts';
import { SystemClock } from '../src/runtime/clock.ts';
import { SystemRandom } from '../src/runtime/random.ts';
import { SqliteStore } from '../src/stores/sqlite.ts';
import { below, report, shown, spreadOf } from './figures.ts';

const POLICY: AccountPolicy = {
  app: 'demo',
  device: null,
  timezone: 'Europe/Berlin',
  postsPerDay: 100_000,
  rolling24h: null,
  windows: [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }],
  minGapMs: 0,
  jitterMs: 0,
  cooldown: { after: 3, stepMs: 600_000, maxMs: 3_600_000 },
  retry: DEFAULT_RETRY,
};
const ATTEMPTS = 600;
const ROUNDS = 5;
const WORKERS = 16;
/** An attempt takes at most so long here; minutes in earnest. 16 workers then claim about 500 times a second. */
const PAUSE_MS = 50;
const clock = new SystemClock();
const random = new SystemRandom();

async function opened(folder: string, jobs: number): Promise<{ store: SqliteStore; epoch: number }> {
  const store = new SqliteStore({ path: join(folder, `${jobs}.db`), clock, random });
  const epoch = await store.raiseEpoch('bench');
  const names = Array.from({ length: 200 }, (_, n) => `account-${n}`);
  await store.putAccounts(names.map((name) => ({ name, policy: POLICY })));
  const batch = { id: 'bench', source: '/videos', accounts: null };
  const job = (n: number) => ({
    id: `job-${n}`,
    videoPath: `/videos/${n}.mp4`,
    sha256: n.toString(16).padStart(64, '0'),
    caption: `caption ${n}`,
    account: names[n % names.length] ?? null,
    publishAtMs: null,
    priority: 0,
    maxAttempts: null,
    repeat: 0,
  });
  await store.addJobs(
    batch,
    Array.from({ length: jobs }, (_, n) => job(n)),
  );
  return { store, epoch };
}

/** One attempt as a worker makes it; answers how long the claim and the commit took, milliseconds. */
async function attempt(store: SqliteStore, epoch: number, worker: string): Promise<{ claimMs: number; commitMs: number }> {
  const asked = { worker, token: random.id(), epoch, leaseMs: 60_000, passNumber: 0, accounts: null, exceptDevices: [] };
  const before = clock.monotonic();
  const job = await store.claim(asked);
  const claimMs = clock.monotonic() - before;
  if (job === null) throw new Error('the queue is empty');
  const by = { claim: { jobId: job.id, token: asked.token, epoch }, epoch, who: worker };
  const committing = clock.monotonic();
  await store.change(job.id, { ...by, event: { type: 'commit' } });
  const commitMs = clock.monotonic() - committing;
  await store.change(job.id, { ...by, event: { type: 'confirm' } });
  return { claimMs, commitMs };
}

/** CPU of one attempt, microseconds. */
async function cpuOf({ store, epoch }: { store: SqliteStore; epoch: number }): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < ATTEMPTS / ROUNDS; n += 1) await attempt(store, epoch, 'worker 1');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (ATTEMPTS / ROUNDS);
}

/** What a claim waits for is the others' transactions. */
async function sixteen({ store, epoch }: { store: SqliteStore; epoch: number }): Promise<{ p99: number; commitMs: number }> {
  const claims: number[] = [];
  const commits: number[] = [];
  const work = async (id: number) => {
    for (let n = 0; n < 60; n += 1) {
      const { claimMs, commitMs } = await attempt(store, epoch, `worker ${id}`);
      claims.push(claimMs);
      commits.push(commitMs);
      await clock.sleep(random.fraction() * PAUSE_MS, 'the phone works');
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, index) => work(index + 1)));
  claims.sort((a, b) => a - b);
  return { p99: claims[Math.floor(claims.length * 0.99)] ?? Number.NaN, commitMs: spreadOf(commits).median };
}

const folder = mkdtempSync(join(tmpdir(), 'scheduling-'));
try {
  const small = await opened(folder, 1_000);
  const large = await opened(folder, 100_000);
  for (const one of [small, large]) await cpuOf(one);
  const ratios: number[] = [];
  // In turn, so that both meet the same machine.
  for (let round = 0; round < ROUNDS; round += 1) {
    const few = await cpuOf(small);
    ratios.push((await cpuOf(large)) / few);
  }
  const claims: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { p99, commitMs } = await sixteen(large);
    claims.push(p99 / commitMs);
  }
  for (const { store } of [small, large]) await store.close();
  const cpu = spreadOf(ratios);
  const claim = spreadOf(claims);
  const figures = [
    below('CPU of one attempt, 100,000 jobs against 1,000', shown(cpu, ' x', 2), cpu.median, 1.3, ' x'),
    below("16 workers' claim p99 against one durable commit", shown(claim, ' x', 2), claim.median, 8, ' x'),
  ];
  report('scheduling', figures, { ratios, claims });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
