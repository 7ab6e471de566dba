// Guards promises 2 and 7: a stop is orderly, has a hard end, and a person who insists is heard.
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
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

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
const CAUGHT = [...SIGNALS, 'unhandledRejection'] as const;

test.each(SIGNALS)('the first %s stops in order, the second signal now; afterwards one does nothing', (name) => {
  listenForThisTest();
  process.emit(name, name);
  expect([shutdown.reason, shutdown.hard.aborted]).toEqual([name, false]);
  process.emit('SIGINT', 'SIGINT');
  expect(shutdown.hard.reason).toMatchObject({ message: 'SIGINT again' });

  const later = new Shutdown({ clock, logger, hardAfterMs: 45_000 });
  later.onSignals();
  const caught = process.listenerCount(name);
  later.done();
  // Still caught, or it would end the process while the home is being closed.
  expect(process.listenerCount(name)).toBe(caught);
  process.emit(name, name);
  expect(later.reason).toBeNull();
});

/** The signals stay caught for the rest of a process's life; a test's process goes on. */
function listenForThisTest(): void {
  const listeners = (name: (typeof CAUGHT)[number]) => process.listeners(name as NodeJS.Signals);
  const before = CAUGHT.map(listeners);
  onTestFinished(() => {
    for (const [index, name] of CAUGHT.entries()) {
      for (const listener of listeners(name)) if (!before[index]?.includes(listener)) process.off(name as NodeJS.Signals, listener);
    }
  });
  shutdown.onSignals();
}

test('a promise that a publisher has forgotten is told, and stops nothing', () => {
  const before = process.listeners('unhandledRejection');
  listenForThisTest();
  const [added] = process.listeners('unhandledRejection').filter((listener) => !before.includes(listener));
  const leak = new Error('the socket of a module');
  added?.(leak, Promise.resolve());
  expect(logger.said.at(-1)).toMatchObject({ message: expect.stringContaining('nobody waits for'), fields: { err: leak } });
  expect(shutdown.reason).toBeNull();
});
