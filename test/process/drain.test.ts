/**
 * Guards promises 2, 4 and 7: a drain ends with a code and a line that say how
 * it went; the log has the lines that the users' own tools look for.
 */
import { mkdirSync } from 'node:fs';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
});

/** A drain in which the first visit at the gate before the commit point fails so. */
async function drainWithFailure(message: string, hints: Readonly<Record<string, unknown>>, times = 1) {
  stage.hold('before');
  const drained = world.cli('--add-folder', world.videos('chunk', ['one', 'two']), '--add-accounts', 'alice,bob', '--run', '--drain');
  for (let number = 0; number < times; number += 1) (await stage.visit('before', number)).go({ message, hints });
  stage.open('before');
  return drained;
}

describe('--run --drain', () => {
  it('asks for adb only when a publisher needs a phone', async () => {
    world.configure(stage.url, ['adb: {path: /nowhere}']);
    const drained = await world.cli('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice', '--run', '--drain');
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    expect(world.posts()).toHaveLength(1);
  });

  it('ends with code 0 when all is out, and logs the lines that tools look for', async () => {
    const drained = await world.cli(
      '--add-folder',
      world.videos('chunk', ['one', 'two']),
      '--add-accounts',
      'alice,bob',
      '--run',
      '--drain',
    );
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    expect(drained.stdout).toMatch(/\nPublished 2 \(all_complete\)\.\n$/);
    const lines = world.log();
    const pid = lines[0]?.pid;
    const said = lines.map(({ msg }) => msg);
    expect(said).toContain(`[LOCK] Acquired lock (PID ${String(pid)})`);
    expect(said).toContain('[HEARTBEAT] Started heartbeat thread');
    expect(said).toContain('=== PASS 1 OF 3 ===');
    const jobs = world.jobs();
    for (const { id } of jobs) expect(said).toContain(`Processing job ${id}`);
    expect(said.filter((msg) => msg.startsWith('Processing job '))).toHaveLength(2);
    for (const record of lines) expect(Date.parse(record.time)).not.toBeNaN();
    expect(world.posts()).toHaveLength(2);

    const again = await world.cli('--run', '--drain');
    expect(again).toMatchObject({ code: 0, stdout: 'Published 0 (all_complete).\n' });
    expect(world.posts()).toHaveLength(2);
  });

  it('tries again after trouble of a machine, and says so', async () => {
    const drained = await drainWithFailure('adb: device offline', { category: 'infrastructure', type: 'device_offline' });
    expect(drained.code).toBe(0);
    const retried = world.jobs().find(({ attempts }) => attempts === 2);
    expect(world.log().map(({ msg }) => msg)).toContain(`Processing job ${retried?.id} (retry attempt 2)`);
    expect(world.posts()).toHaveLength(2);
    expect((await world.status()).accounts).toMatchObject([{ state: 'active' }, { state: 'active' }]);
  });

  it('ends with code 4 when an account needs a person; the others go on', async () => {
    const drained = await drainWithFailure('the app wants a captcha', { category: 'account', type: 'captcha' });
    expect(drained.code).toBe(4);
    expect(drained.stdout).toMatch(/\nPublished 1, 1 failed, 1 account on hold \(only_non_retryable\)\.\n$/);
    expect(world.posts()).toHaveLength(1);
    expect((await world.status()).accounts.map(({ state }) => state).sort()).toEqual(['active', 'hold']);
    // And the next day: still on hold, still not posted.
    expect((await world.cli('--run', '--drain')).code).toBe(4);
    expect(world.posts()).toHaveLength(1);
  });

  it('ends with code 4 when a post is uncertain', async () => {
    stage.hold('acted');
    const drained = world.cli('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice', '--run', '--drain');
    (await stage.visit('acted')).go({ message: 'socket hang up' });
    expect(await drained).toMatchObject({ code: 4 });
    expect((await drained).stdout).toMatch(/\nPublished 0, 1 uncertain \(only_non_retryable\)\.\n$/);
    expect(world.posts()).toHaveLength(1);
    expect(await world.cli('--run', '--drain')).toMatchObject({ code: 4 });
    expect(world.posts()).toHaveLength(1);
  });

  it('counts jobs that wait for tomorrow as done today', async () => {
    world.configure(stage.url, ['accounts: [{name: alice, posts_per_day: 1}]']);
    const drained = await world.cli('--add-folder', world.videos('chunk', ['one', 'two']), '--run', '--drain');
    expect(drained).toMatchObject({ code: 0, stderr: '' });
    expect(drained.stdout).toMatch(/\nPublished 1, 1 waiting \(all_complete\)\.\n$/);
  });

  it('in an empty home says what is missing, also to programs', async () => {
    mkdirSync(world.home, { recursive: true });
    expect(await world.cli('--run', '--drain')).toMatchObject({ code: 1, stdout: '' });
    const nobody = await world.cli('--run', '--drain', '--json');
    expect(nobody).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(nobody.stdout)).toMatchObject({ error: 'no_accounts' });
    await world.cli('--add-accounts', 'alice');
    const nothing = await world.cli('--run', '--drain', '--json');
    expect(nothing).toMatchObject({ code: 1, stderr: '' });
    expect(JSON.parse(nothing.stdout)).toMatchObject({ error: 'no_jobs' });
    expect(world.has('scheduler.lock')).toBe(false);
  });
});

describe('a publisher that breaks the contract', () => {
  it('is stopped by its phase limit before the commit point and tried again', async () => {
    world.configure(stage.url, ['phases: {compose: 0.5s, cleanup: 0.5s}']);
    stage.hold('before');
    const drained = world.cli('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice', '--run', '--drain');
    await stage.visit('before');
    await stage.visit('before', 1);
    stage.open('before');
    expect((await drained).code).toBe(0);
    expect(world.posts()).toHaveLength(1);
    expect(world.jobs()).toMatchObject([{ status: 'success', attempts: 2 }]);
  });
});
