// Guards promises 2 and 5: an old wish is skipped with a reason, never blasted out; what is put off for a week calls a person.
import { beforeEach, describe, expect, test } from 'vitest';
import { TooLate } from '../../src/scheduler/too-late.ts';
import { Worker } from '../../src/scheduler/worker.ts';
import { World } from './world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let world: World;
beforeEach(async () => {
  world = await World.with('alice', 'bob');
});

function tooLate(): TooLate {
  const { store, clock, logger, progress } = world;
  return new TooLate({ store, clock, logger, progress, epoch: 1, tooLateMs: DAY });
}

describe('after an outage', () => {
  test('what is past its own publish_at by more than too_late is skipped with a reason; what has no wish of its own is published however late', async () => {
    const now = world.clock.now();
    await world.add(['wished'], 'alice', { publishAtMs: now + HOUR });
    await world.add(['just-in-time'], 'bob', { publishAtMs: now + HOUR + 2 });
    await world.add(['no-wish'], 'alice');
    await world.clock.advance(DAY + HOUR + 1);
    expect(await tooLate().sweep()).toBe(1);
    expect(await world.job('wished')).toMatchObject({ status: 'skipped', attempts: 0 });
    expect((await world.job('wished')).note).toMatch(/^too late: it was to be published at 2026-01-05T13:00:00.000Z, more than 24h ago$/);
    while ((await world.attempt()) !== null);
    expect(world.posts.map(({ id }) => id)).toEqual(['no-wish', 'just-in-time']);
  });

  test('a retrying job is too late too, an uncertain one never', async () => {
    await world.add(['retrying'], 'alice', { publishAtMs: world.clock.now() });
    await world.add(['doubtful'], 'bob', { publishAtMs: world.clock.now() });
    world.script = async (ctx, act, job) => {
      if (job.id === 'doubtful') {
        await ctx.commit();
        act();
      }
      throw new Error('error: device offline');
    };
    while ((await world.attempt()) !== null);
    await world.clock.advance(2 * DAY);
    expect(await tooLate().sweep()).toBe(1);
    expect((await world.job('retrying')).status).toBe('skipped');
    expect((await world.job('doubtful')).status).toBe('uncertain');
  });

  test('also at the claim, for the moment between two sweeps', async () => {
    await world.add(['wished'], 'alice', { publishAtMs: world.clock.now() });
    await world.clock.advance(DAY);
    const { clock, random, logger, progress } = world;
    const parts = { attempt: world.attemptParts(), clock, random, logger, progress, epoch: 1, onlyAccounts: null };
    const rests = { begin() {}, resting: () => [] } as never;
    const worker = new Worker(1, { ...parts, rests, ready: async () => true, tooLate: tooLate() });
    expect((await world.clock.run(worker.round(0, world.stop.signal)))?.end).toBe('skipped');
    expect(world.posts).toEqual([]);
    expect(await world.job('wished')).toMatchObject({ status: 'skipped', worker: null, claimToken: null });
  });

  test('a person who orders it all the same is obeyed', async () => {
    await world.add(['wished'], 'alice', { publishAtMs: world.clock.now() });
    await world.clock.advance(2 * DAY);
    await tooLate().sweep();
    await world.store.change('wished', { event: { type: 'retry', grant: 3 }, claim: null, epoch: 1, who: 'person' });
    expect(await tooLate().sweep()).toBe(0);
    expect((await world.attempt())?.end).toBe('published');
  });

  test('sweeps before the workers begin, and every minute', async () => {
    await world.add(['old'], 'alice', { publishAtMs: world.clock.now() - 2 * DAY });
    await world.add(['soon'], 'bob', { publishAtMs: world.clock.now() - DAY + 30_000 });
    const part = tooLate().part();
    await part.start?.();
    expect((await world.job('old')).status).toBe('skipped');
    await world.clock.advance(60_000);
    expect((await world.job('soon')).status).toBe('skipped');
    await part.stop();
  });
});

describe('a job that is put off again and again', () => {
  test('calls a person once after defer_limit, and is tried on', async () => {
    await world.add(['one'], 'alice');
    let mended = false;
    const well = world.script;
    world.script = async (...given) => {
      if (mended) return well(...given);
      throw Object.assign(new Error('the folder /videos is not there'), { category: 'configuration', type: 'file_missing' });
    };
    const alarms = () => world.logger.messages().filter((line) => line.includes('[ALARM] Job one'));
    // Every hour instead of every minute, for the test's sake.
    for (let hour = 0; hour < 167; hour += 1) {
      await world.attempt();
      await world.clock.advance(HOUR);
    }
    expect(alarms()).toEqual([]);
    for (let hour = 0; hour < 5; hour += 1) {
      await world.clock.advance(HOUR);
      await world.attempt();
    }
    expect(alarms()).toEqual(['[ALARM] Job one has been put off for 7d 0h, a person is needed: the folder /videos is not there']);
    expect(await world.store.events({ types: ['deferred_long'] })).toHaveLength(1);
    expect(await world.job('one')).toMatchObject({ attempts: 0, deferrals: 172 });
    mended = true;
    await world.clock.advance(HOUR);
    expect((await world.attempt())?.end).toBe('published');
  });
});
