// Guards promises 2 and 7: a stop is orderly, has a hard end, and a person who insists is heard.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Shutdown } from '../../src/runtime/shutdown.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let logger: MemoryLogger;
let shutdown: Shutdown;

beforeEach(() => {
  clock = new VirtualClock();
  logger = new MemoryLogger();
  shutdown = new Shutdown({ clock, logger, hardAfterMs: 45_000 });
});

afterEach(() => {
  shutdown.done();
});

test('the first request stops claims, the end of its time breaks off the rest', async () => {
  expect(shutdown.reason).toBeNull();
  shutdown.request('stop was ordered');
  expect([shutdown.reason, shutdown.signal.aborted, shutdown.hard.aborted]).toEqual(['stop was ordered', true, false]);
  await clock.advance(44_999);
  expect(shutdown.hard.aborted).toBe(false);
  await clock.advance(1);
  expect(shutdown.hard.aborted).toBe(true);
  expect(shutdown.hard.reason).toMatchObject({ message: 'not stopped within 45000 ms' });
});

test('asking again changes nothing, insisting does', () => {
  shutdown.request('one');
  shutdown.request('two');
  expect([shutdown.reason, shutdown.hard.aborted]).toEqual(['one', false]);
  shutdown.force('now');
  shutdown.force('again');
  expect(shutdown.hard.reason).toMatchObject({ message: 'now' });
  expect(logger.messages().filter((message) => message.startsWith('Stopping now'))).toHaveLength(1);
});

test('to insist at once is to stop at once', () => {
  shutdown.force('now');
  expect([shutdown.signal.aborted, shutdown.hard.aborted]).toEqual([true, true]);
});

test('when all has stopped nothing is left that waits', async () => {
  shutdown.request('one');
  expect(clock.waiting()).toHaveLength(1);
  shutdown.done();
  expect(clock.waiting()).toHaveLength(0);
  await clock.advance(100_000);
  expect(shutdown.hard.aborted).toBe(false);
});

test('the first signal stops in order, the second now; afterwards nobody listens any more', () => {
  const before = [process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')];
  shutdown.onSignals();
  process.emit('SIGTERM', 'SIGTERM');
  expect([shutdown.reason, shutdown.hard.aborted]).toEqual(['SIGTERM', false]);
  process.emit('SIGINT', 'SIGINT');
  expect(shutdown.hard.reason).toMatchObject({ message: 'SIGINT again' });
  shutdown.done();
  expect([process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')]).toEqual(before);
});
