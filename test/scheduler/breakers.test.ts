// Guards promise 4: one dead phone never cools its accounts, one app update raises one alarm, and a restart forgets neither.
import { describe, expect, test } from 'vitest';
import { SchedulerError } from '../../src/errors.ts';
import { post, type Script, World } from './world.ts';

const MINUTE = 60_000;
const adbDead: Script = async () => {
  throw new Error('error: device offline');
};
const screenGone: Script = async () => {
  throw new SchedulerError('UNKNOWN_SCREEN', { details: { step: 'pick a video' } });
};

/** Accounts by phone: `{p: ['alice', 'bob']}`. */
async function rack(phones: Readonly<Record<string, readonly string[]>>, jobsEach = 3): Promise<World> {
  const world = await World.with(...Object.values(phones).flat());
  for (const [device, accounts] of Object.entries(phones)) {
    for (const name of accounts) {
      await world.store.changeAccount(name, { type: 'assign_device', device }, 'test');
      await world.add(
        Array.from({ length: jobsEach }, (_, index) => `${name}-${index + 1}`),
        name,
      );
    }
  }
  return world;
}

async function attempts(world: World, most: number): Promise<number> {
  let made = 0;
  while (made < most && (await world.attempt()) !== null) made += 1;
  return made;
}

async function failuresOf(world: World): Promise<Record<string, number>> {
  const accounts = await world.store.accounts(world.clock.now());
  return Object.fromEntries(accounts.map(({ name, consecutiveFailures }) => [name, consecutiveFailures]));
}

const alarms = (world: World) => world.logger.messages().filter((line) => line.includes('[ALARM]'));

describe('a dead phone', () => {
  test('rests after two failures and cools none of its accounts; the others go on', async () => {
    const world = await rack({ dead: ['alice', 'bob'], sound: ['carol', 'dave'] });
    world.script = (ctx, act, job) => (job.device === 'dead' ? adbDead : post)(ctx, act, job);
    expect(await attempts(world, 50)).toBe(8);
    expect(await failuresOf(world)).toEqual({ alice: 0, bob: 0, carol: 0, dave: 0 });
    expect(world.posts).toHaveLength(6);
    expect(await world.store.events({ types: ['account_cooldown'] })).toEqual([]);
  });

  test('is tried by one job after its rest; failed trials are given back and raise one alarm, a good one ends it', async () => {
    const world = await rack({ dead: ['alice', 'bob'] });
    world.script = adbDead;
    expect(await attempts(world, 50)).toBe(2);
    expect(alarms(world)).toEqual([]);
    for (const rest of [0.25, 0.5, 1, 2]) {
      await world.clock.advance(rest * MINUTE);
      expect(await world.attempt()).toMatchObject({ end: 'deferred' });
      expect(await world.attempt()).toBeNull();
    }
    const retried = (await world.store.jobs({})).filter(({ attempts: made }) => made > 0);
    expect(retried).toHaveLength(1);
    expect(alarms(world)).toEqual([
      expect.stringMatching(/^\[ALARM\] Phone dead failed 4 times in a row and rests until .*device offline$/),
    ]);
    expect(await world.store.events({ types: ['breaker_opened'] })).toHaveLength(1);
    await world.clock.advance(4 * MINUTE);
    world.script = post;
    expect(await attempts(world, 50)).toBe(6);
    expect(await failuresOf(world)).toEqual({ alice: 0, bob: 0 });
    expect(await world.store.value('breakers')).toEqual([]);
    expect(world.logger.messages()).toContain('Phone dead works again');
  });

  test('of one account only is that account: three failures in a row cool it (seed 003)', async () => {
    const world = await rack({ alone: ['alice'], other: ['bob'] });
    world.script = (ctx, act, job) => (job.account === 'alice' ? adbDead : post)(ctx, act, job);
    await attempts(world, 50);
    const alice = await world.store.account('alice');
    expect(alice?.consecutiveFailures).toBe(3);
    expect(alice?.cooldownUntilMs).toBe(world.clock.now() + 30 * MINUTE);
    expect(world.logger.messages()).toContain('Account alice on cooldown for 30min after 3 consecutive failures');
  });

  test('still rests after a restart', async () => {
    const world = await rack({ dead: ['alice', 'bob'] });
    world.script = adbDead;
    await attempts(world, 50);
    await world.newLife();
    await world.clock.advance(MINUTE / 4 - 1);
    expect(await world.attempt()).toBeNull();
    await world.clock.advance(1);
    expect(await world.attempt()).not.toBeNull();
  });

  test('that a person has mended is used at once', async () => {
    const world = await rack({ dead: ['alice', 'bob'] });
    world.script = adbDead;
    await attempts(world, 50);
    await world.breakers.reset();
    await world.clock.advance(MINUTE);
    world.script = post;
    expect(await attempts(world, 50)).toBe(6);
  });
});

describe('an app that was updated', () => {
  const phones = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, [`a${n}`, `b${n}`]]));

  test('raises one alarm and pauses, instead of forty cooldowns', async () => {
    const world = await rack(phones, 2);
    world.script = screenGone;
    expect(await attempts(world, 500)).toBe(5);
    expect(alarms(world)).toEqual([expect.stringContaining('App demo (step pick a video) failed 5 times in a row')]);
    // Only of the first could nobody know better.
    expect(Object.entries(await failuresOf(world)).filter(([, failures]) => failures > 0)).toEqual([['a0', 2]]);
    await world.clock.advance(2 * MINUTE);
    expect(await attempts(world, 500)).toBe(1);
    expect(alarms(world)).toHaveLength(1);
  });

  test('is tried by one account while the others wait, and all go on when that works', async () => {
    const world = await rack(phones, 1);
    world.script = screenGone;
    await attempts(world, 500);
    await world.clock.advance(2 * MINUTE);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.script = async (ctx, act, job) => {
      await held;
      await post(ctx, act, job);
    };
    const trial = world.worker(1).round(0, world.stop.signal);
    await world.clock.untilWaiting('next renewal of the lease');
    expect(await world.worker(2).round(0, world.stop.signal)).toBeNull();
    release();
    expect((await trial)?.end).toBe('published');
    world.script = post;
    expect(await attempts(world, 500)).toBe(39);
  });
});

describe('an app that was updated, when its version is known', () => {
  const fleet = (phones: number) => Object.fromEntries(Array.from({ length: phones }, (_, n) => [`p${n}`, [`a${n}`, `b${n}`]]));
  /** Of each phone; the broken ones miss a screen. */
  const app = (versionOf: (device: string) => string, broken: readonly string[]): Script => {
    return async (ctx, act, job) => {
      const version = versionOf(job.device ?? '');
      ctx.appVersion(version);
      await (broken.includes(version) ? screenGone : post)(ctx, act, job);
    };
  };

  test('eighty accounts raise one alarm, which names the version', async () => {
    const world = await rack(fleet(40), 1);
    world.script = app(() => '2.0', ['2.0']);
    expect(await attempts(world, 500)).toBe(5);
    for (const rest of [2, 4, 8]) {
      await world.clock.advance(rest * MINUTE);
      expect(await attempts(world, 500)).toBe(1);
    }
    expect(alarms(world)).toEqual([expect.stringContaining('App demo 2.0 (step pick a video) failed 5 times in a row')]);
    expect(await world.store.events({ types: ['breaker_opened'] })).toHaveLength(1);
    expect(await world.store.events({ types: ['account_cooldown'] })).toEqual([]);
  });

  test('phones that have another version go on; of the others each is tried once, and none of their accounts is charged', async () => {
    const world = await rack(fleet(20), 2);
    const updated = (device: string) => Number(device.slice(1)) % 2 === 0;
    world.script = app((device) => (updated(device) ? '2.0' : '1.0'), ['2.0']);
    await attempts(world, 500);
    expect(world.posts).toHaveLength(40);
    expect(world.posts.every(({ device }) => !updated(device ?? ''))).toBe(true);
    expect(alarms(world)).toEqual([expect.stringContaining('App demo 2.0 (step')]);
    expect(await world.store.events({ types: ['account_cooldown'] })).toEqual([]);
    await world.clock.advance(2 * MINUTE);
    // One trial, on a phone that has it.
    expect(await attempts(world, 500)).toBe(1);
    expect(alarms(world)).toHaveLength(1);
  });

  test('a newer version begins with a clean slate, and the old breaker goes with the last phone that had its version', async () => {
    const world = await rack(fleet(6), 2);
    world.script = app(() => '2.0', ['2.0']);
    await attempts(world, 500);
    await world.clock.advance(2 * MINUTE);
    world.script = app(() => '2.1', []);
    await attempts(world, 500);
    expect(world.posts).toHaveLength(24);
    expect(await world.store.value('breakers')).toEqual([]);
    expect(world.logger.messages()).toContain('App demo 2.0 (step pick a video) is on no phone any more: 2.1 is');
    expect(alarms(world)).toHaveLength(1);
  });

  test('a newer version that fails too is counted by itself', async () => {
    const world = await rack(fleet(6), 3);
    world.script = app(() => '2.0', ['2.0']);
    await attempts(world, 500);
    await world.clock.advance(2 * MINUTE);
    world.script = app(() => '3.0', ['3.0']);
    expect(await world.attempt()).not.toBeNull();
    const stored = (await world.store.value('breakers')) as readonly { name: string; failures: number; untilMs: number | null }[];
    expect(stored.find(({ name }) => name.startsWith('demo 3.0:'))).toMatchObject({ failures: 1, untilMs: null });
    expect(alarms(world)).toHaveLength(1);
  });

  test('a success of which nobody knows the version, and a breaker of an older program, are about the app as a whole', async () => {
    const world = await rack(fleet(6), 2);
    const old = { kind: 'flow', name: 'demo:pick', failures: 5, accounts: ['a0'], devices: [], openings: 1, untilMs: 1, why: 'x' };
    await world.store.setValue('breakers', [old, { ...old, name: 'demo 2.0:pick', app: 'demo', version: '2.0', seenOn: ['p0'] }]);
    world.script = post;
    expect(await world.attempt()).toMatchObject({ end: 'published' });
    expect(await world.store.value('breakers')).toEqual([]);
  });
});

test('a server that fails several accounts rests for all of them, and none is charged but the first', async () => {
  const world = await rack({ p: ['alice', 'bob'], q: ['carol', 'dave'] }, 2);
  world.script = async () => {
    throw Object.assign(new Error('the server answered nonsense'), { category: 'infrastructure', type: 'appium_crash' });
  };
  expect(await attempts(world, 50)).toBe(4);
  expect(await failuresOf(world)).toEqual({ alice: 2, bob: 0, carol: 0, dave: 0 });
  await world.clock.advance(MINUTE);
  world.script = post;
  expect(await attempts(world, 50)).toBe(8);
});

test('a post that may be on its way is in doubt, however broken its phone is known to be', async () => {
  const world = await rack({ dead: ['alice', 'bob'] });
  world.script = adbDead;
  expect(await attempts(world, 50)).toBe(2);
  await world.clock.advance(0.25 * MINUTE);
  world.script = async () => {
    throw new Error('error: device offline', { cause: new Error('Sharing to Reels…') });
  };
  expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { status: 'uncertain' } });
});

test('content and account trouble count for no phone', async () => {
  const world = await rack({ p: ['alice', 'bob'] }, 2);
  world.script = async () => {
    throw Object.assign(new Error('the video is corrupt'), { category: 'content', type: 'corrupt_video' });
  };
  expect(await attempts(world, 50)).toBe(4);
  expect(await world.store.value('breakers')).toBeNull();
});
