/** Guards promise 6 for a drain: phones cost money by the minute, so none that we started runs through a pause between two passes, or beyond the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { ConnectedDevice, DeviceProvider } from '../../src/devices/device.ts';
import { HostGuards } from '../../src/runtime/host-guards.ts';
import { Phones } from '../../src/scheduler/phones.ts';
import { PostingScheduler } from '../../src/scheduler/posting-scheduler.ts';
import { Reaper } from '../../src/scheduler/reaper.ts';
import { Rests } from '../../src/scheduler/rests.ts';
import { post, World } from './world.ts';

/** A rented phone that is off; `did` is what was asked of it, and when a post was made on it. */
function rentedPhone(did: string[]): DeviceProvider {
  let state: 'stopped' | 'ready' = 'stopped';
  const info = () => ({ id: 'rented', provider: 'network', name: 'rented', state, serial: null }) as const;
  return {
    kind: 'network',
    list: async () => [info()],
    status: async () => info(),
    start: async () => {
      did.push('start');
      state = 'ready';
      return true;
    },
    stop: async () => {
      did.push('stop');
      state = 'stopped';
    },
    connect: async (id) => ({ id, serial: id, identity: async () => null }) as unknown as ConnectedDevice,
  };
}

async function scheduled(did: string[]) {
  const world = await World.with('alice');
  await world.add(['beach'], 'alice');
  const { store, clock, logger, progress, wake, stop, hard } = world;
  const own = { store, clock, logger, progress, wake, epoch: 1 };
  const folder = mkdtempSync(join(tmpdir(), 'guards-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const guards = new HostGuards(folder, { home: '/home', pid: process.pid });
  const phones = new Phones({ ...own, providers: [rentedPhone(did)], guards, needsDevice: () => true });
  const scheduler = new PostingScheduler({
    ...{ ...own, phones, stop: stop.signal, hard: hard.signal, bootId: null, parts: [] },
    ...{ rests: new Rests(clock, 0), resting: () => null, passes: { maxPasses: 3, delayMs: 30_000 } },
    rescuer: world.rescuer(),
    reaper: new Reaper({ ...own, instance: 'home', removeForward: async () => {} }),
    verifier: { run: async () => {}, nextLookMs: async () => null } as never,
    board: { run: async () => {}, close: async () => {} } as never,
    hire: async () => [world.worker()],
    missingPosts: async () => [],
  });
  onTestFinished(() => phones.close(AbortSignal.abort()));
  return { world, phones, scheduler };
}

it('stops the phones that it started between two passes and at the end, and starts them anew for the next', async () => {
  const did: string[] = [];
  const { world, phones, scheduler } = await scheduled(did);
  let attempts = 0;
  world.script = async (ctx, act, job) => {
    await phones.connect('rented', ctx.signal);
    attempts += 1;
    if (attempts === 1) throw new Error('error: device offline');
    await post(ctx, act, job);
    did.push('post');
  };
  const drained = scheduler.drain();
  await world.clock.run(world.clock.untilWaiting('pause between two passes'));
  did.push('pause');
  expect(await world.clock.run(drained)).toMatchObject({ pass_count: 2, final_result: 'all_complete' });
  expect(did).toEqual(['start', 'stop', 'pause', 'start', 'post', 'stop']);
  expect(await world.store.resources()).toEqual([]);
});

it('leaves no phone on when it is stopped during the pause', async () => {
  const did: string[] = [];
  const { world, phones, scheduler } = await scheduled(did);
  world.script = async (ctx) => {
    await phones.connect('rented', ctx.signal);
    throw new Error('error: device offline');
  };
  const drained = scheduler.drain();
  await world.clock.run(world.clock.untilWaiting('pause between two passes'));
  const before = world.clock.now();
  world.stop.abort();
  expect(await world.clock.run(drained)).toMatchObject({ pass_count: 1, final_result: 'retryable_remaining' });
  expect([did, world.clock.now() - before]).toEqual([['start', 'stop'], 0]);
  expect(await world.store.counts()).toMatchObject({ claimed: 0, retrying: 1 });
});
