/** Guards promise 7 for the predecessor's command lines: they do here what they did there, or say in one sentence why not. */
import { mkdirSync, writeFileSync } from 'node:fs';
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

it('--seed-only queues and runs nothing; --run --workers 1 then publishes', async () => {
  const seeded = await world.cli('--add-folder', world.videos('chunk', ['one', 'two']), '--add-accounts', 'alice,bob', '--seed-only');
  expect(seeded).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Queued 2 of 2 videos') });
  expect(await world.status()).toMatchObject({ running: false, jobs: { total: 2, pending: 2 } });
  expect(world.posts()).toEqual([]);
  expect(await world.cli('--run', '--drain', '--workers', '1')).toMatchObject({ code: 0 });
  expect(world.posts()).toHaveLength(2);
});

it('--state-file takes the predecessor’s state, and --accounts, --max-passes and the rest go on from it', async () => {
  const folder = world.videos('chunk', ['one', 'two']);
  const job = (name: string, account: string) => ({
    id: name,
    video_path: join(folder, `${name}.mp4`),
    caption: name,
    account,
    status: 'pending',
  });
  const state = { jobs: [job('one', 'alice'), job('two', 'bob')], accounts: [{ name: 'alice' }, { name: 'bob' }], settings: {} };
  const file = world.path('old_state.json');
  writeFileSync(file, JSON.stringify(state));
  const flags = ['--run', '--workers', '1', '--max-passes', '3', '--accounts', 'alice'];
  const ran = await world.cli('--state-file', file, ...flags);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toContain('Imported 2 of 2 jobs and 2 accounts');
  expect(world.posts().map(({ account }) => account)).toEqual(['alice']);
});

it('--show-config says every setting in force, and where those come from that are no defaults', async () => {
  const { code, stdout } = await world.cli('--show-config', '--max-passes', '2', '--json');
  expect(code).toBe(0);
  const shown = JSON.parse(stdout) as { readonly settings: readonly object[] };
  expect(shown.settings).toEqual(
    expect.arrayContaining([
      { setting: 'passes.max_passes', value: 2, from: 'command line' },
      { setting: 'passes.delay', value: '0.2s', from: 'file' },
      { setting: 'cooldown.step', value: '10m', from: 'default' },
    ]),
  );
});

it.each([
  [['--reset-day'], "the day is the account's local date, and nothing can wipe the record of a post"],
  [['--force-reseed', '--run'], 'nothing can wipe the record of a post'],
  [['--run', '--force'], 'a dead or hung holder is replaced by the next start'],
  [['--campaign', 'podcast', '--run'], 'use --import FOLDER'],
  [['--list-campaigns'], 'a campaign is a folder'],
  [['--run', '--device', 'geelark'], 'an account has its phone'],
])('%j is answered in one sentence, and changes nothing', async (flags, why) => {
  mkdirSync(world.home, { recursive: true });
  const ran = await world.cli(...flags);
  expect(ran).toMatchObject({ code: 2, stdout: '' });
  const [sentence, ...rest] = ran.stderr.trim().split('\n');
  expect(sentence).toContain(why);
  expect(rest).toEqual(['  See `scheduler --help`.']);
  expect(world.has('scheduler_state.db')).toBe(false);
});
