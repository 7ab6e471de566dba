/**
 * Guards promises 1 and 2 against publishers that break their contract:
 * whatever they do, nothing goes out twice, the right job comes before a human,
 * and the error code says what happened. What must not burn a job is in
 * attempt.test.ts. Time is virtual: blocking is time that passes on both
 * clocks while nothing else runs.
 */
import { describe, expect, it } from 'vitest';
import type { PublishContext } from '../../src/publishers/publisher.ts';
import { LEASE_MS } from '../../src/scheduler/lease.ts';
import { type Script, World } from './world.ts';

const never = () => new Promise<void>(() => {});
const LONGER_THAN_THE_LEASE_MS = LEASE_MS + 30_000;

async function oneVideo(script: Script): Promise<World> {
  const world = await World.with('alice');
  await world.add(['beach']);
  world.script = script;
  return world;
}

/** What commit() threw; the publisher itself swallows it. */
async function refusal(ctx: PublishContext): Promise<unknown> {
  return await ctx.commit().then(
    () => 'it resolved',
    (error: unknown) => (error as { code?: unknown }).code,
  );
}

/** Days later: no other attempt may have posted. */
async function afterDays(world: World): Promise<void> {
  world.script = async (ctx, act) => {
    await ctx.commit();
    act();
  };
  await world.clock.advance(7 * 24 * 3_600_000);
}

describe('a publisher that blocks the event loop for longer than its lease', () => {
  it('before commit(): it comes too late, nothing is posted or recorded, and the job is tried again', async () => {
    const codes: unknown[] = [];
    const world = await oneVideo(async (ctx) => {
      world.clock.block(LONGER_THAN_THE_LEASE_MS);
      codes.push(await refusal(ctx));
      throw new Error('not allowed');
    });
    expect(await world.attempt()).toMatchObject({ end: 'retrying' });
    expect(codes).toEqual(['COMMIT_TOO_LATE']);
    expect(world.posts).toEqual([]);
    expect(world.ledger).toEqual([]);
    await afterDays(world);
    expect(await world.attempt()).toMatchObject({ end: 'published' });
    expect(world.posts).toHaveLength(1);
  });

  it('between commit() and the act: the one post stands, and nobody else could take the account meanwhile', async () => {
    const world = await oneVideo(async (ctx, act) => {
      await ctx.commit();
      world.clock.block(LONGER_THAN_THE_LEASE_MS);
      act();
    });
    await world.add(['forest'], 'alice');
    expect(['published', 'uncertain']).toContain((await world.attempt())?.end);
    expect(world.posts.map(({ id }) => id)).toEqual(['beach']);
    await afterDays(world);
    await world.attempt();
    expect(world.posts.filter(({ id }) => id === 'beach')).toHaveLength(1);
  });

  it('between commit() and the act, while a successor takes the home over: uncertain, for a person, and never tried again', async () => {
    const world = await oneVideo(async (ctx, act) => {
      await ctx.commit();
      await world.newLife();
      await world.rescuer().rescue(true);
      world.clock.block(LONGER_THAN_THE_LEASE_MS);
      act();
    });
    expect(await world.attempt()).toMatchObject({ end: 'lost' });
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain', failure: { uncertain: true } });
    await afterDays(world);
    expect(await world.attempt()).toBeNull();
    expect(world.posts).toHaveLength(1);
  });
});

describe('a publisher that keeps no order', () => {
  it('calls commit() twice: the second throws COMMIT_TWICE, and the job comes before a human', async () => {
    const codes: unknown[] = [];
    const world = await oneVideo(async (ctx, act) => {
      await ctx.commit();
      act();
      codes.push(await refusal(ctx));
      throw new Error('confused');
    });
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { status: 'uncertain' } });
    expect(codes).toEqual(['COMMIT_TWICE']);
    await afterDays(world);
    expect(await world.attempt()).toBeNull();
    expect(world.posts).toHaveLength(1);
  });

  it('forgets commit(): PUBLISHER_NO_COMMIT names the job, which is not tried again, and stops the others', async () => {
    const world = await oneVideo(async (_ctx, act) => act());
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { failure: { type: 'publisher_no_commit' } } });
    expect(world.paused).toEqual([expect.stringContaining('commit()')]);
    world.forbidden = null; // a person resumed
    await afterDays(world);
    expect(await world.attempt()).toBeNull();
    expect(world.posts).toHaveLength(1);
  });

  it('commits and never settles: it is broken off at the limit of its phase, and the job is uncertain', async () => {
    const world = await oneVideo(async (ctx, act) => {
      ctx.phase('commit');
      await ctx.commit();
      act();
      await never();
    });
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { failure: { phase: 'commit', uncertain: true } } });
    await afterDays(world);
    expect(await world.attempt()).toBeNull();
    expect(world.posts).toHaveLength(1);
  });

  it('calls commit() in the background and returns: what it may do later is not believed to be nothing', async () => {
    const world = await oneVideo(async (ctx, act) => {
      void ctx.commit().then(act, () => undefined);
    });
    expect((await world.attempt())?.end).not.toBe('retrying');
    await afterDays(world);
    await world.attempt();
    expect(world.posts.length).toBeLessThanOrEqual(1);
  });
});
