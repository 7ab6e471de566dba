/** Guards promise 6 for --force-kill-ports: what is provably ours ends, and nothing else is touched. */
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/runtime/clock.ts';
import { startTicks } from '../../src/runtime/processes.ts';
import { endLeftovers } from '../../src/scheduler/leftovers.ts';
import { processRecords } from '../../src/scheduler/records.ts';
import { Child } from '../support/children.ts';
import { World } from './world.ts';

const LISTENER = `require('node:net').createServer().listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });`;
const INSTANCE = 'host:/home/of this test';

const children: Child[] = [];
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
});

/** A process that listens, marked as started by `instance`. */
async function listener(instance: string): Promise<{ readonly child: Child; readonly port: number }> {
  const child = new Child(process.execPath, ['-e', LISTENER], { env: { SCHED_INSTANCE: instance } });
  children.push(child);
  return { child, port: Number((await child.says('port ')).split(' ')[1]) };
}

async function end(world: World, basePort: number, isDaemon = false): Promise<readonly string[]> {
  const { store, logger } = world;
  return endLeftovers({ store, logger, clock: new SystemClock(), epoch: 2, instance: INSTANCE, basePort, isDaemon });
}

describe('what an earlier life left', () => {
  it('ends the listener on one of our ports that carries our mark, and leaves a foreign one alone', async () => {
    const world = await World.with('alice');
    const [ours, foreign] = [await listener(INSTANCE), await listener('host:/home/of another')];
    expect(await end(world, foreign.port)).toContain(
      `Port ${foreign.port} is held by PID ${foreign.child.pid}, which is not ours: it is left alone, and the next free port is used.`,
    );
    expect(await startTicks(foreign.child.pid)).not.toBeNull();
    expect((await end(world, ours.port)).join('\n')).toContain(`Ended PID ${ours.child.pid} on port ${ours.port}`);
    expect(await ours.child.ended).toBe('SIGTERM');
  });

  it('leaves what carries the mark to the daemon that runs', async () => {
    const world = await World.with('alice');
    const { child, port } = await listener(INSTANCE);
    expect(await end(world, port, true)).toEqual([]);
    expect(await startTicks(child.pid)).not.toBeNull();
  });

  it('ends what an earlier epoch wrote down, and nothing that only has its pid', async () => {
    const world = await World.with('alice');
    const [left, other] = [await listener(INSTANCE), await listener('someone')];
    const records = processRecords({ store: world.store, clock: world.clock, epoch: 1 }, 'appium');
    const ticksOf = async ({ child }: typeof left) => (await startTicks(child.pid)) ?? 0;
    await records.onStarted({ pid: left.child.pid, startTicks: await ticksOf(left), port: 1 });
    await records.onStarted({ pid: other.child.pid, startTicks: (await ticksOf(other)) - 1, port: 2 });
    expect(await end(world, 1)).toEqual([`Ended appium (PID ${left.child.pid}) that an earlier life left behind.`]);
    expect(await startTicks(other.child.pid)).not.toBeNull();
    expect(await world.store.resources()).toEqual([]);
  });
});
