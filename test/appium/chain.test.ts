/**
 * Guards promises 1, 6 and 8 on the real chain: our Appium, our adb server, the
 * real driver; only the phone is simulated, and its own count is the judge.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UiElement } from '../../src/appium/appium.ts';
import { AppiumProcess } from '../../src/appium/server-process.ts';
import { WdioUiFactory } from '../../src/appium/wdio-ui.ts';
import type { NetworkDevices } from '../../src/devices/network.ts';
import type { Fault } from '../../src/devices/simulated/faults.ts';
import type { SimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { listenerPid, startTicks } from '../../src/runtime/processes.ts';
import { SystemRandom } from '../../src/runtime/random.ts';
import { freePort, openRack, type Rack } from '../devices/rack.ts';
import { errorOf, never } from './sessions.ts';

/** At once, on a machine that may be busy. */
const SOON = { timeout: 10_000 };

const DEMO = 'demo.video';
const clock = new SystemClock();

let rack: Rack;
let appium: AppiumProcess;
let factory: WdioUiFactory;
let pids: number[];

beforeAll(async () => {
  rack = await openRack();
  pids = [];
  await rack.server.ensure(never);
  appium = new AppiumProcess({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    home: rack.folder,
    instance: `rack-${rack.port}`,
    basePort: await freePort(),
    healthTimeoutMs: 5_000,
    androidHome: rack.androidHome,
    adbPort: rack.port,
    environment: rack.environment,
    clock,
    random: new SystemRandom(),
    logger: rack.log.logger,
    recorder: { onStarted: async ({ pid }) => void pids.push(pid), onEnded: async () => undefined },
  });
  await appium.start(never);
  factory = new WdioUiFactory({ server: appium, clock, logger: rack.log.logger });
}, 60_000);

afterAll(async () => {
  await appium.stop();
  const adbPid = rack.started[0]?.pid ?? 0;
  await rack.close();
  // Nothing that we started is left.
  expect(await listenerPid(rack.port)).toBeNull();
  for (const pid of [...pids, adbPid]) expect(await startTicks(pid)).toBeNull();
});

async function open(
  name: string,
): Promise<{ phone: SimulatedPhone; devices: NetworkDevices; ui: Awaited<ReturnType<WdioUiFactory['open']>> }> {
  const phone = await rack.phone(name);
  const devices = rack.devices(phone);
  const ui = await factory.open(await devices.connect(name, never), never);
  return { phone, devices, ui };
}

const CAPTION = 'Erste Zeile\nzweite 👩‍👩‍👧 "你好" \\n & <b>';
const id = (name: string) => [{ id: `${DEMO}:id/${name}` }];
const postTaps = (phone: SimulatedPhone) => phone.requests().reduce((sum, { label, count }) => sum + (label === 'tap:Post' ? count : 0), 0);

/** As far as the Post button: a pushed video is picked, a caption written. Answers the button and the video's sha256. */
async function compose({ devices, ui, phone }: Awaited<ReturnType<typeof open>>): Promise<{ post: UiElement; sha256: string }> {
  const path = join(rack.folder, `${phone.name}.mp4`);
  writeFileSync(path, `video of ${phone.name}`);
  const sha256 = createHash('sha256').update(`video of ${phone.name}`).digest('hex');
  await (await devices.connect(phone.name, never)).pushVideo({ path, sha256, name: phone.name }, never);
  await ui.openApp(DEMO, never);
  await ui.tap(await ui.find(id('create_button'), 5_000, never), never);
  await ui.tap(await ui.find([{ desc: 'nothing like this' }, { text: `${phone.name}.mp4` }], 5_000, never), never);
  await ui.type(await ui.find(id('caption_input'), 5_000, never), CAPTION, never);
  return { post: await ui.find([{ desc: 'Post' }], 5_000, never), sha256 };
}

describe('the real chain', () => {
  test('publishes the right bytes with the right caption by one tap, and leaves nothing', async () => {
    const use = await open('life');
    const { phone, ui, devices } = use;
    const { post, sha256 } = await compose(use);
    expect(await ui.text(await ui.find(id('caption_input'), 1_000, never), never)).toBe(CAPTION);
    await ui.tap(post, never);
    await ui.find(id('posted_banner'), 10_000, never);
    expect(phone.ledger()).toMatchObject([{ account: 'alice', sha256, caption: CAPTION }]);
    expect(postTaps(phone)).toBe(1);

    expect(await ui.source(never)).toContain('posted_banner');
    expect([...(await ui.screenshot(never)).slice(1, 4)]).toEqual([...Buffer.from('PNG')]);
    await ui.back(never);
    expect(phone.state().front).not.toBe(DEMO);
    await ui.closeApp(DEMO, never);
    await ui.close(10_000);
    expect(phone.state().sessions).toEqual([]);
    await devices.stop('life', never);
    expect(await rack.adb.run(['forward', '--list'], { signal: never, target: null })).not.toContain(phone.adbAddress);
  }, 60_000);

  test.each<readonly [string, Fault]>([
    ['answer-lost', { name: 'uia2_answer_lost', on: 'tap:Post', once: true }],
    ['connection-lost', { name: 'drop', on: 'tap:Post', once: true, carried_out: true }],
    ['driver-dies', { name: 'uia2_die', on: 'tap:Post', once: true, carried_out: true }],
  ])(
    'a Post tap that is carried out and fails (%s) is one tap, and is not said to be unsent',
    async (name, fault) => {
      const use = await open(name);
      const { post } = await compose(use);
      use.phone.setFault(fault);
      expect(await errorOf(use.ui.tap(post, never))).toMatchObject({ details: { sent: 'maybe' } });
      await expect.poll(() => use.phone.ledger(), SOON).toHaveLength(1);
      await use.ui.close(1_000);
      expect(postTaps(use.phone)).toBe(1);
      expect(use.phone.ledger()).toHaveLength(1);
    },
    60_000,
  );

  test('a Post tap that never ends and is given up is one tap', async () => {
    const use = await open('never-answered');
    const { post } = await compose(use);
    use.phone.setFault({ name: 'uia2_hang_after', on: 'tap:Post', once: true });
    const giveUp = new AbortController();
    const tapping = errorOf(use.ui.tap(post, giveUp.signal));
    await expect.poll(() => use.phone.ledger(), SOON).toHaveLength(1);
    giveUp.abort(new Error('given up'));
    expect(await tapping).toMatchObject({ message: 'given up' });
    await use.ui.close(1_000);
    expect(postTaps(use.phone)).toBe(1);
  }, 60_000);

  test('a Post tap on a driver that was dead before is said to be unsent, and the phone agrees', async () => {
    const use = await open('dead-before');
    const { post } = await compose(use);
    use.phone.setFault({ name: 'uia2_die' });
    await expect.poll(async () => errorOf(use.ui.source(never)), SOON).toMatchObject({ details: { sent: 'no' } });
    expect(await errorOf(use.ui.tap(post, never))).toMatchObject({ code: 'UI_FAILED', details: { sent: 'no' } });
    await use.ui.close(10_000);
    expect(postTaps(use.phone)).toBe(0);
    expect(use.phone.ledger()).toEqual([]);
  }, 60_000);

  test('Appium killed while the tap runs: one tap; then a new session works', async () => {
    const use = await open('appium-killed');
    const { post } = await compose(use);
    use.phone.setFault({ name: 'uia2_hang_after', on: 'tap:Post', once: true });
    const tapping = errorOf(use.ui.tap(post, never));
    await expect.poll(() => postTaps(use.phone), SOON).toBe(1);
    process.kill(pids.at(-1) ?? 0, 'SIGKILL');
    expect(await tapping).toMatchObject({ details: { sent: 'maybe', code: 'UND_ERR_SOCKET' } });
    // Kept connections are found broken first, one by one; until then nobody can say that nothing was sent.
    await expect.poll(() => errorOf(use.ui.source(never)), SOON).toMatchObject({ code: 'APPIUM_DOWN' });
    expect(await errorOf(use.ui.tap(post, never))).toMatchObject({ code: 'APPIUM_DOWN', details: { sent: 'no' } });
    await expect.poll(() => appium.check(never), SOON).toMatchObject({ gone: true });
    await appium.restart(never);
    await use.devices.dropForwards(never);
    const again = await factory.open(await use.devices.connect('appium-killed', never), never);
    await again.close(10_000);
    expect(postTaps(use.phone)).toBe(1);
  }, 60_000);

  test('a phone that is gone is blamed, not the account and not Appium', async () => {
    const { phone, devices, ui } = await open('vanishes');
    await ui.close(10_000);
    const connected = await devices.connect('vanishes', never);
    phone.setFault({ name: 'offline' });
    expect(await errorOf(factory.open(connected, never))).toMatchObject({ code: 'DEVICE_OFFLINE' });
  }, 60_000);
});
