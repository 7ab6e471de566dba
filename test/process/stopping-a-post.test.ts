/**
 * Guards promises 1, 2 and 6 on the real chain: in whatever phase of a post the
 * scheduler is told to stop, what was not yet past the commit point is given
 * back, what was is published or uncertain, and nothing is left running. The
 * phone's own ledger is the judge. Each phase has a home and a phone of its
 * own; they share one Appium and one adb server, which stay.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Fault } from '../../src/devices/simulated/faults.ts';
import type { SimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { type Chain, startChain } from '../phone/chain.ts';
import {
  BEFORE_THE_COMMIT,
  type Hold,
  hasStruck,
  OPENING,
  TAP_CARRIED_OUT,
  TAP_NOT_CARRIED_OUT,
  TIDYING,
  UPLOADING,
} from '../support/phone-holds.ts';
import { openRack, type Rack } from './rack.ts';
import type { Daemon } from './world.ts';

const LIMIT_MS = 120_000;
/** Nothing that hangs is waited for to its own end: the client's 30 s, the phone's 60 s, the hard end after 60 s. */
const SOON_MS = 20_000;
/** From the order to the hard end: what is past its commit point may take so long, and no longer. */
const HARD_END_MS = 60_000;

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.stop());

interface Scene extends Rack {
  readonly phone: SimulatedPhone;
  readonly daemon: Daemon;
}

/** A daemon whose one attempt is held there. */
async function heldAt({ fault }: Hold, settings: readonly string[] = [], around: Chain | null = chain): Promise<Scene> {
  const rack = await openRack([['alice']], settings, around ?? undefined);
  const [phone] = rack.phones as [SimulatedPhone];
  phone.setFault(fault);
  const daemon = await rack.world.daemon('--add-folder', rack.world.videos('chunk', ['one']));
  const scene = { ...rack, phone, daemon };
  await struck(scene, fault);
  return scene;
}

async function struck({ phone }: Scene, fault: Fault): Promise<void> {
  await vi.waitUntil(() => hasStruck(phone.state().faults, fault), { timeout: 60_000, interval: 20 });
}

/** Tells it to stop; answers how long that took. */
async function stop({ daemon, world }: Scene, meanwhile: () => void = () => {}): Promise<number> {
  const startMs = performance.now();
  daemon.signal('SIGTERM');
  await world.logged('Stopping: no new posts');
  meanwhile();
  expect(await daemon.ended).toMatchObject({ code: 0, signal: null, stderr: '' });
  return performance.now() - startMs;
}

async function expectNothingLeft({ world, phone }: Scene): Promise<void> {
  expect(world.processes(), 'processes that are left').toEqual([]);
  expect(['scheduler.lock', '.control.sock'].filter((name) => world.has(name))).toEqual([]);
  expect(world.log().at(-1)?.msg).toBe('Scheduler stopped');
  expect((await chain.adb('forward', '--list')).stdout.split('\n').filter((line) => line.startsWith(phone.adbAddress))).toEqual([]);
}

describe.concurrent('SIGTERM on the real chain', { timeout: LIMIT_MS }, () => {
  it.each(BEFORE_THE_COMMIT)('while $where: the attempt is given back, and nothing is on the phone', async (hold) => {
    const scene = await heldAt(hold);
    expect(await stop(scene)).toBeLessThan(SOON_MS);
    await expectNothingLeft(scene);
    expect(scene.posts()).toEqual([]);
    expect(scene.world.jobs()).toMatchObject([{ status: 'pending', attempts: 0, whole: { crashes: 0 } }]);
    expect(scene.phone.state().media).toEqual([]);
  });

  it.each([
    { ...TAP_NOT_CARRIED_OUT, made: 0 },
    { ...TAP_CARRIED_OUT, made: 1 },
  ])('while $where: uncertain, and the video stays for an upload that may read it', async ({ made, ...hold }) => {
    const scene = await heldAt(hold, ['phases: {commit: 4s, cleanup: 4s}']);
    expect(await stop(scene)).toBeLessThan(HARD_END_MS);
    await expectNothingLeft(scene);
    expect(scene.posts()).toHaveLength(made);
    expect(scene.world.jobs()).toMatchObject([{ status: 'uncertain', attempts: 1 }]);
    expect(scene.phone.state().media).toHaveLength(1);
  });

  it(`while ${UPLOADING.where}: the post may come to its confirmation`, async () => {
    const scene = await heldAt(UPLOADING);
    expect(await stop(scene, () => scene.phone.clearFaults())).toBeLessThan(SOON_MS);
    await expectNothingLeft(scene);
    expect(scene.posts()).toHaveLength(1);
    expect(scene.world.jobs()).toMatchObject([{ status: 'success', attempts: 1 }]);
    expect(scene.phone.state()).toMatchObject({ media: [], sessions: [], uia2Running: false });
  });

  it(`twice, while ${UPLOADING.where}: uncertain at once`, async () => {
    const scene = await heldAt(UPLOADING);
    expect(await stop(scene, () => scene.daemon.signal('SIGTERM'))).toBeLessThan(SOON_MS);
    await expectNothingLeft(scene);
    expect(scene.world.jobs()).toMatchObject([{ status: 'uncertain', attempts: 1 }]);
  });

  it(`while ${TIDYING.where}: published`, async () => {
    const scene = await heldAt(TIDYING);
    expect(await stop(scene)).toBeLessThan(SOON_MS);
    await expectNothingLeft(scene);
    expect(scene.posts()).toHaveLength(1);
    expect(scene.world.jobs()).toMatchObject([{ status: 'success', attempts: 1 }]);
  });

  it('while looking whether an uncertain post is public: it stays uncertain', async () => {
    const lost: Fault = { name: 'uia2_answer_lost', on: 'tap:Post', once: true };
    const scene = await heldAt({ where: '', fault: lost }, ['verify: {settle: 0, second_look: 0.1s, gaps: [20m]}']);
    const look: Fault = { name: 'uia2_hang', on: 'source', once: true };
    scene.phone.setFault(look);
    await struck(scene, look);
    expect(await stop(scene)).toBeLessThan(SOON_MS);
    await expectNothingLeft(scene);
    expect(scene.posts()).toHaveLength(1);
    expect(scene.world.jobs()).toMatchObject([{ status: 'uncertain', attempts: 1 }]);
  });

  it.each([OPENING, TAP_CARRIED_OUT])('while $where: its own Appium and adb server end with it', async (hold) => {
    const scene = await heldAt(hold, ['phases: {commit: 4s, cleanup: 4s}'], null);
    await stop(scene);
    expect(scene.world.processes(), 'processes that are left').toEqual([]);
    expect(scene.world.jobs()).toMatchObject([{ status: hold === OPENING ? 'pending' : 'uncertain' }]);
  });
});
