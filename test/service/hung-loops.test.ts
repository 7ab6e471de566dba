/**
 * Guards promise 3 (alive or replaced): whichever loop of the daemon hangs, the
 * watchdog is not fed any more, the loop is named, and the next life works; and
 * a daemon that only waits, however long, is left in peace.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServiceHome } from '../simulation-day/service-home.ts';
import type { Hung } from '../simulation-day/service-life.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WATCHDOG_MS = 2 * MINUTE;
const NO_FAULTS = { adbNeverAppears: 0, connectionDrops: 0, navigationStuck: 0, account: 0, content: 0, afterCommit: 0 };
const CONFIG = 'timezone: UTC\ndefaults: {app: demo, posts_per_day: 99}\naccounts: [phone-0, phone-1]\nworkers: 2\n';

let home: ServiceHome;
beforeEach(() => {
  home = new ServiceHome({ startMs: Date.UTC(2027, 0, 4, 8), seed: 1, phones: 2, faults: NO_FAULTS, config: CONFIG });
});
afterEach(() => home.close());

/** The scenario, through all the time that it takes. */
const live = (scenario: () => Promise<void>) => home.clock.run(scenario(), 20 * 24 * HOUR);
const pass = (ms: number) => home.clock.sleep(ms, 'the test');
const unfedMs = () => home.clock.now() - home.told.fedMs;
const statuses = (args: readonly unknown[]) => (args[0] as { readonly statuses?: readonly string[] }).statuses?.join() ?? '';

const LOOPS: readonly (readonly [string, Hung, string])[] = [
  ['a worker at its claim', (call) => call === 'store.claim', 'worker'],
  ['a worker that asks for Appium', (call) => call === 'appium.check', 'worker'],
  ['the verifier', (call, args) => call === 'store.jobs' && statuses(args) === 'uncertain', 'verifier'],
  ['the status board', (call, args) => call === 'store.setValue' && args[0] === 'live', 'status board'],
  ['the rounds of the house', (call) => call === 'phones.list', 'rounds'],
  ['the look for what is too late', (call) => call === 'store.wishedBefore', 'Too late'],
  ['the snapshot', (call) => call === 'files.write', 'tick snapshot'],
  ['the housekeeping', (call) => call === 'store.maintain', 'tick housekeeping'],
  ['the reaper', (call) => call === 'store.resources', 'tick sweep'],
  ['the sweep of evidence', (call, args) => call === 'store.jobs' && statuses(args).includes('failed'), 'tick evidence'],
];

/** Hours of a daemon, mostly waits for its files: up to 2.7 s each at a load of 9 on two cores. */
const LIMITS = { timeout: 60_000 };

describe('a loop that hangs ends the feeding, is named, and the next life works', LIMITS, () => {
  it.each(LOOPS)('%s', async (_what, hung, name) => {
    await live(async () => {
      await home.start();
      await home.addJobs(40);
      await pass(10 * MINUTE);
      expect(home.told.longestUnfedMs).toBeLessThan(WATCHDOG_MS);
      home.life.hung = hung;
      // What comes once an hour comes at 17 and 30 minutes past, and may take ten.
      await pass(35 * MINUTE);
      expect(unfedMs()).toBeGreaterThan(WATCHDOG_MS);
      expect(home.told.status).toMatch(new RegExp(`^No progress: ${name}`));
      await home.kill();
      await home.addJobs(2);
      await pass(5 * MINUTE);
      expect(home.told.ready).toBe(2);
      expect(unfedMs()).toBeLessThan(WATCHDOG_MS);
      await home.life.stop();
    });
  });

  it('the words to the service manager themselves', async () => {
    await live(async () => {
      await home.start();
      await pass(5 * MINUTE);
      home.life.hung = (call) => call === 'store.counts';
      await pass(5 * MINUTE);
      expect(unfedMs()).toBeGreaterThan(WATCHDOG_MS);
      await home.kill();
      await home.life.stop();
    });
  });

  it('a start that comes to no end, though it was said to be ready', async () => {
    await live(async () => {
      await home.start((call) => call === 'store.resources');
      await pass(10 * MINUTE);
      expect(home.told.status).toMatch(/^No progress: scheduler has been in "starting"/);
      expect(unfedMs()).toBeGreaterThan(WATCHDOG_MS);
      await home.kill();
      await home.life.stop();
    });
  });
});

describe('whoever only waits is fed all the time', LIMITS, () => {
  it('for Appium, half a day, with posts that are due', async () => {
    await live(async () => {
      await home.start();
      await pass(20 * MINUTE);
      home.appium.die(12 * HOUR);
      await home.addJobs(4);
      await pass(11 * HOUR);
      expect(home.told.status).toContain('Appium is not ready');
      await pass(2 * HOUR);
      expect(home.rack.posts).toHaveLength(4);
      await home.life.stop();
    });
    expect(home.told.longestUnfedMs).toBeLessThan(WATCHDOG_MS);
  });

  it('for a phase that may take five hours', async () => {
    home.write(`${CONFIG}phases: {prepare: 5h}\n`);
    await live(async () => {
      await home.start();
      home.life.hung = (call) => call === 'publisher.publish';
      await home.addJobs(2);
      await pass(4 * HOUR);
      expect(home.told.status).toContain('posting for');
      await pass(2 * HOUR);
      await home.kill();
      await home.life.stop();
    });
    expect(home.told.longestUnfedMs).toBeLessThan(WATCHDOG_MS);
  });
});
