/**
 * Guards promises 2, 4 and 7 on the built program, the way the seeds tried it:
 * accounts that fail in every way they name, passes, what is said of them in
 * log, status, events and CSV, and a file that another home takes in.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parseCsv } from '../../src/runtime/csv-text.ts';
import { type Gate, openStage, type Stage, type Visit } from './stage.ts';
import { newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
});

const ACCOUNTS = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
const SUSPENDED = { message: 'Account suspended' };
const ADB_TIMEOUT = { message: 'ADB timeout', hints: { name: 'TimeoutError' } };
const REFUSED = { message: 'Connection lost', hints: { name: 'ConnectionError' } };
const NEW = { message: 'Test retry' };
const NOT_CONFIRMED = { message: 'Post returned False' };

/** What each account meets before its commit point, by attempt. */
const TROUBLE: Readonly<Record<string, readonly { readonly message: string }[]>> = {
  bob: [ADB_TIMEOUT],
  carol: [SUSPENDED],
  dave: [REFUSED, REFUSED, REFUSED],
  erin: [NEW, NEW, NEW],
};

/** Until then nobody is tried again: a pass lasts as long as a busy machine needs for it. */
const PATIENCE = '3s';

/** A video of each account, all at once; each meets its trouble, and the run comes to its end. */
async function failingRun(...flags: readonly string[]) {
  setting('initial_delay: 0.2s', `initial_delay: ${PATIENCE}, backoff_multiplier: 1`);
  const folder = world.videos('chunk', ACCOUNTS);
  writeFileSync(join(folder, 'who.csv'), ['filename,caption,account', ...ACCOUNTS.map((name) => `${name},of ${name},${name}`)].join('\n'));
  stage.hold('before');
  stage.hold('acted');
  const accounts = ['--add-accounts', ACCOUNTS.join(',')];
  const ran = world.cli('--add-folder', folder, ...accounts, '--run', '--workers', '6', '--retry-delay', '4', ...flags);
  void answer('acted', ({ account }) => (account === 'frank' ? NOT_CONFIRMED : undefined));
  void meetTrouble();
  return ran;
}

/** Those who are tried again fail last, so that their pass ends before they are due. */
async function meetTrouble(): Promise<void> {
  const first = await Promise.all(ACCOUNTS.map((_, number) => stage.visit('before', number)));
  const meet = (visit: Visit) => visit.go(TROUBLE[visit.account]?.[visit.attempt - 1]);
  const again = first.filter(({ account }) => (TROUBLE[account] ?? []).some((trouble) => trouble !== SUSPENDED));
  for (const visit of first) if (!again.includes(visit)) meet(visit);
  await Promise.all(['[OK]', '[UNCERTAIN]', 'permanently failed'].map((line) => world.logged(line)));
  for (const visit of again) meet(visit);
  await answer('before', (visit) => TROUBLE[visit.account]?.[visit.attempt - 1], ACCOUNTS.length);
}

/** Lets each visit at the gate go with what is meant for it, for as long as anybody comes. */
async function answer(gate: Gate, what: (visit: Visit) => Parameters<Visit['go']>[0], from = 0): Promise<void> {
  for (let number = from; ; number += 1) {
    const visit = await stage.visit(gate, number);
    visit.go(what(visit));
  }
}

/** Writes the settings anew, with one of them changed. */
function setting(was: string | RegExp, is: string): void {
  const file = world.path('scheduler.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(was, is));
}

const SAID = { retry_delay_seconds: 4, infra_retry_limit: 3, max_passes: 5, workers: 6, max_attempts: 3 };

describe('six accounts in the trouble of the seeds', () => {
  it('go through passes, and log, status, events and CSV say the same', async () => {
    const ran = await failingRun('--max-passes', '5', '--infra-retry-limit', '3');
    expect(ran).toMatchObject({ code: 4, stderr: '' });
    expect(ran.stdout).toMatch(/\nPublished 2, 3 failed, 1 uncertain, 1 account on hold \(only_non_retryable\)\.\n$/);

    const said = world.log().map(({ msg }) => msg);
    for (const pass of [1, 2, 3]) {
      const header = said.indexOf(`=== PASS ${pass} OF 5 ===`);
      expect(said.slice(header - 1, header + 2)).toEqual(['='.repeat(60), `=== PASS ${pass} OF 5 ===`, '='.repeat(60)]);
    }
    const block = said.indexOf('PASS 1 SUMMARY');
    expect(said.slice(block - 1, block + 13)).toEqual([
      '-'.repeat(60),
      'PASS 1 SUMMARY',
      '-'.repeat(60),
      '  Jobs processed: 6',
      '  Successes:      1',
      '  Failed (account):        1',
      '  Failed (infrastructure): 2',
      '  Failed (unknown):        1',
      '  Failed (content):        0',
      '  Failed (configuration):  0',
      '  Uncertain:               1',
      '  Deferred:                0',
      '  Result: retryable_remaining',
      '-'.repeat(60),
    ]);
    expect(said[block + 13]).toBe('Waiting 4s before next pass...');
    expect(said.filter((line) => line === 'Waiting 4s before next pass...')).toHaveLength(2);
    const failed = (line: string) => said.find((one) => one.includes(line)) ?? '';
    expect(failed('TimeoutError: ADB timeout')).toContain('(category: infrastructure, type: adb_timeout) - will retry');
    expect(failed('ConnectionError: Connection lost')).toContain('(category: infrastructure, type: connection_dropped) - will retry');
    expect(failed('Account suspended')).toContain('(category: account, type: suspended) - permanently failed');
    expect(said).toContain('Account dave on cooldown for 30min after 3 consecutive failures');

    // As the seeds' `grep -E "error_category|infrastructure|account" logs/worker_0.log`; ours count from 1.
    const ofWorkers = [1, 2, 3, 4, 5, 6].map((id) => readFileSync(world.path(`logs/worker_${id}.log`), 'utf8')).join('');
    expect(ofWorkers.split('\n').filter((line) => line.includes('(category: infrastructure'))).toHaveLength(4);
    expect(ofWorkers).toContain('"is_infra_error":true');

    const status = await world.status();
    expect(status).toMatchObject({
      pass_count: 3,
      final_result: 'only_non_retryable',
      config: SAID,
      accounts_on_cooldown: ['dave', 'erin'],
    });
    expect(status.pass_history).toMatchObject([
      { pass: 1, jobs_processed: 6, success_count: 1, failed_account: 1, failed_infrastructure: 2, failed_unknown: 1, uncertain: 1 },
      { pass: 2, jobs_processed: 3, success_count: 1, failed_infrastructure: 1, failed_unknown: 1, result: 'retryable_remaining' },
      { pass: 3, jobs_processed: 2, success_count: 0, failed_infrastructure: 1, failed_unknown: 1, result: 'only_non_retryable' },
    ]);
    expect(status.troubled_jobs).toMatchObject([
      {
        account: 'carol',
        status: 'failed',
        attempts: 1,
        max_attempts: 3,
        error_category: 'account',
        error_type: 'suspended',
        pass_number: 1,
      },
      { account: 'dave', attempts: 3, max_attempts: 3, error_category: 'infrastructure', error_type: 'connection_dropped', pass_number: 3 },
      { account: 'erin', attempts: 3, max_attempts: 3, deferrals: 0, error_category: 'unknown', error_type: '', next_attempt_at: null },
    ]);

    const events = (await world.cli('--events', '--json')).stdout.trim().split('\n');
    const tries = events.map((line) => JSON.parse(line)).filter(({ event_type }) => event_type.startsWith('action_'));
    expect(tries.map(({ details }) => details.max_attempts)).toEqual(tries.map(() => 3));
    const ofBob = tries.filter(({ account }) => account === 'bob');
    expect(ofBob.map(({ event_type, details }) => [event_type, details.attempt])).toEqual([
      ['action_started', 1],
      ['action_error', 1],
      ['action_retry', 1],
      ['action_started', 2],
      ['action_completed', 2],
    ]);
  });

  it('end after one pass when one was ordered, as the old single pass did', async () => {
    expect(await failingRun('--max-passes', '1')).toMatchObject({ code: 4 });
    expect(await world.status()).toMatchObject({ pass_count: 1, final_result: 'max_passes_reached', jobs: { retrying: 3, success: 1 } });
  });

  it('come back from the CSV in another home as they went out', async () => {
    await failingRun('--max-passes', '2');
    const file = world.path('out.csv');
    await world.cli('--export', file);
    const other = join(world.folder, 'other');
    const elsewhere = (...args: readonly string[]) => world.finish(world.spawn(['--home', other, ...args]));
    expect(await elsewhere('--import', file)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Imported 6 of 6 jobs .* \(2 success, 1 failed, 2 retrying, 1 uncertain\)\.\n$/),
    });
    expect(await elsewhere('--export', `${file}.csv`)).toMatchObject({ code: 0 });
    // Who did it stays behind, and what falls due does so anew.
    expect(rowsOf(`${file}.csv`)).toEqual(rowsOf(file));
  });
});

function rowsOf(file: string): readonly (readonly string[])[] {
  const [head, ...rows] = parseCsv(readFileSync(file, 'utf8')).map(({ values }) => values);
  const own = ['worker_id', 'retry_at'].map((name) => head?.indexOf(name));
  return rows.map((values) => values.filter((_, index) => !own.includes(index))).sort();
}

it('Ctrl-C during the pause between two passes ends it at once, with nothing claimed and no lock left', async () => {
  world.configure(stage.url, ['workers: 2']);
  stage.hold('before');
  const flags = ['--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice', '--run', '--max-passes', '5'];
  const child = world.spawn(['--home', world.home, ...flags, '--retry-delay', '10m']);
  const ended = world.finish(child);
  (await stage.visit('before')).go(ADB_TIMEOUT);
  await world.logged('Waiting 600s before next pass...');
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  expect(code).toBe(4);
  expect(stdout).toMatch(/1 retrying \(retryable_remaining\)/);
  expect(world.has('scheduler.lock')).toBe(false);
  const status = await world.status();
  expect(status).toMatchObject({ running: false, pass_count: 1, jobs: { claimed: 0, retrying: 1 } });
  expect(world.log().filter(({ msg }) => msg.startsWith('=== PASS'))).toHaveLength(1);
});

it('a drain that is stopped while videos wait does not end as if all were done', async () => {
  world.configure(stage.url, ['workers: 1']);
  stage.hold('before');
  const child = world.spawn([
    '--home',
    world.home,
    '--add-folder',
    world.videos('chunk', ['one']),
    '--add-accounts',
    'alice',
    '--run',
    '--drain',
  ]);
  const ended = world.finish(child);
  await stage.visit('before');
  child.kill('SIGINT');
  const { code, stdout } = await ended;
  expect(code).toBe(4);
  expect(stdout).toMatch(/\nStopping: .*\nPublished 0, 1 waiting \(\w+\)\.\n$/s);
});

it('a video has as many tries as its own row says, whatever the settings say', async () => {
  const folder = world.videos('chunk', ['twice', 'never', 'plain']);
  const stop = '"{stop_when: ""{{ type == \'adb_timeout\' }}""}"';
  writeFileSync(join(folder, 'who.csv'), `filename,account,retry\ntwice,alice,2\nnever,bob,${stop}\nplain,carol,\n`);
  stage.hold('before');
  const ran = world.cli('--add-folder', folder, '--add-accounts', 'alice,bob,carol', '--run', '--max-passes', '9');
  void answer('before', () => ADB_TIMEOUT);
  expect(await ran).toMatchObject({ code: 4 });
  const tries = (await world.status()).troubled_jobs;
  expect(tries.map(({ account, attempts, max_attempts }) => [account, attempts, max_attempts]).sort()).toEqual([
    ['alice', 2, 2],
    ['bob', 1, 3],
    ['carol', 3, 3],
  ]);
});

it('--accounts limits a run, and refuses a name that is not there', async () => {
  const folder = world.videos('chunk', ['one', 'two']);
  writeFileSync(join(folder, 'who.csv'), 'filename,account\none,alice\ntwo,bob\n');
  const add = ['--add-folder', folder, '--add-accounts', 'alice,bob', '--run', '--drain', '--accounts'];
  expect(await world.cli(...add, 'alcie')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no account "alcie"') });
  expect(await world.status()).toMatchObject({ jobs: { total: 0 }, accounts: [] });
  expect(await world.cli(...add, 'alice')).toMatchObject({ code: 0 });
  expect(await world.status()).toMatchObject({ jobs: { success: 1, pending: 1 } });
});

it('a publisher that forgets a promise ends nothing', async () => {
  const module = join(import.meta.dirname, 'leaky.mjs');
  setting(/module: [^,]+/, `module: ${module}`);
  const ran = await world.cli(
    '--add-folder',
    world.videos('chunk', ['one', 'two', 'three']),
    '--add-accounts',
    'leaky,bob,carol',
    '--run',
    '--drain',
  );
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(world.posts()).toHaveLength(3);
  expect(world.log().filter(({ msg }) => msg.includes('nobody waits for'))).toHaveLength(1);
});
