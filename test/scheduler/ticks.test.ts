/** Guards promises 1 and 7: events go when they are old, and what says that a post was settled stays. */
import { expect, it } from 'vitest';
import { housekeep } from '../../src/scheduler/ticks.ts';
import { World } from './world.ts';

const DAY = 86_400_000;

it('forgets events older than the retention, but never what was settled', async () => {
  const world = await World.with('alice');
  await world.add(['beach'], 'alice');
  world.script = async (ctx) => {
    await ctx.commit();
    throw new Error('socket hang up');
  };
  await world.attempt();
  const change = {
    event: { type: 'verdict', verdict: 'absent', retryAtMs: null, by: 'person' },
    claim: null,
    epoch: 1,
    who: 'person',
  } as const;
  await world.store.change('beach', change);
  await world.clock.advance(90 * DAY + 1);
  await world.store.recordEvent({ type: 'publisher_paused', epoch: 1, who: 'test' });
  await housekeep({ store: world.store, clock: world.clock, eventsMs: 90 * DAY });
  expect((await world.store.events({})).map(({ type }) => type)).toEqual(['settled', 'publisher_paused']);
});
