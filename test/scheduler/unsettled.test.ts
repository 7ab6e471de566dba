/** Guards promise 1: as long as a publisher may still act, or its post is on its way, nobody believes that the post is absent. */
import { expect, it } from 'vitest';
import { Unsettled } from '../../src/scheduler/unsettled.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const SETTLE_MS = 20_000;

it('knows a call while it runs, and for as long after its end as its post may need to be seen', async () => {
  const clock = new VirtualClock();
  const unsettled = new Unsettled(clock);
  await clock.advance(SETTLE_MS);
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  unsettled.watch('beach', first.promise);
  unsettled.watch('beach', second.promise);
  first.reject(new Error('broken off'));
  await clock.advance(SETTLE_MS);
  expect(unsettled.has('beach', 0)).toBe(true);
  second.resolve();
  await clock.advance(SETTLE_MS - 1);
  expect([unsettled.has('beach', 0), unsettled.has('beach', SETTLE_MS)]).toEqual([false, true]);
  await clock.advance(1);
  expect(unsettled.has('beach', SETTLE_MS)).toBe(false);
});

it('counts what an earlier life may have done last from its own birth on, whatever the wall clock says', async () => {
  const clock = new VirtualClock();
  const unsettled = new Unsettled(clock);
  clock.setWall(clock.now() + 3_600_000);
  expect(unsettled.has('beach', SETTLE_MS)).toBe(true);
  await clock.advance(SETTLE_MS);
  expect(unsettled.has('beach', SETTLE_MS)).toBe(false);
});
