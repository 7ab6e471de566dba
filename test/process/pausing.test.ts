/**
 * Guards promise 2 for the person who ordered a pause: once it was answered it
 * outlasts the daemon, however that ends, and the status shows it all the time.
 */
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { openStage, type Stage } from './stage.ts';
import { newWorld, type StatusJson, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  const phone = await startSimulatedPhone({ name: 'phone-1', accounts: ['alice'], folder: join(world.folder, 'phone-1') });
  onTestFinished(() => phone.stop());
  const devices = `devices: {usb: false, simulated: [{name: phone-1, address: "${phone.adbAddress}"}]}`;
  world.configure(stage.url, [devices], join(import.meta.dirname, 'ledger-on-a-phone.mjs'));
});

const pauses: readonly (readonly [string, readonly string[], (status: StatusJson) => unknown])[] = [
  ['of everything', [], ({ paused }) => paused],
  ['of an account', ['alice'], ({ accounts }) => accounts.some(({ name, state }) => name === 'alice' && state === 'paused')],
  ['of a phone', ['phone:phone-1'], ({ paused_devices }) => paused_devices.includes('phone-1')],
];

/** Seven starts of the program, which took 4 to 27 s at a load of 5 to 12 on two cores. */
const LIMIT_MS = 60_000;

describe.each(pauses)('a pause %s', { timeout: LIMIT_MS }, (_of, what, isShown) => {
  it('outlasts a daemon that is killed right after it answered; --resume ends it', async () => {
    const killed = await world.daemon('--add-accounts', 'alice');
    expect(await world.cli('--pause', ...what)).toMatchObject({ code: 0, stderr: '' });
    await killed.kill();
    expect(isShown(await world.status())).toBe(true);

    const next = await world.daemon('--add-folder', world.videos('chunk', ['one']));
    const during = await world.status();
    expect({ shown: isShown(during), jobs: during.jobs }).toMatchObject({ shown: true, jobs: { pending: 1 } });
    const resumedMs = Date.now();
    expect(await world.cli('--resume', ...what)).toMatchObject({ code: 0, stderr: '' });
    await stage.visit('acted');
    const begun = await world.logged('Processing job');
    await world.logged('posted successfully');
    expect(isShown(await world.status())).toBe(false);
    next.signal('SIGTERM');
    expect((await next.ended).code).toBe(0);

    expect(world.posts()).toHaveLength(1);
    expect(Date.parse(begun.time)).toBeGreaterThanOrEqual(resumedMs);
  });
});
