/**
 * Guards promises 1 and 7: what a second process orders reaches the running
 * daemon through its control socket at once, and bytes that the home knows are
 * not queued again.
 */
import { renameSync } from 'node:fs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { newWorld, sha256, videoBytes, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
});

/** From the order's acceptance to the publisher; a look every 30 s would be too slow by far. */
const AT_ONCE_MS = 2_000;

it('a folder added while it runs goes out at once, each video once; the same folder again queues nothing', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice');
  const folder = world.videos('chunk', ['one', 'two']);

  const added = await world.cli('--add-accounts', 'bob', '--add-folder', folder);
  const startMs = performance.now();
  expect(added).toMatchObject({ code: 0, stderr: '' });
  expect(added.stdout).toContain('Queued 2 of 2 videos (batch ');
  await stage.visit('before');
  expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS);
  await stage.visit('acted', 1);
  await world.logged('posted successfully', 2);

  const again = await world.cli('--add-folder', folder);
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(again.stdout).toContain('Queued 0 of 2 videos, 2 already known.\n');
  expect(again.stdout).toMatch(/^Already known: one\.mp4 is one-[0-9a-f]{8}, which is published \(bob\)$/m);
  expect(again.stdout).not.toContain('caption');
  // Moved and renamed it is still the same video.
  renameSync(folder, `${folder}-moved`);
  expect((await world.cli('--add-folder', `${folder}-moved`)).stdout).toContain('2 already known');

  expect(await world.cli('--stop')).toMatchObject({ code: 0, stdout: 'Stopping.\nStopped.\n' });
  expect((await daemon.ended).code).toBe(0);
  const posts = world.posts();
  expect(posts.map(({ account, pid }) => [account, pid])).toEqual([
    ['bob', daemon.pid],
    ['bob', daemon.pid],
  ]);
  expect(new Set(posts.map((post) => post.sha256)).size).toBe(2);
  expect(posts.map(({ caption }) => caption).sort()).toEqual(['caption of one', 'caption of two']);
});

it('a paused daemon begins nothing and goes on when it is told to; a video can be skipped and a batch taken back', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice');
  await world.cli('--pause');
  const added = await world.cli('--add-folder', world.videos('chunk', ['one', 'two']));
  const batch = /batch ([^)]+)\)/.exec(added.stdout)?.[1] ?? '';
  // A job is named by its file and the first digits of its bytes' hash.
  const skipped = `one-${sha256(videoBytes('chunk/one')).slice(0, 8)}`;
  expect(await world.cli('--skip', skipped)).toMatchObject({ code: 0, stdout: `${skipped} will not be published.\n` });
  const extra = await world.cli('--add-folder', world.videos('more', ['three']));
  expect(extra.code).toBe(0);
  expect(stage.visits).toEqual([]);
  expect((await world.cli('--undo-add', batch)).stdout).toContain('Took back 1 video');

  await world.cli('--resume');
  await stage.visit('acted');
  await world.logged('posted successfully');
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(world.posts()).toMatchObject([{ caption: 'caption of three' }]);
});

it('the only video wanted again goes out once more, and only because a person said so', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice', '--add-folder', world.videos('chunk', ['one']));
  await world.logged('posted successfully');
  const again = await world.cli('--add-folder', world.videos('chunk', ['one']), '--account', 'alice', '--again');
  expect(again.stdout).toContain('Queued 1 of 1 video');
  await world.logged('posted successfully', 2);
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(world.posts()).toHaveLength(2);
});
