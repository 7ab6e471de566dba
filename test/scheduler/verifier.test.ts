/** Guards promises 1 and 2 for posts nobody is sure about: looked at patiently, never posted again without proof, never forgotten. */
import { describe, expect, it } from 'vitest';
import type { Publisher } from '../../src/publishers/publisher.ts';
import type { LockContent } from '../../src/runtime/lock-file.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { EvidenceKeeper } from '../../src/scheduler/evidence.ts';
import { Rests } from '../../src/scheduler/rests.ts';
import { Verifier } from '../../src/scheduler/verifier.ts';
import { post, World } from './world.ts';

const MINUTE = 60_000;
const SETTINGS = { secondLookMs: 20_000, gapsMs: [MINUTE, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 180 * MINUTE], giveUpMs: 12 * 60 * MINUTE };
type Says = 'published' | 'absent' | 'unknown';

/** A job whose answer was lost after the act, and a verifier whose looks say `says`. */
async function doubt(says: (look: number) => Says | Promise<Says>, more: Partial<Publisher> = {}, doubted: readonly LockContent[] = []) {
  const world = await World.with('alice');
  if (more.needs?.device) await world.store.changeAccount('alice', { type: 'assign_device', device: 'phone-1' }, 'test');
  await world.add(['beach', 'forest'], 'alice');
  world.scripts.set('beach', async (ctx, act) => {
    await ctx.commit();
    act();
    throw new Error('socket hang up');
  });
  await world.attempt();
  const looks: number[] = [];
  const publisher: Publisher = {
    ...world.publisher,
    settleMs: 20_000,
    verify: async () => {
      looks.push(world.clock.now());
      return says(looks.length);
    },
    ...more,
  };
  const rests = new Rests(world.clock, 0);
  const holders = await new DoubtedHolders({ store: world.store, isDead: async () => false }).add(doubted, 2);
  const verifier = new Verifier({
    ...world.attemptParts(),
    rests,
    epoch: 1,
    doubted: holders,
    settings: SETTINGS,
    evidence: new EvidenceKeeper('/nowhere', world.logger),
    publisherOf: () => ({ publisher, options: {} }),
    ready: async () => true,
    wake: world.wake,
    progress: world.progress,
  });
  const since = (await world.job('beach')).uncertainMs ?? 0;
  return { world, verifier, looks: () => looks.map((at) => Math.round((at - since) / 1000)), rests, holders };
}

describe('the verifier', () => {
  it('believes a look that finds the post: success, and the account goes on', async () => {
    const { world, verifier, looks } = await doubt(() => 'published');
    void verifier.run(world.stop.signal);
    await world.clock.advance(MINUTE);
    expect(looks()).toEqual([20]);
    expect(await world.job('beach')).toMatchObject({ status: 'success' });
    expect(world.ledger.at(-1)).toMatchObject({ kind: 'confirm' });
    world.script = post;
    expect(await world.attempt()).toMatchObject({ job: { id: 'forest', status: 'success' } });
  });

  it('lets an absent post be tried again, and counts the attempt', async () => {
    const { world, verifier } = await doubt(() => 'absent');
    void verifier.run(world.stop.signal);
    await world.clock.advance(MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'retrying', attempts: 1 });
    expect(world.ledger.at(-1)).toMatchObject({ kind: 'withdraw' });
  });

  it('begins anew with a job that was settled and is in doubt once more', async () => {
    const { world, verifier, looks } = await doubt((look) => (look === 1 ? 'absent' : 'unknown'));
    void verifier.run(world.stop.signal);
    await world.clock.advance(MINUTE);
    expect(await world.attempt()).toMatchObject({ job: { id: 'forest' } });
    expect(await world.attempt()).toMatchObject({ job: { id: 'beach', status: 'uncertain', attempts: 2 } });
    expect((await world.job('beach')).uncertainMs).toBe(world.clock.now());
    await world.clock.advance(MINUTE);
    expect(looks()).toEqual([20, 80, 100]);
  });

  it('looks again with growing gaps, and at last leaves it to a person', async () => {
    const { world, verifier, looks } = await doubt(() => 'unknown');
    void verifier.run(world.stop.signal);
    await world.clock.advance(48 * 60 * MINUTE);
    expect(looks()).toEqual([20, 40, 100, 400, 1_300, 4_900, 15_700, 26_500, 37_300]);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
    expect(await verifier.nextLookMs()).toBeNull();
    expect(await world.attempt()).toBeNull();
    expect(world.logger.messages()).toContainEqual(expect.stringMatching(/^\[ALARM\] .*a person must settle it/));
  });

  it('looks in time, though the clock was years ahead when the doubt was written down', async () => {
    const { world, verifier, looks } = await doubt((look) => (look === 1 ? 'unknown' : 'published'));
    world.clock.setWall(world.clock.now() - 3 * 365 * 24 * 60 * MINUTE);
    void verifier.run(world.stop.signal);
    await world.clock.advance(15_000);
    expect(looks()).toHaveLength(0);
    await world.clock.advance(MINUTE);
    expect(looks()).toHaveLength(2);
    expect(await world.job('beach')).toMatchObject({ status: 'success' });
  });

  it('looks again in time, though the clock was set back by years after a look', async () => {
    const { world, verifier, looks } = await doubt((look) => (look === 1 ? 'unknown' : 'published'));
    void verifier.run(world.stop.signal);
    await world.clock.advance(30_000);
    expect(looks()).toHaveLength(1);
    world.clock.setWall(world.clock.now() - 3 * 365 * 24 * 60 * MINUTE);
    await world.clock.advance(10 * MINUTE);
    expect(looks()).toHaveLength(2);
    expect(await world.job('beach')).toMatchObject({ status: 'success' });
  });

  it('hears of a new doubt when its attempt ends, not at its next idle look', async () => {
    const { world, verifier, looks } = await doubt(() => 'published', { settleMs: 0 });
    const first = await world.job('beach');
    await world.store.change('beach', {
      event: { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'person' },
      claim: null,
      epoch: 1,
      who: 'person',
    });
    void verifier.run(world.stop.signal);
    await world.clock.advance(MINUTE + 10_000);
    world.scripts.set('forest', async (ctx) => {
      await ctx.commit();
      throw new Error('socket hang up');
    });
    await world.attempt();
    world.wake.notify();
    await world.clock.advance(1_000);
    expect(looks()).toHaveLength(1);
    expect(first.status).toBe('uncertain');
    expect(await world.job('forest')).toMatchObject({ status: 'success' });
  });

  it('takes a look that fails for no look at all', async () => {
    const { world, verifier } = await doubt((look) => (look === 1 ? Promise.reject(new Error('no session')) : 'published'));
    void verifier.run(world.stop.signal);
    await world.clock.advance(MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'success' });
  });

  it('gives what a vouched-for holder did last its time to be seen', async () => {
    const holder = { pid: 42, hostname: 'elsewhere', started: '2026-01-05T11:00:00Z' };
    const { world, verifier, looks, holders } = await doubt((look) => (look <= 3 ? 'absent' : 'published'), {}, [holder]);
    void verifier.run(world.stop.signal);
    await world.clock.advance(99_000);
    expect(looks()).toEqual([20, 40]);
    expect(await holders.dismiss('42@elsewhere')).toBe(true);
    await world.clock.advance(10_000);
    expect(looks()).toEqual([20, 40, 100]);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
    await world.clock.advance(5 * MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'success' });
  });

  it('does not believe "absent" when the holder of its claim may live on elsewhere', async () => {
    const { world, verifier } = await doubt(() => 'absent', {}, [{ pid: 42, hostname: 'elsewhere', started: '2026-01-05T11:00:00Z' }]);
    void verifier.run(world.stop.signal);
    await world.clock.advance(60 * MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
  });

  it.each([
    ['phone-1', 'retrying'],
    ['phone-2', 'uncertain'],
  ])('believes "absent" of the phone that has the post in hand, and of no other: seen on %s, the job is %s', async (phone, status) => {
    const { world, verifier } = await doubt(() => 'absent', { needs: { appium: false, device: true } });
    await world.store.changeAccount('alice', { type: 'assign_device', device: phone }, 'test');
    void verifier.run(world.stop.signal);
    await world.clock.advance(60 * MINUTE);
    expect(await world.job('beach')).toMatchObject({ status });
  });

  it('does not believe "absent" while the old publish() may still act', async () => {
    const { world, verifier } = await doubt(() => 'absent');
    const publishing = Promise.withResolvers<void>();
    world.unsettled.watch('beach', publishing.promise);
    void verifier.run(world.stop.signal);
    await world.clock.advance(30_000);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
    publishing.resolve();
    // It may have acted the moment before it ended: its post has as long to appear as any other.
    await world.clock.advance(15_000);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
    await world.clock.advance(MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'retrying' });
  });

  it('says nothing of a try that was begun while it looked at the one before', async () => {
    const during = Promise.withResolvers<Says>();
    const { world, verifier, looks } = await doubt((look) => (look === 1 ? during.promise : 'published'));
    void verifier.run(world.stop.signal);
    await world.clock.advance(20_000);
    const { epoch } = await world.job('beach');
    const event = { type: 'verdict', verdict: 'absent', retryAtMs: 0, by: 'person' } as const;
    await world.store.change('beach', { event, claim: null, epoch, who: 'person' });
    expect(await world.attempt()).toMatchObject({ end: 'uncertain', job: { id: 'beach', attempts: 2 } });
    during.resolve('absent');
    await world.clock.advance(15_000);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
    await world.clock.advance(MINUTE);
    expect(looks()).toHaveLength(2);
    expect(await world.job('beach')).toMatchObject({ status: 'success' });
  });

  it('nor of a phone: its publisher may still open a session', async () => {
    const { world, verifier } = await doubt(() => 'absent', { needs: { appium: false, device: true } });
    const publishing = Promise.withResolvers<void>();
    world.unsettled.watch('beach', publishing.promise);
    void verifier.run(world.stop.signal);
    await world.clock.advance(10 * MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'uncertain' });
    publishing.resolve();
    await world.clock.advance(20 * MINUTE);
    expect(await world.job('beach')).toMatchObject({ status: 'retrying' });
  });

  it('leaves jobs to a person that were never claimed here', async () => {
    const { world, verifier, looks } = await doubt(() => 'absent');
    const job = await world.job('beach');
    await world.store.importJobs([{ ...job, id: 'old', postKey: null, sha256: null, claimedMs: null, account: 'bob' }], 'import');
    void verifier.run(world.stop.signal);
    await world.clock.advance(MINUTE);
    expect(looks()).toHaveLength(1);
    expect(await world.job('old')).toMatchObject({ status: 'uncertain' });
  });

  it('waits for a phone that posts for another account, and keeps workers from it while it looks', async () => {
    const during = Promise.withResolvers<Says>();
    const { world, verifier, rests, looks } = await doubt(() => during.promise, { needs: { appium: false, device: true } });
    await world.store.putAccounts([{ name: 'bob', policy: (await world.store.account('alice'))?.policy as never }]);
    for (const name of ['alice', 'bob']) await world.store.changeAccount(name, { type: 'assign_device', device: 'phone-1' }, 'test');
    await world.add(['bobs'], 'bob');
    const hold = Promise.withResolvers<void>();
    world.scripts.set('bobs', () => hold.promise);
    const attempt = world.worker().round(0, world.stop.signal);
    void verifier.run(world.stop.signal);
    await world.clock.advance(30_000);
    expect(looks()).toEqual([]);
    hold.resolve();
    await world.clock.run(attempt);
    await world.clock.advance(30_000);
    expect(looks()).toHaveLength(1);
    expect(rests.resting()).toEqual(['phone-1']);
    during.resolve('published');
    await world.clock.advance(1_000);
    expect(rests.resting()).toEqual([]);
  });
});
