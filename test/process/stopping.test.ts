/**
 * Guards promises 2 and 6: a stop gives back what was not yet past its commit
 * point, waits for what was, and leaves neither lock nor socket nor process.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { type Daemon, newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
});

async function start(gate: 'before' | 'committed' | 'acted'): Promise<Daemon> {
  stage.hold(gate);
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
  await stage.visit(gate);
  return daemon;
}

function expectCleanEnd(): void {
  expect(['scheduler.lock', '.control.sock', '.scheduler.lock.d'].filter((name) => world.has(name))).toEqual([]);
  expect(world.log().at(-1)?.msg).toBe('Scheduler stopped');
  expect(JSON.parse(readFileSync(world.path('scheduler_state.json'), 'utf8'))).toMatchObject({ written_by: 'posting-scheduler' });
}

const stops: readonly (readonly [string, (daemon: Daemon) => unknown])[] = [
  ['--stop', async () => expect(await world.cli('--stop')).toMatchObject({ code: 0, stdout: 'Stopping.\nStopped.\n', stderr: '' })],
  ['SIGTERM', (daemon) => daemon.signal('SIGTERM')],
  ['SIGINT', (daemon) => daemon.signal('SIGINT')],
  ['SIGHUP, a terminal that was closed,', (daemon) => daemon.signal('SIGHUP')],
];

describe.each(stops)('%s', (_name, stop) => {
  it('before the commit point gives the attempt back', async () => {
    const daemon = await start('before');
    await stop(daemon);
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expectCleanEnd();
    expect(world.posts()).toEqual([]);
    expect(world.jobs()).toMatchObject([{ status: 'pending', attempts: 0, whole: { crashes: 0 } }]);
  });

  it('after the commit point lets the post come to its confirmation', async () => {
    const daemon = await start('committed');
    const stopped = Promise.resolve(stop(daemon));
    await world.logged('Stopping: no new posts');
    stage.open('committed');
    await stopped;
    const ended = await daemon.ended;
    expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(ended.stdout).toMatch(/(?:^|\n)Stopping: .* may finish .*\nStopped\.\n$/s);
    expectCleanEnd();
    expect(world.posts()).toHaveLength(1);
    expect(world.jobs()).toMatchObject([{ status: 'success' }]);
  });
});

describe('SIGINT twice', () => {
  it.each(['before', 'committed', 'acted'] as const)('ends at once, also with a post %s', async (gate) => {
    const daemon = await start(gate);
    daemon.signal('SIGINT');
    await world.logged('Stopping: no new posts');
    const startMs = performance.now();
    daemon.signal('SIGINT');
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null });
    expect(performance.now() - startMs).toBeLessThan(3_000);
    expectCleanEnd();
    expect(world.posts()).toHaveLength(gate === 'acted' ? 1 : 0);
    expect(world.jobs()).toMatchObject([{ status: gate === 'before' ? 'pending' : 'uncertain' }]);
  });
});

it('a reader of its output that goes away neither ends the daemon nor its post', async () => {
  stage.hold('committed');
  const folder = world.videos('chunk', ['one', 'two']);
  const child = world.spawn(['--home', world.home, '--add-folder', folder, '--add-accounts', 'alice', '--run', '--drain']);
  await stage.visit('committed');
  child.stdout?.destroy();
  child.stderr?.destroy();
  stage.open('committed');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
  expect(world.posts()).toHaveLength(2);
  expect(world.jobs().map(({ status }) => status)).toEqual(['success', 'success']);
});
