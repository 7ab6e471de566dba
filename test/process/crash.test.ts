/**
 * Guards promises 1 and 2: SIGKILL at each phase of a post, a deleted and a
 * restored database. The publisher's own file of posts is the judge.
 */
import { copyFileSync, cpSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
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

type Gate = 'before' | 'committed' | 'acted';
/** Includes the start of the process on a busy machine; an expiring lease alone would take 60 s. */
const TAKEOVER_MS = 3_000;

async function killAt(gate: Gate): Promise<Daemon> {
  stage.hold(gate);
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
  await stage.visit(gate);
  await daemon.kill();
  stage.open(gate);
  return daemon;
}

async function stop(daemon: Daemon): Promise<void> {
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
}

/** Another daemon's whole life, with something of its own to publish, so that it is known that it works. */
async function liveOn(account = 'bob'): Promise<void> {
  const published = world.posts().filter((post) => post.account === account).length;
  const folder = world.videos(`for-${account}-${published}`, ['fresh']);
  const acted = stage.visits.filter(({ gate }) => gate === 'acted').length;
  const daemon = await world.daemon('--add-accounts', account, '--add-folder', folder);
  await stage.visit('acted', acted);
  await stop(daemon);
  expect(world.posts().filter((post) => post.account === account)).toHaveLength(published + 1);
}

const ofAlice = () => world.posts().filter(({ account }) => account === 'alice');

describe('SIGKILL', () => {
  it('before the commit point: the next start takes over at once and publishes once', async () => {
    await killAt('before');
    const startMs = performance.now();
    const next = world.daemon();
    await stage.visit('before', 1);
    expect(performance.now() - startMs).toBeLessThan(TAKEOVER_MS);
    await world.logged('posted successfully');
    await stop(await next);
    expect(world.posts()).toHaveLength(1);
    expect(world.jobs()).toMatchObject([{ status: 'success', attempts: 1, whole: { crashes: 1 } }]);
    await world.logged('[LOCK] Stale lock file found');
  });

  it.each(['committed', 'acted'] as const)('%s: the job is uncertain, is never published again, and says what settles it', async (gate) => {
    await killAt(gate);
    await liveOn();
    await liveOn();
    expect(ofAlice()).toHaveLength(gate === 'acted' ? 1 : 0);

    const { uncertain, jobs } = await world.status();
    expect(jobs).toMatchObject({ uncertain: 1, success: 2 });
    expect(uncertain).toMatchObject([{ account: 'alice' }]);
    const job = uncertain[0]?.job ?? '';
    const page = (await world.cli('--status')).stdout;
    expect(page).toContain(`scheduler --settle ${job} published`);

    const retried = await world.cli('--retry', job);
    expect(retried).toMatchObject({ code: 1, stdout: '' });
    expect(retried.stderr).toContain(`${job} may be public already, so a retry could publish it twice`);
    expect(await world.cli('--skip', job)).toMatchObject({ code: 1 });
    // Not again by the way around it either.
    expect((await world.cli('--add-folder', join(world.folder, 'chunk'))).stdout).toContain('1 already known');
    expect(ofAlice()).toHaveLength(gate === 'acted' ? 1 : 0);
  });

  it('settled as published: it stays published, a retry is refused, and the account posts again', async () => {
    await killAt('acted');
    const daemon = await world.daemon();
    const job = (await world.status()).uncertain[0]?.job ?? '';
    expect(await world.cli('--settle', job, 'published')).toMatchObject({ code: 0, stderr: '' });
    const retried = await world.cli('--retry', job);
    expect(retried).toMatchObject({ code: 1 });
    expect(retried.stderr).toContain(`${job} was published by alice`);
    await world.cli('--account', 'alice', '--add-folder', world.videos('more', ['two']));
    await world.logged('posted successfully');
    await stop(daemon);
    expect(ofAlice().map(({ caption }) => caption)).toEqual(['caption of one', 'caption of two']);
    expect((await world.cli('--settle', job, 'absent')).code).toBe(1);
  });

  it('settled as absent: it is published again, once', async () => {
    await killAt('committed');
    const daemon = await world.daemon();
    const job = (await world.status()).uncertain[0]?.job ?? '';
    expect(await world.cli('--settle', job, 'absent')).toMatchObject({ code: 0, stderr: '' });
    await world.logged('posted successfully');
    await stop(daemon);
    await liveOn();
    expect(ofAlice()).toHaveLength(1);
    expect(world.jobs().find(({ id }) => id === job)).toMatchObject({ status: 'success', attempts: 2 });
  });

  it('again and again before the commit point: at last a human is asked, and nothing was published', async () => {
    await killAt('before');
    for (let crashes = 2; crashes <= 5; crashes += 1) {
      stage.hold('before');
      const daemon = await world.daemon();
      if ((await world.status()).jobs.failed === 1) {
        await stop(daemon);
        break;
      }
      await stage.visit('before', crashes - 1);
      await daemon.kill();
    }
    stage.open('before');
    await liveOn();
    expect(world.jobs().find(({ account }) => account === 'alice')).toMatchObject({ status: 'failed', error_type: 'poison' });
    expect(ofAlice()).toEqual([]);
  });
});

describe('the database', () => {
  const files = () => readdirSync(world.home).filter((name) => name.startsWith('scheduler_state.'));

  it('deleted, with the same folder added again: nothing is published twice', async () => {
    await killAt('acted');
    await liveOn();
    for (const name of files()) rmSync(world.path(name));

    const daemon = await world.daemon('--add-accounts', 'alice,bob', '--add-folder', join(world.folder, 'chunk'));
    await stop(daemon);
    const second = await world.daemon('--add-folder', join(world.folder, 'for-bob-0'));
    await world.cli('--add-folder', join(world.folder, 'chunk'));
    await stop(second);
    expect(world.posts().map(({ account }) => account)).toEqual(['alice', 'bob']);
    expect((await world.status()).jobs).toMatchObject({ total: 2, uncertain: 1, success: 1 });
    // And it works: what is new goes out.
    await liveOn();
  });

  it('deleted, with its videos added again under other names: no other account of the pool gets them', async () => {
    const run = (folder: string) => world.cli('--add-folder', folder, '--add-accounts', 'alice,bob', '--run', '--drain');
    const folder = world.videos('chunk', ['one', 'two']);
    await run(folder);
    const posts = world.posts();
    expect(posts).toHaveLength(2);
    for (const name of files()) rmSync(world.path(name));
    for (const name of ['one', 'two']) renameSync(join(folder, `${name}.mp4`), join(folder, `new-${name}.mp4`));
    expect(await run(folder)).toMatchObject({ code: 0 });
    expect(world.posts()).toEqual(posts);
    expect(world.jobs().map(({ status }) => status)).toEqual(['success', 'success']);
  });

  it('restored from before the posts: nothing is published twice', async () => {
    const folder = world.videos('chunk', ['one', 'two']);
    await world.cli('--add-accounts', 'alice', '--add-folder', folder);
    const backup = join(world.folder, 'backup');
    cpSync(world.home, backup, { recursive: true });
    const first = await world.daemon();
    await world.logged('posted successfully', 2);
    await stop(first);
    for (const name of files()) rmSync(world.path(name));
    for (const name of readdirSync(backup).filter((file) => file.startsWith('scheduler_state.'))) {
      copyFileSync(join(backup, name), world.path(name));
    }

    await liveOn();
    expect(ofAlice()).toHaveLength(2);
    expect((await world.status()).jobs).toMatchObject({ pending: 0, claimed: 0, retrying: 0 });
  });
});
