/**
 * Guards promises 1 and 2 on a full disk: nothing is published without its
 * record, the daemon lives on, and goes on by itself when there is space again.
 * Needs the right to mount a small file system; says so when it has not.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openStage } from './stage.ts';
import { newWorld } from './world.ts';

/** Takes what is left, to the last byte. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    const block = Buffer.alloc(size);
    try {
      for (;;) writeSync(file, block);
    } catch {
      // Full for blocks of this size.
    }
  }
  closeSync(file);
}

it('publishes nothing while the disk is full, and all of it afterwards', async ({ skip }) => {
  const world = await newWorld();
  mkdirSync(world.home);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', world.home]);
  if (mounted.status !== 0) skip('NOT RUN: this user may not mount a file system; run it as root');
  onTestFinished(() => void spawnSync('umount', ['-l', world.home]));
  const stage = await openStage();
  onTestFinished(() => stage.close());
  world.configure(stage.url);
  stage.hold('before');
  const daemon = await world.daemon('--add-accounts', 'alice', '--add-folder', world.videos('chunk', ['one', 'two', 'three']));
  await stage.visit('before');
  const ballast = join(world.home, 'ballast');
  fill(ballast);
  stage.open('before');

  // What cannot be recorded does not pass the commit point.
  await stage.visit('refused');
  expect(world.posts()).toEqual([]);
  expect(await world.status()).toMatchObject({ running: true, jobs: { claimed: 1, pending: 2 } });
  // An order that cannot be carried out is refused in words, and changes nothing.
  const refused = await world.cli('--add-accounts', 'bob');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^scheduler: the store failed: .*\n {2}Look at disk space/);

  rmSync(ballast);
  await world.logged('posted successfully', 3);
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(new Set(world.posts().map(({ sha256 }) => sha256)).size).toBe(3);
  expect(world.posts()).toHaveLength(3);
  expect(world.jobs().map(({ status, whole }) => [status, whole.crashes])).toEqual([
    ['success', 0],
    ['success', 0],
    ['success', 0],
  ]);
}, 60_000);

it('publishes nothing while posted.jsonl alone cannot be written', async () => {
  const world = await newWorld();
  const stage = await openStage();
  onTestFinished(() => stage.close());
  world.configure(stage.url);
  stage.hold('before');
  const daemon = await world.daemon('--add-accounts', 'alice', '--add-folder', world.videos('chunk', ['one']));
  const first = await stage.visit('before');
  mkdirSync(world.path('posted.jsonl'));
  first.go();
  await stage.visit('refused');
  await stage.visit('before', 1);
  expect(world.posts()).toEqual([]);

  rmdirSync(world.path('posted.jsonl'));
  stage.open('before');
  await world.logged('posted successfully');
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(world.posts()).toHaveLength(1);
});
