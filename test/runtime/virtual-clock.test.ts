// Guards the tests themselves: virtual time wakes sleepers in order, and lets what they start run before the next one.
import { expect, test } from 'vitest';
import { LimitExceeded, withLimit } from '../../src/runtime/clock.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

test('sleepers wake by due time, then by the order in which they lay down', async () => {
  const clock = new VirtualClock(0);
  const woken: string[] = [];
  const sleeper = async (name: string, ms: number, again: number) => {
    await clock.sleep(ms, name);
    woken.push(`${name}@${clock.now()}`);
    if (again > 0) await sleeper(name, again, 0);
  };
  const all = Promise.all([sleeper('b', 20, 5), sleeper('a', 10, 100), sleeper('c', 20, 0)]);
  await clock.advance(24);
  expect(woken).toEqual(['a@10', 'b@20', 'c@20']);
  expect(clock.waiting()).toEqual([
    { reason: 'b', atMs: 25 },
    { reason: 'a', atMs: 110 },
  ]);
  await clock.run(all);
  expect(woken.slice(3)).toEqual(['b@25', 'a@110']);
});

test('an abort wakes at once with false; an aborted signal does not sleep', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(1_000, 'x', stop.signal);
  await clock.untilWaiting('x');
  stop.abort();
  expect(await sleeping).toBe(false);
  expect(await clock.sleep(1_000, 'x', stop.signal)).toBe(false);
  expect(clock.waiting()).toEqual([]);
});

test('a machine that sleeps loses monotonic time only', async () => {
  const clock = new VirtualClock(0);
  await clock.advance(5);
  clock.suspend(1_000);
  expect([clock.now(), clock.monotonic()]).toEqual([1_005, 5]);
  clock.setWall(77);
  expect([clock.now(), clock.monotonic()]).toEqual([77, 5]);
});

test('limits are kept in virtual time', async () => {
  const clock = new VirtualClock();
  const never = withLimit(clock, { ms: 5_000, reason: 'an answer' }, () => new Promise<void>(() => {}));
  await expect(clock.run(never)).rejects.toBeInstanceOf(LimitExceeded);
  await expect(clock.run(clock.sleep(10_000, 'long'), 5_000)).rejects.toThrow('waiting for: long');
});
