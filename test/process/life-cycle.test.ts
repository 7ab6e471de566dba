/** Guards promises 1 and 2 over the life of a home: a copy made in the middle of a post and put back publishes nothing again; an older program touches no newer home. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url, ['workers: 1']);
});

it('a backup of a working scheduler, put back after it had published more, publishes nothing again', async () => {
  const copy = join(world.folder, 'copy');
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one', 'two', 'three']), '--add-accounts', 'alice');
  await world.logged('posted successfully');
  stage.hold('acted');
  await stage.visit('acted', 1);
  // The second post is public and nobody has confirmed it; of the third nothing is known.
  expect(await world.cli('--backup', copy)).toMatchObject({ code: 0, stderr: '' });
  stage.open('acted');
  await world.logged('posted successfully', 3);
  daemon.signal('SIGTERM');
  await daemon.ended;
  expect(world.posts()).toHaveLength(3);

  const restored = await world.cli('--restore', copy);
  expect(restored).toMatchObject({ code: 0, stderr: '' });
  expect(restored.stdout).toMatch(/posted\.jsonl knows \d later entries/);
  expect(await world.cli('--check')).toMatchObject({ code: 0 });
  await world.cli('--run', '--drain');
  expect(world.posts()).toHaveLength(3);
  // The copy holds the second as under way and does not know the third: posted.jsonl confirms both, so nobody is asked.
  expect((await world.status()).jobs).toMatchObject({ total: 3, success: 3, uncertain: 0 });
});

it('a home of a newer program is refused with exit code 2 by every command, and not touched', async () => {
  await world.cli('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
  const path = world.path('scheduler_state.db');
  const db = new Database(path);
  db.pragma('user_version = 99');
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
  const before = readFileSync(path);
  const orders = [
    ['--run', '--drain'],
    ['--status'],
    ['--plan'],
    ['--check'],
    ['--backup', join(world.folder, 'copy')],
    ['--add-accounts', 'bob'],
  ];
  for (const order of orders) {
    const { code, stderr } = await world.cli(...order);
    expect({ order, code, stderr }).toEqual({ order, code: 2, stderr: expect.stringMatching(/of schema 99, this program knows up to \d/) });
  }
  expect(readFileSync(path).equals(before)).toBe(true);
  expect(world.posts()).toEqual([]);
});
