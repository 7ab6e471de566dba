// Guards promise 7: the daemon's own ticks run, do not run into each other, and one that fails stops nothing.
import { afterEach, expect, test } from 'vitest';
import { scheduleTick, stopTicks } from '../../src/runtime/cron.ts';
import { MemoryLogger } from '../support/memory-logger.ts';

const EVERY_SECOND = '* * * * * *';

/** Ends the work of slow ticks, so that a failed test does not hang in its clean-up. */
let finish: (() => void)[] = [];

afterEach(async () => {
  for (const end of finish) end();
  finish = [];
  await stopTicks();
});

/** Resolves at the n-th call. */
function counted(n: number, work: () => Promise<void> = () => Promise.resolve()) {
  let calls = 0;
  let reached = () => {};
  const done = new Promise<void>((resolve) => {
    reached = resolve;
  });
  return {
    done,
    calls: () => calls,
    run: () => {
      calls += 1;
      if (calls === n) reached();
      return work();
    },
  };
}

test('a tick that fails is logged, and the next one runs', async () => {
  const logger = new MemoryLogger();
  const tick = counted(2, () => Promise.reject(new Error('disk full')));
  scheduleTick('snapshot', EVERY_SECOND, tick.run, logger);
  await tick.done;
  await logger.until('The tick "snapshot" failed');
  expect(logger.said[0]).toMatchObject({
    level: 'warn',
    fields: { tick: 'snapshot', err: expect.objectContaining({ message: 'disk full' }) },
  });
});

test('stopping waits for the tick under way, and a slow one is not run twice at once', async () => {
  const logger = new MemoryLogger();
  const slow = counted(
    1,
    () =>
      new Promise<void>((resolve) => {
        finish.push(resolve);
      }),
  );
  const beside = counted(3);
  scheduleTick('slow', EVERY_SECOND, slow.run, logger);
  scheduleTick('beside', EVERY_SECOND, beside.run, logger);
  await slow.done;
  await beside.done;
  expect(slow.calls()).toBe(1);
  let stopped = false;
  const stopping = stopTicks().then(() => {
    stopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  for (const end of finish) end();
  await stopping;
  expect(stopped).toBe(true);
});

test('a name that is known gets the new work', async () => {
  const logger = new MemoryLogger();
  const old = counted(1);
  const fresh = counted(1);
  scheduleTick('same', EVERY_SECOND, old.run, logger);
  scheduleTick('same', EVERY_SECOND, fresh.run, logger);
  await fresh.done;
  expect(old.calls()).toBe(0);
});

test('an expression that is none is refused at once', () => {
  expect(() => scheduleTick('bad', 'every now and then', () => Promise.resolve(), new MemoryLogger())).toThrow();
});
