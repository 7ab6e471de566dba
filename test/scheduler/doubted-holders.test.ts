/** Guards promise 1 against holders that were replaced unseen: each is doubted, for what it may have in hand, until it is proven or said to be gone. */
import { expect, it } from 'vitest';
import type { LockContent } from '../../src/runtime/lock-file.ts';
import { DoubtedHolders, holderName } from '../../src/scheduler/doubted-holders.ts';
import { World } from './world.ts';

const holder = (pid: number): LockContent => ({ pid, hostname: 'rack', started: '2026-01-05T11:00:00Z' });

it('doubts every one of them, over lives; the dead are no longer asked for', async () => {
  const world = await World.with('alice');
  await world.add(['beach']);
  const beach = { ...(await world.job('beach')), epoch: 2 };
  const dead = new Set<number>();
  const ofALife = () => new DoubtedHolders({ store: world.store, isDead: async ({ pid }) => dead.has(pid) });
  await ofALife().add([holder(1), holder(2)], 3);
  await ofALife().add([], 4);
  const holders = await ofALife().add([holder(3)], 5);
  expect((await holders.all()).map(holderName)).toEqual(['1@rack', '2@rack', '3@rack']);

  dead.add(1);
  expect(await holders.holderOf(beach)).toMatchObject({ pid: 2 });
  expect(await holders.dismiss('4@rack')).toBe(false);
  expect(await holders.dismiss('2@rack')).toBe(true);
  expect(await holders.holderOf(beach)).toMatchObject({ pid: 3 });
  // What was claimed after it was replaced is in no hand of its.
  expect(await holders.holderOf({ ...beach, epoch: 4 })).toMatchObject({ pid: 3 });
  expect(await holders.holderOf({ ...beach, epoch: 5 })).toBeNull();
});
