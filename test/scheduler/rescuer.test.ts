/** Guards promises 1 and 2 across deaths: what a dead holder left comes home, and a lost database publishes nothing again. */
import { describe, expect, it } from 'vitest';
import { POST_COUNTS } from '../../src/domain/job.ts';
import { postKey } from '../../src/domain/post-key.ts';
import { missingPosts } from '../../src/stores/posted-lines.ts';
import { shaOf, World } from './world.ts';

const SETTLED = { event: { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'person' }, claim: null, who: 'person' } as const;

/** A worker died while it held `beach`. */
async function afterDeath(committed: boolean): Promise<World> {
  const world = await World.with('alice');
  await world.add(['beach'], 'alice');
  world.script = async (ctx) => {
    if (committed) await ctx.commit();
    await new Promise(() => {});
  };
  void world.worker().round(0, world.stop.signal);
  await world.clock.untilWaiting(committed ? 'limit of phase prepare' : null);
  await world.clock.advance(1);
  await world.newLife();
  return world;
}

describe('a job whose holder died', () => {
  it('before the commit point returns to the queue, its attempt given back and the crash counted', async () => {
    const world = await afterDeath(false);
    expect(await world.rescuer().rescue(true)).toBe(1);
    expect(await world.job('beach')).toMatchObject({ status: 'pending', attempts: 0, crashes: 1, claimToken: null });
  });

  it('is not blamed when the machine itself was restarted', async () => {
    const world = await afterDeath(false);
    await world.rescuer().rescue(false);
    expect(await world.job('beach')).toMatchObject({ status: 'pending', crashes: 0 });
  });

  it('is not blamed when its lease ran out in a process that lives', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => new Promise(() => {});
    void world.worker().round(0, world.stop.signal);
    await world.clock.advance(1_000);
    world.clock.suspend(120_000);
    expect(await world.rescuer().rescue(true)).toBe(1);
    expect(await world.job('beach')).toMatchObject({ status: 'pending', attempts: 0, crashes: 0 });
  });

  it('past the commit point is uncertain and never claimed again', async () => {
    const world = await afterDeath(true);
    await world.rescuer().rescue(true);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain', attempts: 1 });
    await world.clock.advance(3 * 24 * 3_600_000);
    expect(await world.attempt()).toBeNull();
  });

  it('is left alone while its holder lives', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => new Promise(() => {});
    void world.worker().round(0, world.stop.signal);
    await world.clock.advance(30_000);
    expect(await world.rescuer().rescue(true)).toBe(0);
  });
});

describe('a record of a post that the store does not hold as made', () => {
  const entry = (job: string, confirmed: boolean) => ({ account: 'alice', sha256: shaOf(job), repeat: 0, job, atMs: 5_000, confirmed });

  it.each([
    ['uncertain', false],
    ['success', true],
  ])('makes the job %s that an older copy of the database would publish again; confirmed: %s', async (status, confirmed) => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    await world.rescuer().reconcile([entry('beach', confirmed)]);
    expect(await world.job('beach')).toMatchObject({ status, postKey: postKey('alice', shaOf('beach'), 0) });
    expect(await world.attempt()).toBeNull();
    expect(world.posts).toEqual([]);
  });

  it.each([
    ['settles as published', 'success', true],
    ['leaves in doubt', 'uncertain', false],
  ])('%s the job that an older copy of the database holds as under way', async (_what, status, confirmed) => {
    const world = await afterDeath(true);
    await world.rescuer().rescue(true);
    await world
      .rescuer()
      .reconcile(await missingPosts([entry('beach', confirmed)], await world.store.jobs({ statuses: POST_COUNTS }), world.store));
    expect(await world.job('beach')).toMatchObject({ status, postKey: postKey('alice', shaOf('beach'), 0) });
    expect(await world.attempt()).toBeNull();
  });

  it.each(['success', 'uncertain'])('asks a person on its own when its job is the %s of another account by now', async (status) => {
    const world = await World.with('alice', 'bob');
    await world.add(['beach'], 'bob');
    if (status === 'success') await world.attempt();
    else await world.rescuer().reconcile([{ ...entry('beach', false), account: 'bob' }]);
    await world.rescuer().reconcile([entry('beach', false)]);
    expect(await world.job('beach')).toMatchObject({ status, account: 'bob' });
    expect(await world.store.jobs({ statuses: ['uncertain'], account: 'alice' })).toMatchObject([
      { postKey: postKey('alice', shaOf('beach'), 0) },
    ]);
  });

  it('stops no start when another job guards the post already; the one that still waits is skipped when its turn comes', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    const beach = await world.job('beach');
    const posted = { ...beach, id: 'old', sha256: null, status: 'success', committedMs: 1_000 } as const;
    await world.store.importJobs([posted], 'import');
    await world.rescuer().reconcile([entry('beach', false), entry('forest', false)]);
    expect(await world.job('forest')).toMatchObject({ status: 'uncertain' });
    expect(await world.job('beach')).toMatchObject({ status: 'pending' });
    await world.store.change('forest', { ...SETTLED, epoch: 1 });
    expect(await world.attempt()).toMatchObject({ end: 'skipped', job: { id: 'beach', status: 'skipped' } });
    expect(world.posts).toEqual([]);
  });

  it('brings back the job of a deleted database, so that the same folder queues nothing', async () => {
    const world = await World.with('alice', 'bob');
    await world.rescuer().reconcile([entry('beach', true), entry('forest', false)]);
    expect(await world.job('beach')).toMatchObject({ status: 'success', committedMs: 5_000 });
    expect(await world.job('forest')).toMatchObject({ status: 'uncertain' });
    await world.add(['beach', 'forest']);
    expect((await world.store.counts()).pending).toBe(0);
    expect(await world.attempt()).toBeNull();
  });
});
