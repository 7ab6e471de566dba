/** Guards promise 6: what an earlier life started ends, also after SIGKILL; nothing else is touched. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/runtime/clock.ts';
import { startTicks } from '../../src/runtime/processes.ts';
import { Reaper } from '../../src/scheduler/reaper.ts';
import { forwardRecords, processRecords } from '../../src/scheduler/records.ts';
import { World } from './world.ts';

const children: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function sleeper(): Promise<{ readonly child: ReturnType<typeof spawn>; readonly pid: number; readonly ticks: number }> {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  return { child, pid, ticks: (await startTicks(pid)) ?? 0 };
}

/** What the life of epoch 1 left, met by the life of epoch 2. */
async function afterLife(leave: (records: { store: World['store']; clock: World['clock']; epoch: number }) => Promise<void>) {
  const world = await World.with('alice');
  await leave({ store: world.store, clock: world.clock, epoch: 1 });
  const removed: string[] = [];
  const removeForward = async (serial: string, port: number) => void removed.push(`${serial} ${port}`);
  const parts = { store: world.store, logger: world.logger, clock: new SystemClock(), epoch: 2, instance: 'test', removeForward };
  return { world, removed, reap: () => new Reaper(parts).reap() };
}

describe('the reaper', () => {
  it('ends a process of an earlier life', async () => {
    const { child, pid, ticks } = await sleeper();
    const { world, reap } = await afterLife((parts) => processRecords(parts, 'appium').onStarted({ pid, startTicks: ticks, port: 4723 }));
    const ended = once(child, 'exit');
    await reap();
    await ended;
    expect(await world.store.resources()).toEqual([]);
    expect(world.logger.messages()).toContainEqual(`Ended appium (PID ${pid}) that an earlier life left behind`);
  });

  it('leaves a process alone that only has the same pid', async () => {
    const { pid, ticks } = await sleeper();
    const { world, reap } = await afterLife((parts) => processRecords(parts, 'adb').onStarted({ pid, startTicks: ticks - 1, port: 5037 }));
    await reap();
    expect(await startTicks(pid)).toBe(ticks);
    expect(await world.store.resources()).toEqual([]);
  });

  it('leaves alone what this life started', async () => {
    const { pid, ticks } = await sleeper();
    const { world, reap } = await afterLife((parts) =>
      processRecords({ ...parts, epoch: 2 }, 'adb').onStarted({ pid, startTicks: ticks, port: 1 }),
    );
    await reap();
    expect(await startTicks(pid)).toBe(ticks);
    expect(await world.store.resources()).toHaveLength(1);
  });

  it('takes back forwards of an earlier life', async () => {
    const { world, removed, reap } = await afterLife((parts) => forwardRecords(parts)('127.0.0.1:5555', 41_234));
    await reap();
    expect(removed).toEqual(['127.0.0.1:5555 41234']);
    expect(await world.store.resources()).toEqual([]);
  });

  it('keeps on record what could not be ended, for the next time', async () => {
    const { world, reap } = await afterLife((parts) => forwardRecords(parts)('gone', 1));
    const { store, logger } = world;
    const failing = async () => Promise.reject(new Error('adb does not answer'));
    await new Reaper({ store, logger, clock: new SystemClock(), epoch: 2, instance: 'test', removeForward: failing }).reap();
    expect(await store.resources()).toHaveLength(1);
    await reap();
    expect(await store.resources()).toEqual([]);
  });
});
