/**
 * Seed 001's test strategy, case by case (promises 2, 4 and 7): passes, what is
 * tried again between them, and what is said. docs/seeds.md lists them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { complain } from '../../src/cli/explain.ts';
import { parseArgv } from '../../src/cli/options.ts';
import { conflictsAmong, refuseBesideOthers } from '../../src/cli/other-orchestrators.ts';
import { loadConfig, shownSettings } from '../../src/config.ts';
import { commandLines } from '../../src/runtime/process-table.ts';
import { Orchestrator, type OrchestratorParts } from '../../src/scheduler/orchestrator.ts';
import { post, type Script, World } from '../scheduler/world.ts';
import { Child } from '../support/children.ts';

function configOf(...argv: readonly string[]) {
  const home = mkdtempSync(join(tmpdir(), 'seed-001-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  return loadConfig({ home, file: null, overrides: parseArgv(argv, '1').overrides });
}

/** Fails by infrastructure so often, then posts. */
function failing(times: number): Script {
  let left = times;
  return async (ctx, act, job) => {
    left -= 1;
    if (left >= 0) throw new Error('connect ECONNREFUSED 127.0.0.1:4723');
    await post(ctx, act, job);
  };
}

function drain(world: World, parts: Partial<OrchestratorParts> = {}) {
  const crew = world.crew(2);
  const { clock, store, logger, progress } = world;
  const verifier = { nextLookMs: async () => null };
  const whole = { store, clock, logger, progress, maxPasses: 3, delayMs: 30_000, stop: world.stop.signal, verifier };
  return new Orchestrator({ ...whole, sweep: (pass) => crew.sweep(pass), cleanUp: async () => {}, ...parts }).drain();
}

describe('unit tests', () => {
  it('instantiation: the defaults are 3 passes, 30 s and 3 retries, and each can be set', () => {
    expect(configOf().passes).toMatchObject({ maxPasses: 3, delayMs: 30_000, infraRetryLimit: 3, unknownIsRetryable: true });
    expect(configOf('--max-passes', '2', '--retry-delay', '10').passes).toMatchObject({ maxPasses: 2, delayMs: 10_000 });
    expect(configOf('--no-retry-unknown').defaults.retry.limits).toMatchObject({ unknown: 0 });
  });

  it('CLI argument parsing: --help names the new flags', () => {
    const help = parseArgv(['--help'], '1').print ?? '';
    for (const flag of ['--max-passes', '--retry-delay', '--infra-retry-limit', '--no-retry-unknown']) expect(help).toContain(flag);
  });
});

describe('integration tests', () => {
  it('single pass, all success: one pass, all_complete', async () => {
    const world = await World.with('alice', 'bob');
    await world.add(['one'], 'alice');
    await world.add(['two'], 'bob');
    expect(await world.clock.run(drain(world))).toMatchObject({
      pass_count: 1,
      final_result: 'all_complete',
      pass_history: [{ pass: 1, jobs_processed: 2, success_count: 2, failed_infrastructure: 0 }],
    });
    expect(world.logger.messages()).toContain('PASS 1 SUMMARY');
  });

  it('multi-pass: infrastructure failures of pass 1 are tried again in pass 2, after a delay and a clean-up', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = failing(1);
    const cleaned: number[] = [];
    const result = await world.clock.run(drain(world, { cleanUp: async () => void cleaned.push(world.posts.length) }));
    expect(result).toMatchObject({
      pass_count: 2,
      final_result: 'all_complete',
      pass_history: [
        { pass: 1, failed_infrastructure: 1, success_count: 0, result: 'retryable_remaining' },
        { pass: 2, failed_infrastructure: 0, success_count: 1, result: 'all_complete' },
      ],
    });
    expect(world.logger.messages()).toContain('Waiting 30s before next pass...');
    // Phones are stopped between the two, before anything is tried again.
    expect(cleaned).toEqual([0]);
    expect((await world.job('beach')).passNumber).toBe(2);
  });

  it('non-retryable errors: one pass, only_non_retryable', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(new Error('Account suspended'));
    expect(await world.clock.run(drain(world))).toMatchObject({
      pass_count: 1,
      final_result: 'only_non_retryable',
      pass_history: [{ failed_account: 1 }],
    });
  });

  it('max passes reached: failures that persist end it at the limit; --max-passes 1 is the old single pass', async () => {
    for (const maxPasses of [2, 1]) {
      const world = await World.with('alice');
      await world.add(['beach'], 'alice');
      world.script = failing(99);
      const result = await world.clock.run(drain(world, { maxPasses, delayMs: 5_000 }));
      expect(result).toMatchObject({ pass_count: maxPasses, final_result: 'max_passes_reached' });
    }
  });

  it('graceful shutdown during the delay between passes: ends at once, begins no pass, leaves nothing claimed', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = failing(99);
    const drained = drain(world, { maxPasses: 5 });
    await world.clock.untilWaiting('pause between two passes');
    const before = world.clock.now();
    world.stop.abort();
    expect(await world.clock.run(drained)).toMatchObject({ pass_count: 1, final_result: 'retryable_remaining' });
    expect(world.clock.now()).toBe(before);
    expect(await world.store.counts()).toMatchObject({ claimed: 0, retrying: 1 });
  });

  it('pass summary: header, block, categories, result and delay, between rules, as log records', async () => {
    const world = await World.with('alice', 'bob');
    await world.add(['beach'], 'alice');
    await world.add(['forest'], 'bob');
    world.scripts.set('beach', failing(1));
    world.scripts.set('forest', () => Promise.reject(new Error('Account suspended')));
    await world.clock.run(drain(world));
    const said = world.logger.messages();
    const header = said.indexOf('=== PASS 1 OF 3 ===');
    expect([said[header - 1], said[header + 1]]).toEqual(['='.repeat(60), '='.repeat(60)]);
    const block = said.indexOf('PASS 1 SUMMARY');
    expect(said.slice(block - 1, block + 13)).toEqual([
      '-'.repeat(60),
      'PASS 1 SUMMARY',
      '-'.repeat(60),
      '  Jobs processed: 2',
      '  Successes:      0',
      '  Failed (account):        1',
      '  Failed (infrastructure): 1',
      '  Failed (unknown):        0',
      '  Failed (content):        0',
      '  Failed (configuration):  0',
      '  Uncertain:               0',
      '  Deferred:                0',
      '  Result: retryable_remaining',
      '-'.repeat(60),
    ]);
    expect(said.slice(block)).toContain('Waiting 30s before next pass...');
    expect(said).toContain('  Result: only_non_retryable');
  });
});

it('CLI parameters: --run --workers 1 --max-passes 5 --retry-delay 60 --infra-retry-limit 2 --status shows these values', () => {
  const argv = ['--run', '--workers', '1', '--max-passes', '5', '--retry-delay', '60', '--infra-retry-limit', '2', '--status'];
  expect(parseArgv(argv, '1')).toMatchObject({ run: 'drain', show: 'status' });
  expect(shownSettings(configOf(...argv))).toMatchObject({ workers: 1, max_passes: 5, retry_delay_seconds: 60, infra_retry_limit: 2 });
});

it('backward compatibility: --run --workers 2 alone uses the defaults', () => {
  expect(parseArgv(['--run', '--workers', '2'], '1').run).toBe('daemon');
  expect(shownSettings(configOf('--run', '--workers', '2'))).toMatchObject({ workers: 2, max_passes: 3, retry_delay_seconds: 30 });
});

describe('other orchestrators', () => {
  const running = (...commands: string[]) => commands.map((command, n) => ({ pid: 100 + n, command }));

  it('are found by the script that Python runs, and nothing else is taken for one', () => {
    const are = running(
      'python parallel_orchestrator.py --run --workers 3',
      '/usr/bin/python3.11 -u /srv/posting/parallel_worker.py --worker-id 0',
      '"C:\\Python312\\python.exe" C:\\posting\\posting_scheduler.py --run',
    );
    const areNot = running(
      'vim parallel_orchestrator.py',
      'grep -r parallel_orchestrator.py .',
      'python -m pytest test_parallel_orchestrator.py',
      'python tool.py --file posting_scheduler.py',
      'python parallel_orchestrator.py --status',
      'node /srv/posting-scheduler/dist/main.js --run',
    );
    expect(conflictsAmong([...are, ...areNot])).toEqual(are);
  });

  it('keep a run from starting, named for people and in JSON; where processes cannot be told nothing is refused', async () => {
    const conflicts = running('python3 parallel_orchestrator.py --run');
    await expect(refuseBesideOthers(async () => conflicts)).rejects.toMatchObject({
      code: 'ORCHESTRATOR_CONFLICT',
      message: expect.stringContaining('PID 100'),
      details: { conflicts },
    });
    await refuseBesideOthers(async () => []);
    await refuseBesideOthers(() => Promise.reject(new Error('there is no ps')));
    const refusal = await refuseBesideOthers(async () => conflicts).catch((error: unknown) => error);
    const written: string[] = [];
    const stream = { write: (text: string) => written.push(text) };
    expect(complain(refusal, true, { stdout: stream, stderr: stream })).toBe(1);
    expect(JSON.parse(written.join(''))).toMatchObject({ error: 'orchestrator_conflict', conflicts });
  });

  it('are looked for among all processes of the machine, with their whole command lines', async () => {
    // Of another name, or it would keep every other test on this machine from starting a scheduler.
    const child = new Child(process.execPath, ['-e', "console.log('up'); setInterval(() => {}, 1000)", 'no_orchestrator.py', '--run']);
    onTestFinished(() => child.kill());
    await child.says('up');
    const found = (await commandLines()).find(({ pid }) => pid === child.pid);
    expect(found?.command).toMatch(/ no_orchestrator\.py --run$/);
  });
});
