/**
 * Guards promises 1 and 2 where another program was here before: what it left in
 * the home is taken in before anything is published, however often the start
 * that should have done it came to nothing.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openStage } from './stage.ts';
import { newWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  const stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
});

/** `one` is published, `two` is not. */
function left(folder: string): string {
  const job = (id: string, status: string) => ({ id, video_path: join(folder, `${id}.mp4`), caption: id, account: 'alice', status });
  return JSON.stringify({ accounts: [{ name: 'alice' }], jobs: [job('one', 'success'), job('two', 'pending')] });
}

it('a state that cannot be read stops every start until it can; then it is taken in, and nothing is published twice', async () => {
  const folder = world.videos('chunk', ['one', 'two']);
  mkdirSync(world.home, { recursive: true });
  writeFileSync(world.path('scheduler_state.json'), left(folder).slice(0, -5));
  for (let start = 1; start <= 2; start += 1) {
    const refused = await world.cli('--add-accounts', 'bob');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('scheduler_state.json: it is no JSON');
  }
  writeFileSync(world.path('scheduler_state.json'), left(folder));
  const ran = await world.cli('--add-folder', folder, '--run', '--drain');
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('2 already known') });
  expect(world.posts()).toMatchObject([{ account: 'alice', caption: 'two' }]);
});

it('what it had published is published by nobody again, also when the database is lost later', async () => {
  const folder = world.videos('chunk', ['one', 'two']);
  mkdirSync(world.home, { recursive: true });
  writeFileSync(world.path('scheduler_state.json'), left(folder));
  await world.cli('--run', '--drain');
  for (const name of readdirSync(world.home)) if (name.startsWith('scheduler_state.')) rmSync(world.path(name));
  expect(await world.cli('--add-folder', folder, '--add-accounts', 'alice', '--run', '--drain')).toMatchObject({ code: 0 });
  expect(world.posts()).toMatchObject([{ account: 'alice', caption: 'two' }]);
});
