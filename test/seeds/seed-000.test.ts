/**
 * Seed 000's test strategy, case by case (promises 1, 2 and 4): attempts, the
 * state `retrying`, and who may claim what again. docs/seeds.md lists them.
 */
import { describe, expect, it } from 'vitest';
import { JOB_STATUSES } from '../../src/domain/job.ts';
import { mergePolicies } from '../../src/domain/retry.ts';
import { SchedulerError } from '../../src/errors.ts';
import { parseProgress } from '../../src/stores/import-progress.ts';
import { POLICY, post, World } from '../scheduler/world.ts';
import { MemoryStore } from '../stores/memory-store.ts';
import { ADB_TIMEOUT, NOON, Subject } from '../stores/subject.ts';
import { failure } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';

const OPTIONS = { file: 'parallel_progress.csv', timezone: 'UTC', map: [], now: NOON };
const COLUMNS =
  'job_id,account,video_path,caption,status,worker_id,claimed_at,completed_at,error,attempts,max_attempts,last_attempt,error_type';
const store = async (clock: Subject['clock']) => new MemoryStore({ clock, random: new FakeRandom(0.5) });
const deviceOffline = () => Promise.reject(new SchedulerError('DEVICE_OFFLINE', { details: { device: 'phone-1', text: 'gone' } }));

/** A store that holds the rows of a progress file, every account of which may post. */
async function progress(...rows: readonly string[]): Promise<Subject> {
  const subject = await Subject.open(store);
  const { jobs } = parseProgress([COLUMNS, ...rows].join('\n'), OPTIONS);
  await subject.accounts([...new Set(jobs.flatMap(({ account }) => account ?? []))]);
  await subject.store.importJobs(jobs, 'import');
  return subject;
}

async function claimable(subject: Subject): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let job = await subject.claim(); job !== null; job = await subject.claim()) ids.push(job.id);
  return ids.sort();
}

const secondsAgo = (seconds: number) => new Date(NOON - seconds * 1000).toISOString();

describe('unit tests for the progress tracker', () => {
  it('retrying is a state of a job', () => {
    expect(JOB_STATUSES).toContain('retrying');
  });

  it('get_retry_jobs: only retrying jobs whose delay is over can be claimed; a missing or unparseable last_attempt means due now', async () => {
    const row = (id: string, status: string, last = '') =>
      `${id},of-${id},/v/${id}.mp4,c,${status},1,,,adb timeout,1,3,${last},adb_timeout`;
    const subject = await progress(
      row('due', 'retrying', secondsAgo(16)),
      row('early', 'retrying', secondsAgo(5)),
      row('missing', 'retrying'),
      row('unparseable', 'retrying', 'yesterday?'),
      row('claimed', 'claimed', secondsAgo(60)),
      row('success', 'success', secondsAgo(60)),
      row('failed', 'failed', secondsAgo(60)),
    );
    expect(await claimable(subject)).toEqual(['due', 'missing', 'unparseable']);
    await subject.clock.advance(10_000);
    expect(await claimable(subject)).toEqual(['early']);
  });

  it('claim_retry_job: claims a retrying job, not while its account is in use, not beyond its daily limit, and never one that is claimed or failed', async () => {
    const subject = await Subject.open(store);
    await subject.accounts(['alice', 'bob', 'carol']);
    await subject.add([{ id: 'again', account: 'alice' }]);
    await subject.report(await subject.claimed(), { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: NOON });
    const again = await subject.claimed();
    expect(again).toMatchObject({ id: 'again', status: 'claimed', worker: 'worker 1', attempts: 2 });
    // In use.
    await subject.add([{ id: 'second', account: 'alice' }]);
    expect(await subject.claim()).toBeNull();
    // Daily limit.
    await subject.publish(again);
    expect(await subject.claim()).toBeNull();
    expect(await subject.reasonOf('alice')).toBe('cap');
    // Failed for good.
    await subject.add([{ id: 'broken', account: 'bob' }]);
    await subject.report(await subject.claimed(), { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: null });
    expect(await subject.claim()).toBeNull();
  });

  it('update_job_status: attempts, error_type and last_attempt are recorded', async () => {
    const subject = await Subject.open(store);
    await subject.accounts(['alice']);
    await subject.add([{ id: 'one', account: 'alice' }]);
    await subject.clock.advance(7);
    await subject.report(await subject.claimed(), { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: NOON + 15_000 });
    expect(await subject.store.job('one')).toMatchObject({
      status: 'retrying',
      attempts: 1,
      lastAttemptMs: NOON + 7,
      failure: { category: 'infrastructure', type: 'adb_timeout' },
    });
  });
});

describe('integration tests for the parallel worker', () => {
  it('retry flow: fails, waits its delay, is claimed again and succeeds; the log says "will retry"', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = deviceOffline;
    expect(await world.attempt()).toMatchObject({ end: 'retrying' });
    expect(world.logger.messages().join('\n')).toMatch(
      /Job beach failed: .* \(category: infrastructure, type: device_offline\) - will retry/,
    );
    world.script = post;
    expect(await world.attempt()).toBeNull();
    await world.clock.advance(15_000);
    expect(await world.attempt()).toMatchObject({ end: 'published', job: { status: 'success', attempts: 2 } });
    expect(world.posts).toHaveLength(1);
  });

  it('non-retryable errors: suspended goes directly to failed and is never claimed again', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(new Error('Account suspended'));
    expect(await world.attempt()).toMatchObject({
      end: 'failed',
      job: { attempts: 1, failure: { category: 'account', type: 'suspended' } },
    });
    expect(world.logger.messages().join('\n')).toContain('permanently failed');
    await world.clock.advance(86_400_000);
    expect(await world.attempt()).toBeNull();
  });

  it('max_attempts exhaustion: with the second of 3 attempts in flight a failure means retrying, the third means failed', async () => {
    const world = await World.with('alice');
    await world.retryBy(mergePolicies({ account: 3 }));
    await world.add(['beach'], 'alice');
    world.script = deviceOffline;
    await world.attempt();
    await world.clock.advance(15_000);
    const inFlight: number[] = [];
    world.script = async (_ctx, _act, job) => {
      inFlight.push(job.attempt);
      await deviceOffline();
    };
    expect(await world.attempt()).toMatchObject({ end: 'retrying', job: { status: 'retrying', attempts: 2 } });
    await world.clock.advance(86_400_000);
    expect(await world.attempt()).toMatchObject({ end: 'failed', job: { status: 'failed', attempts: 3 } });
    expect(inFlight).toEqual([2, 3]);
    await world.clock.advance(86_400_000);
    expect(await world.attempt()).toBeNull();
  });
});

describe('live and regression tests', () => {
  it('a bad video path burns no attempt: it waits, is tried when the file is there, and goes out', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(new SchedulerError('VIDEO_MISSING', { details: { path: '/videos/beach.mp4', text: 'ENOENT' } }));
    expect(await world.attempt()).toMatchObject({ end: 'deferred', job: { attempts: 0, deferrals: 1 } });
    world.script = post;
    await world.clock.advance(60_000);
    expect(await world.attempt()).toMatchObject({ end: 'published', job: { attempts: 1 } });
  });

  it('backward compatibility: files without the new columns work, missing attempts are 0, and the other states stay what they were', () => {
    const old = 'job_id,account,video_path,caption,status,worker_id,claimed_at,completed_at,error';
    const rows = ['pending', 'success', 'failed', 'skipped'].map((status) => `${status},alice,/v/${status}.mp4,c,${status},,,,`);
    const { jobs, report } = parseProgress([old, ...rows].join('\n'), OPTIONS);
    expect(jobs.map(({ status, attempts, maxAttempts }) => [status, attempts, maxAttempts])).toEqual(
      ['pending', 'success', 'failed', 'skipped'].map((status) => [status, 0, null]),
    );
    expect(report).toMatchObject({ left: 0, remarks: [] });
  });
});

it('stress: 5 workers retry 60 jobs of 12 accounts without a conflict or a second post, and the counts show what is retrying', async () => {
  const names = Array.from({ length: 12 }, (_, n) => `account-${n}`);
  const world = await World.with(...names);
  // Accounts would rest after three failures in a row; that is another test's matter.
  const cooldown = { after: 1_000, stepMs: 1, maxMs: 1 };
  await world.store.putAccounts(names.map((name) => ({ name, policy: { ...POLICY, cooldown } })));
  for (const [n, name] of names.entries())
    await world.add(
      Array.from({ length: 5 }, (_, m) => `video-${n}-${m}`),
      name,
    );
  const busy = new Set<string>();
  let retrying = 0;
  world.script = async (ctx, act, job) => {
    expect(busy.has(job.account)).toBe(false);
    busy.add(job.account);
    await world.clock.sleep(60_000 + 1_000 * job.attempt, 'posting');
    busy.delete(job.account);
    retrying = Math.max(retrying, (await world.store.counts()).retrying);
    if (job.attempt === 1 && Number(job.id.split('-')[2]) % 2 === 0) throw failureOf('adb: device offline');
    await ctx.commit();
    act();
  };
  const result = await world.clock.run(world.orchestrator(5, 9).drain());
  expect(result.final_result).toBe('all_complete');
  expect(await world.store.counts()).toMatchObject({ success: 60, retrying: 0, failed: 0 });
  expect(new Set(world.posts.map(({ id }) => id)).size).toBe(60);
  expect(world.posts).toHaveLength(60);
  expect(retrying).toBeGreaterThan(0);
});

function failureOf(message: string): Error {
  return Object.assign(new Error(message), { category: 'infrastructure', type: failure().type });
}
