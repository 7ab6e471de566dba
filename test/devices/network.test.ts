/**
 * Guards promises 4, 6, 7 and 8 on the way to the phone: real adb, a simulated
 * phone. What is pushed hashes to what was queued, every trouble has its code,
 * and only what we connected is disconnected.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listedDevices } from '../../src/devices/adb-devices.ts';
import { deviceIdentity } from '../../src/devices/device-identity.ts';
import { NetworkDevices } from '../../src/devices/network.ts';
import { UsbDevices } from '../../src/devices/usb.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { freePort, openRack, type Rack } from './rack.ts';

const never = new AbortController().signal;
let rack: Rack;
let bytes: Buffer;
let video: { path: string; sha256: string; name: string };

beforeAll(async () => {
  rack = await openRack();
  bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 251));
  const path = join(rack.folder, "it's a (video) $HOME 你好.mp4");
  writeFileSync(path, bytes);
  video = { path, sha256: createHash('sha256').update(bytes).digest('hex'), name: "job'1; rm -rf" };
});

afterAll(async () => {
  await rack.close();
});

const serials = async () => (await listedDevices(rack.adb, never)).map(({ serial }) => serial);

describe('a phone of the network', () => {
  test('is ready when it answers, gets a serial when it is connected, and is let go', async () => {
    const phone = await rack.phone('plain');
    const devices = rack.devices(phone);
    expect(await devices.list(never)).toEqual([{ id: 'plain', provider: 'simulated', name: 'plain', state: 'ready', serial: null }]);
    const connected = await devices.connect('plain', never);
    expect(connected).toMatchObject({ id: 'plain', serial: phone.adbAddress, adbPort: rack.port });
    expect(await devices.status('plain', never)).toMatchObject({ state: 'ready', serial: phone.adbAddress });
    await devices.connect('plain', never);
    await devices.stop('plain', never);
    expect(await serials()).not.toContain(phone.adbAddress);
    await devices.stopAll(never);
  });

  test('that somebody else had connected stays connected', async () => {
    const phone = await rack.phone('shared');
    await rack.adb.run(['connect', phone.adbAddress], { signal: never, target: null });
    const devices = rack.devices(phone);
    await devices.connect('shared', never);
    await devices.stop('shared', never);
    expect(await serials()).toContain(phone.adbAddress);
  });

  test('forwards that came while we used it are taken back, an older one stays', async () => {
    const phone = await rack.phone('forwards');
    const target = { serial: phone.adbAddress, device: phone.name };
    await rack.adb.run(['connect', phone.adbAddress], { signal: never, target: null });
    const [older, ours] = [await freePort(), await freePort()];
    const forward = (port: number) => rack.adb.run(['forward', `tcp:${port}`, 'tcp:6790'], { signal: never, target });
    await forward(older);
    const devices = rack.devices(phone);
    await devices.connect('forwards', never);
    await forward(ours);
    await devices.dropForwards(never);
    const list = await rack.adb.run(['forward', '--list'], { signal: never, target: null });
    expect(list).toContain(`tcp:${older} `);
    expect(list).not.toContain(`tcp:${ours} `);
  });

  // Why every phone has a driver port of its own (src/appium/driver-ports.ts): if adb ever heeds the serial, this tells.
  test('can lose its forward by the clean-up of another phone on the same port', async () => {
    const [one, other] = [await rack.phone('one'), await rack.phone('other')];
    const devices = rack.devices(one, other);
    for (const { name } of [one, other]) await devices.connect(name, never);
    const targets = [one, other].map((phone) => ({ serial: phone.adbAddress, device: phone.name }));
    const local = `tcp:${await freePort()}`;
    await rack.adb.run(['forward', local, 'tcp:6790'], { signal: never, target: targets[1] ?? null });
    await rack.adb.run(['forward', '--remove', local], { signal: never, target: targets[0] ?? null });
    expect(await rack.adb.run(['forward', '--list'], { signal: never, target: null })).not.toContain(local);
  });

  test('that is not there, or not allowed, says so', async () => {
    const gone = await rack.phone('gone');
    await gone.stop();
    await expect(rack.devices(gone).connect('gone', never)).rejects.toMatchObject({ code: 'DEVICE_OFFLINE', details: { device: 'gone' } });
    expect(await rack.devices(gone).status('gone', never)).toMatchObject({ state: 'offline', serial: null });
    await expect(rack.devices(gone).status('who', never)).rejects.toMatchObject({ code: 'DEVICE_OFFLINE' });

    const strange = await rack.phone('strange');
    strange.setFault({ name: 'unauthorized' });
    await expect(rack.devices(strange).connect('strange', never)).rejects.toMatchObject({ code: 'DEVICE_UNAUTHORIZED' });
  });

  test('whose line went dead is found out by a ping, and is connected anew when it is back', async () => {
    const phone = await rack.phone('dead-line');
    const devices = rack.devices(phone);
    const connected = await devices.connect('dead-line', never);
    phone.setFault({ name: 'silent' });
    expect(await devices.status('dead-line', never)).toMatchObject({ state: 'ready' });
    rack.log.onMessage((message) => {
      if (message.includes('connecting anew')) phone.clearFaults();
    });
    await devices.connect('dead-line', never);
    await connected.ping(never);
    expect(rack.log.messages).toContain('Phone dead-line does not answer on its old connection; connecting anew');
  }, 60_000);

  test('an abort is obeyed at once', async () => {
    const phone = await rack.phone('aborted');
    const devices = rack.devices(phone);
    const connected = await devices.connect('aborted', never);
    phone.setFault({ name: 'shell_hang' });
    const giveUp = new AbortController();
    const ping = connected.ping(giveUp.signal);
    giveUp.abort(new Error('given up'));
    await expect(ping).rejects.toThrow('given up');
  });
});

describe('a video', () => {
  test('arrives with its bytes under a name of its own, is in the gallery, and goes again', async () => {
    const phone = await rack.phone('video');
    const connected = await rack.devices(phone).connect('video', never);
    const remote = await connected.pushVideo(video, never);
    expect(remote).toBe('/sdcard/Movies/posting-scheduler/job_1__rm_-rf.mp4');
    expect(phone.state().media).toEqual([{ path: '/storage/emulated/0/Movies/posting-scheduler/job_1__rm_-rf.mp4', bytes: bytes.length }]);
    await connected.removeVideo(remote, never);
    expect(phone.state().media).toEqual([]);
    const target = { serial: connected.serial, device: 'video' };
    expect(await rack.adb.shell(['ls', '/sdcard/Movies/posting-scheduler'], { signal: never, target })).toBe('');
    await expect(connected.removeVideo('/sdcard/DCIM/Camera/mine.mp4', never)).rejects.toThrow('is not a file that pushVideo put there');
    await expect(connected.removeVideo('/sdcard/Movies/posting-scheduler/../x.mp4', never)).rejects.toThrow();
  });

  test('is listed by the second way when the first does nothing', async () => {
    const phone = await rack.phone('lost-scan');
    const connected = await rack.devices(phone).connect('lost-scan', never);
    phone.setFault({ name: 'scan_lost', once: true });
    await connected.pushVideo(video, never);
    expect(phone.state().media).toHaveLength(1);
  }, 60_000);

  test('that is damaged on the way is no video of ours, and nothing of it stays', async () => {
    const phone = await rack.phone('damaged');
    const connected = await rack.devices(phone).connect('damaged', never);
    phone.setFault({ name: 'push_corrupt', once: true });
    await expect(connected.pushVideo(video, never)).rejects.toMatchObject({ code: 'PUSH_CORRUPTED' });
    const target = { serial: connected.serial, device: 'damaged' };
    expect(await rack.adb.shell(['ls', '/sdcard/Movies/posting-scheduler'], { signal: never, target })).toBe('');
  });

  test('that is another one than was queued is blamed on the file', async () => {
    const phone = await rack.phone('changed');
    const connected = await rack.devices(phone).connect('changed', never);
    await expect(connected.pushVideo({ ...video, sha256: '0'.repeat(64) }, never)).rejects.toMatchObject({ code: 'VIDEO_CHANGED' });
    await expect(connected.pushVideo({ ...video, path: '/nowhere.mp4' }, never)).rejects.toMatchObject({ code: 'VIDEO_MISSING' });
  });

  test('for which there is no space says so', async () => {
    const phone = await rack.phone('full');
    const connected = await rack.devices(phone).connect('full', never);
    phone.setFault({ name: 'disk_full' });
    await expect(connected.pushVideo(video, never)).rejects.toMatchObject({ code: 'PHONE_FULL', details: { device: 'full' } });
  });
});

describe('the identity of a phone', () => {
  const reachedAt = (address: string) =>
    new NetworkDevices({
      kind: 'network',
      phones: [{ name: address, address }],
      adb: rack.adb,
      clock: new SystemClock(),
      logger: rack.log.logger,
    });
  const identityAt = async (address: string) => (await reachedAt(address).connect(address, never)).identity(never);

  test('is the same at both of its addresses, and another than that of its neighbour', async () => {
    const [phone, neighbour] = [await rack.phone('twin'), await rack.phone('neighbour')];
    const identity = await identityAt(phone.adbAddress);
    expect(identity).toMatch(/^[0-9a-f]{64}$/);
    expect(await identityAt(phone.adbAddress.replace('127.0.0.1', 'localhost'))).toBe(identity);
    expect(await identityAt(neighbour.adbAddress)).not.toBe(identity);
  });

  test('is null when it does not answer; what ends the program ends the question', async () => {
    const phone = await rack.phone('mute');
    const connected = await reachedAt(phone.adbAddress).connect(phone.adbAddress, never);
    phone.setFault({ name: 'offline' });
    expect(await connected.identity(never)).toBeNull();
    await expect(connected.identity(AbortSignal.abort(new Error('given up')))).rejects.toThrow('given up');
  });

  const BOOT = '0f5a1c3e-7d2b-4a9e-8c61-3b9f0e7d5a24';
  test.each([
    ['told in full', `${BOOT}\nmnt:[4026531840]\nR58M12ABCDE\n`, true],
    ['of a terminal that ends its lines so', `${BOOT}\r\nmnt:[4026531840]\r\nR58M12ABCDE\r\n`, true],
    ['without a boot id', 'cat: /proc/sys/kernel/random/boot_id: Permission denied\nmnt:[4026531840]\nR58M12ABCDE\n', false],
    ['without a namespace', `${BOOT}\nR58M12ABCDE\n`, false],
    ['without a serial', `${BOOT}\nmnt:[4026531840]\n\n`, false],
    ['with a line too many', `${BOOT}\nmnt:[4026531840]\nR58M12ABCDE\nWARNING: linker\n`, false],
    ...['unknown', '0123456789ABCDEF', '0123456789', '1234567890abcdef', '000000000000', 'EMULATOR36X1X9X0', 'null'].map(
      (serial) => [`of everybody's serial ${serial}`, `${BOOT}\nmnt:[4026531840]\n${serial}\n`, false] as const,
    ),
    ['of nothing', '', false],
  ] as const)('%s', (_what, answer, told) => {
    expect(deviceIdentity(answer) !== null).toBe(told);
  });

  test('tells apart what shares a kernel, an image or a serial', () => {
    const all = [
      [BOOT, 'mnt:[4026531840]', 'R58M12ABCDE'],
      [BOOT, 'mnt:[4026532999]', 'R58M12ABCDE'],
      [BOOT, 'mnt:[4026531840]', 'R58M12ABCDF'],
      [BOOT.replace('0f', '1f'), 'mnt:[4026531840]', 'R58M12ABCDE'],
    ].map((lines) => deviceIdentity(lines.join('\n')));
    expect(new Set(all).size).toBe(4);
  });
});

test('phones on a cable are those without an address', async () => {
  const phone = await rack.phone('not-usb');
  await rack.devices(phone).connect('not-usb', never);
  const usb = new UsbDevices({ adb: rack.adb, clock: new SystemClock(), logger: rack.log.logger });
  expect((await usb.list(never)).map(({ id }) => id)).not.toContain(phone.adbAddress);
  expect(await usb.status('R58', never)).toMatchObject({ state: 'offline', serial: null });
  await expect(usb.connect('R58', never)).rejects.toMatchObject({ code: 'DEVICE_OFFLINE' });
  expect(await usb.start()).toBe(false);
});

test('without phones nobody is asked', async () => {
  const devices = new NetworkDevices({ kind: 'network', phones: [], adb: rack.adb, clock: new SystemClock(), logger: rack.log.logger });
  expect(await devices.list(never)).toEqual([]);
});
