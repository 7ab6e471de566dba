/** Guards promises 1, 2 and 4 for many workers: no account twice at a time, everything ends, one's trouble is not the others'. */
import { describe, expect, it } from 'vitest';
import { post, type Script, World } from './world.ts';

describe('a crew', () => {
  it('publishes every video once and never lets two workers use one account', async () => {
    const world = await World.with('alice', 'bob', 'carol');
    const ids = Array.from({ length: 30 }, (_, index) => `video-${index}`);
    await world.add(ids);
    const active = new Set<string>();
    let together = 0;
    world.script = async (ctx, act, job) => {
      expect(active.has(job.account)).toBe(false);
      active.add(job.account);
      together = Math.max(together, active.size);
      await world.clock.sleep(200_000, 'posting');
      await ctx.commit();
      act();
      active.delete(job.account);
    };
    const ends = await world.clock.run(world.crew(4).sweep(1));
    expect(ends.filter(({ end }) => end === 'published')).toHaveLength(30);
    expect(new Set(world.posts.map((job) => job.id)).size).toBe(30);
    expect(together).toBe(3);
    const shares = ['alice', 'bob', 'carol'].map((name) => world.posts.filter((job) => job.account === name).length);
    expect(shares).toEqual([10, 10, 10]);
  });

  it('goes on when one worker cannot reach the store for a moment', async () => {
    const world = await World.with('alice', 'bob');
    await world.add(['one', 'two']);
    const claim = world.store.claim.bind(world.store);
    let broken = 1;
    world.store.claim = (request) => (broken-- > 0 ? Promise.reject(new Error('SQLITE_IOERR')) : claim(request));
    const ends = await world.clock.run(world.crew(2).sweep(1));
    expect(ends).toHaveLength(2);
  });

  it.each<[string, (world: World) => Script]>([
    [
      'throws before it has begun',
      () => () => {
        throw new TypeError('publisher is broken');
      },
    ],
    ['hangs for ever', () => () => new Promise<void>(() => {})],
    [
      'goes on after it was broken off',
      (world) => async (ctx, act) => {
        await world.clock.sleep(7_200_000, 'a publisher that does not listen');
        await ctx.commit();
        act();
      },
    ],
    [
      'goes round in circles',
      (world) => async (ctx) => {
        for (;;) {
          ctx.phase('push');
          await world.clock.sleep(60_000, 'round in circles');
        }
      },
    ],
  ])('one worker whose publisher %s does not take the others with it', async (_what, bad) => {
    const world = await World.with('alice', 'bob', 'carol');
    await world.add(['bad'], 'alice', { maxAttempts: 1 });
    await world.add(['one', 'two', 'three', 'four'], 'bob');
    await world.add(['five', 'six', 'seven', 'eight'], 'carol');
    world.scripts.set('bad', bad(world));
    const healthy: number[] = [];
    world.script = async (ctx, act, job) => {
      await world.clock.sleep(200_000, 'posting');
      await post(ctx, act, job);
      healthy.push(world.clock.now());
    };
    const begun = world.clock.now();
    await world.clock.run(world.crew(3).sweep(1));
    expect(world.posts.map(({ id }) => id).sort()).toEqual(['eight', 'five', 'four', 'one', 'seven', 'six', 'three', 'two']);
    // Nobody waited for it: four posts of 200 s, one after the other.
    expect(Math.max(...healthy) - begun).toBe(800_000);
    expect(await world.job('bad')).toMatchObject({ status: 'failed', attempts: 1 });
    await world.clock.advance(7_200_000);
    expect(world.posts.filter(({ id }) => id === 'bad')).toEqual([]);
  });

  it('ends its process when a newer epoch was raised under it: nothing it does would count', async () => {
    const world = await World.with('alice');
    await world.add(['one']);
    const crew = world.crew(2, () => world.stop.abort());
    await world.newLife();
    await world.clock.run(crew.work());
    expect(world.posts).toEqual([]);
    expect(await world.job('one')).toMatchObject({ status: 'pending', attempts: 0 });
  });

  it('sleeps until something falls due, and wakes at once when something is added', async () => {
    const world = await World.with('alice');
    const working = world.crew(1).work();
    await world.clock.untilWaiting('no job can run now');
    await world.add(['later'], 'alice', { publishAtMs: world.clock.now() + 12_000 });
    world.wake.notify();
    await world.clock.advance(11_000);
    expect(world.posts).toHaveLength(0);
    await world.clock.advance(2_000);
    expect(world.posts).toHaveLength(1);
    world.stop.abort();
    await world.clock.run(working);
  });

  it('lets workers sleep through a pause, also while a job is due', async () => {
    const world = await World.with('alice');
    await world.add(['beach']);
    world.forbidden = 'paused by a person';
    void world.crew(1).work();
    await world.clock.advance(60_000);
    expect(world.clock.slept.filter(({ reason }) => reason === 'no job can run now').length).toBeLessThan(5);
  });
});

describe('a drain', () => {
  it('retries what machines did wrong in later passes and says how each pass went', async () => {
    const world = await World.with('alice', 'bob');
    await world.add(['good'], 'alice');
    await world.add(['flaky'], 'bob');
    let failures = 0;
    world.scripts.set('flaky', async (ctx, act) => {
      if (failures++ < 1) throw new Error('connect ECONNREFUSED 127.0.0.1:4723');
      await ctx.commit();
      act();
    });
    const result = await world.clock.run(world.orchestrator(2).drain());
    expect(result).toMatchObject({ pass_count: 2, final_result: 'all_complete' });
    expect(result.pass_history).toMatchObject([
      { pass: 1, jobs_processed: 2, success_count: 1, result: 'retryable_remaining' },
      { pass: 2, jobs_processed: 1, success_count: 1, result: 'all_complete' },
    ]);
    const said = world.logger.messages();
    expect(said).toEqual(
      expect.arrayContaining(['=== PASS 1 OF 3 ===', 'PASS 1 SUMMARY', 'Waiting 30s before next pass...', '=== PASS 2 OF 3 ===']),
    );
    expect(await world.store.value('final_result')).toBe('all_complete');
  });

  it('ends after one pass when only a human can help', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(Object.assign(new Error('suspended'), { category: 'account', type: 'suspended' }));
    expect(await world.clock.run(world.orchestrator(1).drain())).toMatchObject({ pass_count: 1, final_result: 'only_non_retryable' });
  });

  it('does not wait for an account that rests', async () => {
    const world = await World.with('alice');
    world.script = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:4723'));
    await world.add(['one', 'two', 'three'], 'alice');
    const before = world.clock.now();
    const result = await world.clock.run(world.orchestrator(1, 9).drain());
    expect(result.final_result).toBe('only_non_retryable');
    expect(world.clock.now() - before).toBeLessThan(1_800_000);
  });

  it('ends at max_passes', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:4723'));
    expect(await world.clock.run(world.orchestrator(1, 2).drain())).toMatchObject({ pass_count: 2, final_result: 'max_passes_reached' });
  });

  it('that is stopped says that its queue is not empty', async () => {
    const world = await World.with('alice');
    await world.add(['one', 'two'], 'alice');
    world.script = () => {
      world.stop.abort();
      return Promise.reject(new Error('the scheduler is stopping'));
    };
    expect(await world.clock.run(world.orchestrator(1).drain())).toMatchObject({ final_result: 'retryable_remaining' });
  });

  it('is interrupted in its pause', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(new Error('connect ECONNREFUSED 127.0.0.1:4723'));
    const drained = world.orchestrator(1).drain();
    await world.clock.untilWaiting('pause between two passes');
    world.stop.abort();
    expect(await world.clock.run(drained)).toMatchObject({ pass_count: 1 });
  });
});
