/**
 * Guards promises 1, 4, 5, 6 and 8 with the built program on the real chain:
 * WebdriverIO, Appium, UiAutomator2 driver, adb. The phones' own ledgers are
 * the judge.
 */

import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { TAP_CARRIED_OUT } from '../support/phone-holds.ts';
import { openRack, type Rack } from './rack.ts';
import { sha256, videoBytes, type World } from './world.ts';

const LIMIT_MS = 90_000;

/** Starts an endless run with one video for each of these accounts. */
function folderFor(world: World, accounts: readonly string[], count = 1): string {
  const names = Array.from({ length: count }, (_, index) => `video-${index + 1}`);
  for (const account of accounts) world.videos(`chunk/${account}`, names);
  return join(world.folder, 'chunk');
}

function postsOf({ posts }: Rack, account: string) {
  return posts().filter((post) => post.account === account);
}

async function stop(daemon: { signal(name: NodeJS.Signals): void; readonly ended: Promise<unknown> }, world: World): Promise<void> {
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0 });
  expect(world.processes(), 'processes that are left').toEqual([]);
}

function appiumPid(world: World): number {
  const [pid] = world.processes().flatMap((line) => /^PID (\d+): .*appium\/index\.js/.exec(line)?.[1] ?? []);
  if (pid === undefined) throw new Error('no Appium of this home runs');
  return Number(pid);
}

describe('on the real chain', () => {
  it(
    'a drain over two phones with three accounts publishes each video once, from the right account, and leaves nothing',
    async () => {
      const rack = await openRack([['alice', 'bob'], ['carol']]);
      const { world } = rack;
      const accounts = ['alice', 'bob', 'carol'];
      const drained = await world.cli('--add-folder', folderFor(world, accounts), '--run', '--drain', '--workers', '2');
      expect(drained).toMatchObject({ code: 0, stderr: '' });
      expect(world.processes()).toEqual([]);
      await world.logged(`[APPIUM] Server ready on port ${world.appiumPort}`);
      const wanted = accounts.map((account) => ({
        phone: account === 'carol' ? 'phone-2' : 'phone-1',
        account,
        sha256: sha256(videoBytes(`chunk/${account}/video-1`)),
        caption: 'caption of video-1',
      }));
      expect([...rack.posts()].sort((a, b) => a.account.localeCompare(b.account))).toEqual(wanted);
    },
    LIMIT_MS,
  );

  it(
    'Appium killed between two posts is started again, and each video goes out once',
    async () => {
      const rack = await openRack([['alice']]);
      const { world } = rack;
      const daemon = await world.daemon('--add-folder', folderFor(world, ['alice']));
      await world.logged('posted successfully');
      const pid = appiumPid(world);
      process.kill(pid, 'SIGKILL');
      await vi.waitUntil(() => !world.processes().some((line) => line.startsWith(`PID ${pid}:`)));
      await world.cli('--add-folder', world.videos('later', ['one', 'two']));
      await world.logged('posted successfully', 3);
      const said = world.log().map(({ msg }) => msg);
      expect(said).toContain('[APPIUM] Health check failed (1/3)');
      expect(said).toContain('[APPIUM] Attempting auto-restart...');
      await stop(daemon, world);
      expect(new Set(rack.posts().map((post) => post.sha256)).size).toBe(3);
      expect(rack.posts()).toHaveLength(3);
    },
    LIMIT_MS,
  );

  it(
    'a daemon killed in the middle of a post: the next start ends its Appium and adb server, and the post is nobody’s to repeat',
    async () => {
      const rack = await openRack([['alice']]);
      const { world, phones } = rack;
      phones[0]?.setFault({ name: 'upload_stuck' });
      const daemon = await world.daemon('--add-folder', folderFor(world, ['alice']));
      await vi.waitUntil(() => phones[0]?.state().screen === 'uploading', { timeout: 30_000, interval: 50 });
      // Frozen first, so that it lives on as an orphan instead of dying at its next line of output.
      const appium = appiumPid(world);
      process.kill(appium, 'SIGSTOP');
      await daemon.kill();
      const orphans = world.processes();
      expect(orphans.some((line) => line.startsWith(`PID ${appium}:`))).toBe(true);
      expect(orphans.some((line) => /\badb .*server/.test(line))).toBe(true);
      phones[0]?.clearFaults();

      const next = await world.daemon();
      await world.logged(`Ended appium (PID ${appium}) that an earlier life left behind`);
      expect(world.processes().filter((line) => orphans.includes(line))).toEqual([]);
      expect((await world.status()).uncertain).toMatchObject([{ account: 'alice' }]);
      await stop(next, world);
      expect(rack.posts()).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it(
    'a foreign program on the port of Appium is left alone, and the next free port is used',
    async () => {
      const rack = await openRack([['alice']]);
      const { world } = rack;
      const foreign = createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')).listen(
        world.appiumPort,
        '127.0.0.1',
      );
      await once(foreign, 'listening');
      onTestFinished(() => void foreign.close());
      const drained = await world.cli('--add-folder', folderFor(world, ['alice']), '--run', '--drain');
      expect(drained).toMatchObject({ code: 0 });
      await world.logged(`[APPIUM] Server ready on port ${world.appiumPort + 1}`);
      expect(foreign.listening).toBe(true);
      expect(rack.posts()).toHaveLength(1);
    },
    LIMIT_MS,
  );

  it(
    'one phone under two names, for two accounts at once: the first posts, the second waits and both names are said',
    async () => {
      const rack = await openRack([['alice', 'bob']]);
      const { world, phones } = rack;
      const other = (phones[0]?.adbAddress ?? '').replace('127.0.0.1', 'localhost');
      const yaml = readFileSync(world.path('scheduler.yaml'), 'utf8').replace('bob, device: phone-1', 'bob, device: desk');
      writeFileSync(world.path('scheduler.yaml'), `${yaml}    - {name: desk, address: "${other}"}\n`);
      await world.cli('--add-folder', folderFor(world, ['alice', 'bob']), '--run', '--drain', '--workers', '2');
      expect(rack.posts()).toHaveLength(1);
      const [waiting] = world.jobs().filter(({ status }) => status === 'pending');
      expect(waiting).toMatchObject({ attempts: 0, deferrals: 1, error_type: 'phone_twice' });
      expect(waiting?.last_error).toMatch(
        /^phone (phone-1|desk) \(.*:\d+\) is the same device as (desk|phone-1) \(.*:\d+\), which is the phone of (alice|bob)$/,
      );
    },
    LIMIT_MS,
  );

  it(
    'a phone with nobody of ours signed in posts nothing, and the other phone goes on',
    async () => {
      const rack = await openRack([['mallory'], ['carol']], ['# alice is not on her phone']);
      const { world } = rack;
      const drained = await world.cli(
        ...['--add-accounts', 'alice', '--add-folder', world.videos('none', ['one']), '--account', 'alice', '--run', '--drain'],
      );
      // Which of the two phones is hers nobody has said: a person must.
      expect(drained.code).toBe(4);
      expect(rack.posts()).toEqual([]);
      expect((await world.cli('--status')).stdout).toContain('alice: no phone for account alice');
    },
    LIMIT_MS,
  );
});

describe('trouble at the tap that publishes', () => {
  it.each([
    ['the phone is gone before the tap is carried out', { name: 'drop', on: 'tap:Post' }, 0],
    ['the phone is gone right after it was carried out', { name: 'drop', on: 'tap:Post', carried_out: true }, 1],
    ['the answer is lost after it was carried out', { name: 'uia2_answer_lost', on: 'tap:Post' }, 1],
    ['the server on the phone dies after it', { name: 'uia2_die', on: 'tap:Post', carried_out: true }, 1],
  ] as const)(
    '%s: never twice; its account waits, the other phone goes on',
    async (_what, fault, made) => {
      const rack = await openRack([['alice'], ['carol']]);
      const { world, phones } = rack;
      phones[0]?.setFault(fault);
      const drained = await world.cli('--add-folder', folderFor(world, ['alice', 'carol'], 2), '--run', '--drain', '--workers', '2');
      expect(postsOf(rack, 'carol')).toHaveLength(2);
      const { uncertain, jobs } = await world.status();
      const ofAlice = postsOf(rack, 'alice');
      expect(new Set(ofAlice.map((post) => post.sha256)).size).toBe(ofAlice.length);
      if (uncertain.length === 0) {
        // Only a proof that nothing was tapped lets it be tried again.
        expect(made).toBe(0);
        expect({ code: drained.code, posts: ofAlice.length, success: jobs.success }).toEqual({ code: 0, posts: 2, success: 4 });
      } else {
        expect(drained.code).toBe(4);
        expect(uncertain).toMatchObject([{ account: 'alice' }]);
        expect(ofAlice).toHaveLength(made);
        expect(jobs).toMatchObject({ pending: 1, success: 2 });
      }
      expect(world.processes()).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('an answer that never comes', () => {
  it(
    'after the tap was carried out: uncertain, then a look finds the post, and there is one',
    async () => {
      const rack = await openRack([['alice']], ['verify: {settle: 0, second_look: 0.1s}', 'phases: {commit: 4s, cleanup: 4s}']);
      const { world, phones } = rack;
      phones[0]?.setFault(TAP_CARRIED_OUT.fault);
      const drained = await world.cli('--add-folder', folderFor(world, ['alice']), '--run', '--drain');
      expect(drained).toMatchObject({ code: 0 });
      const { stdout } = await world.cli('--events', '--json', '--job', world.jobs()[0]?.id ?? '');
      expect([...stdout.matchAll(/"event_type":"(committing|uncertain|settled|published)"/g)].map(([, type]) => type)).toEqual([
        'committing',
        'uncertain',
        'settled',
      ]);
      expect(world.jobs()).toMatchObject([{ status: 'success', attempts: 1 }]);
      expect(rack.posts()).toHaveLength(1);
      expect(world.processes()).toEqual([]);
    },
    LIMIT_MS,
  );
});

describe('the platform says no', () => {
  it(
    'captcha, suspended, logged out: on hold, failed, never tried again, with the screen as evidence; the others go on',
    async () => {
      const rack = await openRack([['alice'], ['bob'], ['carol'], ['dave']]);
      const { world, phones } = rack;
      phones[0]?.setFault({ name: 'captcha' });
      phones[1]?.setFault({ name: 'suspended' });
      phones[2]?.setFault({ name: 'logged_out' });
      const accounts = ['alice', 'bob', 'carol', 'dave'];
      const drained = await world.cli('--add-folder', folderFor(world, accounts, 2), '--run', '--drain', '--workers', '4');
      expect(drained.code).toBe(4);
      expect(rack.posts().map(({ account }) => account)).toEqual(['dave', 'dave']);
      const { accounts: shown } = await world.status();
      expect(Object.fromEntries(shown.map(({ name, state }) => [name, state]))).toEqual({
        alice: 'hold',
        bob: 'hold',
        carol: 'hold',
        dave: 'active',
      });
      const failed = world.jobs().filter(({ status }) => status === 'failed');
      expect(failed.map(({ account, error_type, attempts }) => [account, error_type, attempts]).sort()).toEqual([
        ['alice', 'captcha', 1],
        ['bob', 'suspended', 1],
        ['carol', 'logged_out', 1],
      ]);
      for (const job of failed) {
        const evidence = readdirSync(world.path(job.screenshot_path));
        expect(evidence).toEqual(expect.arrayContaining(['screen.png', 'source.xml']));
      }
      expect(world.processes()).toEqual([]);
    },
    LIMIT_MS,
  );

  it(
    'somebody else is signed in and ours cannot be switched to: nothing is posted',
    async () => {
      const rack = await openRack([['mallory']]);
      const { world } = rack;
      const drained = await world.cli('--add-accounts', 'alice', '--add-folder', folderFor(world, ['alice']), '--run', '--drain');
      expect(drained.code).toBe(4);
      expect(rack.posts()).toEqual([]);
      const alice = (await world.status()).accounts.find(({ name }) => name === 'alice');
      expect(alice).toMatchObject({ state: 'hold' });
      expect(alice?.reason).toContain('mallory');
    },
    LIMIT_MS,
  );
});
