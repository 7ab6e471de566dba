/**
 * Seed 002's test strategy, case by case (promise 4): category and type travel
 * with a failure from the exception to record, CSV, log and statistics.
 * docs/seeds.md lists them.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { classify } from '../../src/domain/classify.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { parseCsv } from '../../src/runtime/csv-text.ts';
import { parseProgress } from '../../src/stores/import-progress.ts';
import { CSV_COLUMNS } from '../../src/stores/progress-csv.ts';
import { writeState } from '../../src/stores/state-files.ts';
import { post, World } from '../scheduler/world.ts';
import { NOON } from '../stores/subject.ts';

const CONTEXT = { phase: 'compose', account: 'alice', committed: false, caption: '' } as const;
const CONFIG = { delayBetweenPostsMs: 0, defaults: { postsPerDay: 1, retry: DEFAULT_RETRY } };

/** An exception of the class of that name. */
function thrown(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

async function rowsOf(world: World): Promise<readonly Readonly<Record<string, string | undefined>>[]> {
  const folder = mkdtempSync(join(tmpdir(), 'seed-002-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'parallel_progress.csv');
  await writeState({ store: world.store, clock: world.clock, config: CONFIG, path });
  const [, ...rows] = parseCsv(readFileSync(path, 'utf8'));
  return rows.map(({ values }) => Object.fromEntries(CSV_COLUMNS.map((name, n) => [name, values[n]])));
}

it('imports and signature: a failed attempt ends with success, message, category and type', async () => {
  const world = await World.with('alice');
  await world.add(['beach'], 'alice');
  world.script = () => Promise.reject(thrown('TimeoutError', 'ADB timeout'));
  const ended = await world.attempt();
  expect(ended).toMatchObject({
    end: 'retrying',
    job: { failure: { message: 'TimeoutError: ADB timeout', category: 'infrastructure', type: 'adb_timeout' } },
  });
});

it('category propagation: what the publisher says explicitly is stored as it is', async () => {
  const world = await World.with('test_account');
  await world.add(['test1'], 'test_account');
  world.script = () => Promise.reject(Object.assign(new Error('odd'), { category: 'infrastructure', type: 'adb_timeout' }));
  await world.attempt();
  expect(await world.job('test1')).toMatchObject({ failure: { message: 'odd', category: 'infrastructure', type: 'adb_timeout' } });
});

describe('the mapping of exceptions', () => {
  it.each([
    [thrown('TimeoutError', 'no answer'), 'infrastructure', 'adb_timeout'],
    [thrown('ConnectionError', 'gone'), 'infrastructure', 'connection_dropped'],
    ['Account suspended', 'account', 'suspended'],
    ['Captcha required', 'account', 'captcha'],
    ['loggedout', 'account', 'logged_out'],
    ['Pre-post verification failed: the file is gone', 'infrastructure', 'verification_race'],
    ['something nobody has seen', 'unknown', ''],
  ])('%s is %s/%s', (error, category, type) => {
    expect(classify(error, CONTEXT)).toMatchObject({ category, type, uncertain: false });
  });

  it('"Post returned False" is uncertain here: Share may have been tapped', () => {
    expect(classify('Post returned False', CONTEXT)).toMatchObject({ uncertain: true });
  });
});

it('CSV columns: error_category and pass_number are among them', () => {
  expect(CSV_COLUMNS).toContain('error_category');
  expect(CSV_COLUMNS).toContain('pass_number');
});

it('end to end: after a run the CSV shows category, type and pass of each failed job', async () => {
  const world = await World.with('alice', 'bob');
  await world.add(['beach'], 'alice');
  await world.add(['forest'], 'bob');
  world.scripts.set('beach', () => Promise.reject(thrown('TimeoutError', 'ADB timeout')));
  world.scripts.set('forest', () => Promise.reject(new Error('Account suspended')));
  await world.clock.run(world.orchestrator(1, 2).drain());
  expect(await rowsOf(world)).toMatchObject([
    { job_id: 'beach', status: 'retrying', attempts: '2', error_category: 'infrastructure', error_type: 'adb_timeout', pass_number: '2' },
    { job_id: 'forest', status: 'failed', attempts: '1', error_category: 'account', error_type: 'suspended', pass_number: '1' },
  ]);
});

it('backward compatibility: an old CSV without error_category is read', () => {
  const old =
    'job_id,account,video_path,caption,status,worker_id,claimed_at,completed_at,error,attempts,max_attempts,retry_at,error_type\n' +
    'test1,account1,/test.mp4,caption,pending,,,,,,3,,\n';
  const { jobs } = parseProgress(old, { file: 'old.csv', timezone: 'UTC', map: [], now: NOON });
  expect(jobs).toMatchObject([{ id: 'test1', status: 'pending', attempts: 0, maxAttempts: 3, failure: null }]);
});

it('logging: "Job ABC123 failed: TimeoutError: ADB timeout (category: infrastructure, type: adb_timeout)"', async () => {
  const world = await World.with('alice');
  await world.add(['ABC123'], 'alice');
  world.script = () => Promise.reject(thrown('TimeoutError', 'ADB timeout'));
  await world.attempt();
  const said = await world.logger.until('Job ABC123 failed');
  expect(said.message).toContain('Job ABC123 failed: TimeoutError: ADB timeout (category: infrastructure, type: adb_timeout)');
  expect(said.fields).toMatchObject({ is_infra_error: true });
});

it('statistics: a worker counts jobs_completed and jobs_failed', async () => {
  const world = await World.with('alice', 'bob');
  await world.add(['good'], 'alice');
  await world.add(['bad'], 'bob');
  world.script = post;
  world.scripts.set('bad', () => Promise.reject(new Error('Account suspended')));
  const worker = world.worker(4);
  for (let round = 0; round < 2; round += 1) await world.clock.run(worker.round(0, world.stop.signal));
  expect(worker.stats()).toEqual({ id: 4, jobs_completed: 1, jobs_failed: 1 });
});
