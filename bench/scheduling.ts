/**
 * What scheduling costs, as ratios within one run: the CPU of one attempt
 * (claim, commit, confirm) with 100,000 jobs queued against 1,000, and how long
 * 16 workers that ask at once wait for their jobs against one durable commit.
 *
 * Like is compared with like, p99 with p99: on a shared disk a bare commit has a
 * p99 of many of its medians, which no store can undercut (it is shown as well).
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
import { below, besides, report, shown, spreadOf } from './figures.ts';

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
/** In each round; all claims of one moment wait equally long, so a p99 needs hundreds of moments. */
const MOMENTS = 200;
/** So that the writing back of the WAL, which the daemon does on its own ticks, meets no claim, as in earnest. */
const TICK_MOMENTS = 8;
const clock = new SystemClock();
const random = new SystemRandom();

async function opened(folder: string, jobs: number): Promise<Opened> {
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

interface Opened {
  readonly store: SqliteStore;
  readonly epoch: number;
}

/** Milliseconds until a worker that asks for a job has it, and what ends its attempt. */
async function claimed({ store, epoch }: Opened, worker: string) {
  const asked = { worker, token: random.id(), epoch, leaseMs: 60_000, passNumber: 0, accounts: null, exceptDevices: [] };
  const before = clock.monotonic();
  const job = await store.claim(asked);
  const waitedMs = clock.monotonic() - before;
  if (job === null) throw new Error('the queue is empty');
  const by = { claim: { jobId: job.id, token: asked.token, epoch }, epoch, who: worker };
  const publish = async () => {
    const committing = clock.monotonic();
    await store.change(job.id, { ...by, event: { type: 'commit' } });
    const commitMs = clock.monotonic() - committing;
    await store.change(job.id, { ...by, event: { type: 'confirm' } });
    return commitMs;
  };
  return { waitedMs, publish };
}

/** CPU of one attempt, microseconds. */
async function cpuOf(opened: Opened): Promise<number> {
  const before = process.cpuUsage();
  for (let n = 0; n < ATTEMPTS / ROUNDS; n += 1) await (await claimed(opened, 'worker 1')).publish();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (ATTEMPTS / ROUNDS);
}

/** As after a start, or when a pause ends: all workers ask in one moment. Their commits then follow one by one. */
async function sixteen(opened: Opened): Promise<{ readonly claims: Quantiles; readonly commits: Quantiles }> {
  const claims: number[] = [];
  const commits: number[] = [];
  for (let moment = 0; moment < MOMENTS; moment += 1) {
    if (moment % TICK_MOMENTS === 0) await opened.store.maintain({ eventsBeforeMs: null });
    const got = await Promise.all(Array.from({ length: WORKERS }, (_, index) => claimed(opened, `worker ${index + 1}`)));
    for (const { waitedMs, publish } of got) {
      claims.push(waitedMs);
      commits.push(await publish());
    }
  }
  return { claims: quantiles(claims), commits: quantiles(commits) };
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
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
  const rounds: Awaited<ReturnType<typeof sixteen>>[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await sixteen(large));
  for (const { store } of [small, large]) await store.close();
  const cpu = spreadOf(ratios);
  const ofCommits = (ratio: (round: (typeof rounds)[number]) => number) => spreadOf(rounds.map(ratio));
  const p99 = ofCommits(({ claims, commits }) => claims.p99 / commits.p99);
  const p50 = ofCommits(({ claims, commits }) => claims.p50 / commits.p50);
  const figures = [
    below('CPU of one attempt, 100,000 jobs against 1,000', shown(cpu, ' x', 2), cpu.median, 1.3, ' x'),
    below("16 workers' claims at once, p99, against one durable commit's p99", shown(p99, ' x', 2), p99.median, 8, ' x'),
    below('  median against median', shown(p50, ' x', 2), p50.median, 8, ' x'),
    besides(
      '  p99 against the median commit',
      shown(
        ofCommits(({ claims, commits }) => claims.p99 / commits.p50),
        ' x',
        1,
      ),
    ),
    besides(
      '  one commit alone: p99 against its median',
      shown(
        ofCommits(({ commits }) => commits.p99 / commits.p50),
        ' x',
        1,
      ),
    ),
  ];
  report('scheduling', figures, { ratios, rounds });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
