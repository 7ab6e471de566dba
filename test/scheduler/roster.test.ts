/** Guards promise 5: what people decide about accounts holds across restarts; an account that leaves the YAML posts nothing more. */
import { describe, expect, it } from 'vitest';
import { applyRoster } from '../../src/scheduler/roster.ts';
import { POLICY, World } from './world.ts';

describe('the roster', () => {
  it('adds those of the YAML, keeps those added by hand, and gives all the policy in force', async () => {
    const world = await World.with('byhand');
    const policyOf = (name: string) => ({ ...POLICY, postsPerDay: name === 'alice' ? 2 : 7 });
    await applyRoster({ store: world.store, nowMs: world.clock.now(), named: ['alice'], policyOf });
    expect(await world.store.account('alice')).toMatchObject({ policy: { postsPerDay: 2 }, state: 'active' });
    expect(await world.store.account('byhand')).toMatchObject({ policy: { postsPerDay: 7 }, state: 'active' });
  });

  it('pauses one that leaves the YAML, keeps its history, and lets it go on when it comes back', async () => {
    const world = await World.with();
    const apply = (...named: string[]) => applyRoster({ store: world.store, nowMs: world.clock.now(), named, policyOf: () => POLICY });
    await apply('alice');
    await apply();
    expect(await world.store.account('alice')).toMatchObject({ state: 'paused', reason: 'it is not in scheduler.yaml any more' });
    await world.add(['beach'], 'alice');
    expect(await world.attempt()).toBeNull();
    await apply('alice');
    expect(await world.store.account('alice')).toMatchObject({ state: 'active' });
  });

  it('leaves a hold to the person who must clear it', async () => {
    const world = await World.with();
    const apply = (...named: string[]) => applyRoster({ store: world.store, nowMs: world.clock.now(), named, policyOf: () => POLICY });
    await apply('alice');
    await world.store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'worker');
    await apply();
    await apply('alice');
    expect(await world.store.account('alice')).toMatchObject({ state: 'hold' });
  });
});
