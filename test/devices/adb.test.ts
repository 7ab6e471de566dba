/**
 * Guards promise 4 (blames the right thing) and promise 7 (every wait has a
 * limit) at the adb program: its texts become codes, its silence a time-out, and
 * no argument means anything to a shell. A small script plays adb.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Adb, adbIn, findAndroidHome, remoteQuote } from '../../src/devices/adb.ts';
import { AdbConnectedDevice } from '../../src/devices/adb-device.ts';
import { parseDevices } from '../../src/devices/adb-devices.ts';
import { SystemClock } from '../../src/runtime/clock.ts';

const never = new AbortController().signal;
const target = { serial: '192.0.2.7:5555', device: 'phone-1' };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adb-test-'));
  const path = join(folder, 'adb');
  writeFileSync(
    path,
    '#!/bin/sh\n[ -n "$HANG" ] && exec sleep 60\nprintf %s "$OUT"\nprintf %s "$ERR" >&2\n[ -n "$ECHO" ] && printf "%s\\n" "$@"\nexit "$EXIT"\n',
  );
  chmodSync(path, 0o755);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function adb(said: Readonly<Record<string, string>>, path = join(folder, 'adb')): Adb {
  const server = { ensure: async () => undefined, doubt: () => undefined };
  const environment = { PATH: '/usr/bin:/bin', EXIT: '0', ...said };
  return new Adb({ path, port: 5999, instance: 'test', environment, clock: new SystemClock(), server });
}

describe('what adb says', () => {
  test.each([
    ['error: device offline\n', 'DEVICE_OFFLINE'],
    ["error: device '192.0.2.7:5555' not found\n", 'DEVICE_OFFLINE'],
    ['error: device still authorizing\n', 'DEVICE_OFFLINE'],
    ['error: no devices/emulators found\n', 'DEVICE_OFFLINE'],
    ['adb: error: device offline\n', 'DEVICE_OFFLINE'],
    ["error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\n", 'DEVICE_UNAUTHORIZED'],
    ["adb: error: failed to copy 'a b.mp4' to '/sdcard/x.mp4': remote couldn't write data: No space left on device\n", 'PHONE_FULL'],
    ["adb: error: failed to copy 'error: device offline.mp4' to '/sdcard/x.mp4': remote Permission denied\n", 'ADB_FAILED'],
    ['error: closed\n', 'ADB_FAILED'],
  ])('%s', async (text, code) => {
    const call = adb({ ERR: text, EXIT: '1' }).run(['push', 'a', 'b'], { signal: never, target });
    await expect(call).rejects.toMatchObject({ code, details: { text: text.trim(), device: 'phone-1', serial: target.serial } });
  });

  test('a phone that says "offline" in the output of a command is not offline', async () => {
    expect(await adb({ OUT: 'error: device offline\n' }).run(['shell', 'cat notes'], { signal: never, target })).toContain('offline');
  });

  test('a full disk in another command than a push is not the video’s trouble', async () => {
    const call = adb({ ERR: 'adb: error: No space left on device\n', EXIT: '1' }).run(['install', 'x'], { signal: never, target });
    await expect(call).rejects.toMatchObject({ code: 'ADB_FAILED' });
  });

  test('a login that ran out is a failure, although adb exits 0', async () => {
    const call = adb({ OUT: 'error: you should run glogin to login first\n' }).shell(['echo', 'x'], { signal: never, target });
    await expect(call).rejects.toMatchObject({
      code: 'ADB_FAILED',
      details: { text: 'you should run glogin to login first', command: 'shell echo' },
    });
  });

  test('port, serial and arguments arrive one by one', async () => {
    const args = await adb({ ECHO: '1' }).run(['push', 'a b', '$(c)'], { signal: never, target });
    expect(args).toBe('-P\n5999\n-s\n192.0.2.7:5555\npush\na b\n$(c)\n');
  });

  test('an adb that is not there is a configuration trouble', async () => {
    await expect(adb({}, join(folder, 'nope')).run(['devices'], { signal: never, target: null })).rejects.toMatchObject({
      code: 'ADB_NOT_FOUND',
    });
  });
});

describe('an adb that hangs', () => {
  test('is given up at its limit', async () => {
    const call = adb({ HANG: '1' }).shell(['sha256sum', '/sdcard/x'], { signal: never, target, limitMs: 50 });
    await expect(call).rejects.toMatchObject({ code: 'ADB_TIMEOUT', details: { command: 'shell sha256sum', limitMs: 50 } });
  });

  test('is given up at an abort', async () => {
    const giveUp = new AbortController();
    const call = adb({ HANG: '1' }).run(['devices'], { signal: giveUp.signal, target: null });
    giveUp.abort(new Error('given up'));
    await expect(call).rejects.toThrow('given up');
  });
});

test('whatever is quoted arrives in a shell as it was', () => {
  const arrives = (texts: readonly string[]) =>
    execFileSync('sh', ['-c', `printf '%s\\0' ${texts.map(remoteQuote).join(' ')}`], { encoding: 'utf8' }) ===
    texts.map((text) => `${text}\0`).join('');
  const text = fc.string({ unit: fc.constantFrom(...'ab \'"\\$`;&|<>(){}*?!~#\n\t=-%éß你😀') });
  fc.assert(fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), arrives), { numRuns: 60 });
});

describe('the Android SDK', () => {
  test('is the folder that holds adb: the one given, else that of the environment', () => {
    const sdk = join(folder, 'sdk');
    mkdirSync(join(sdk, 'platform-tools'), { recursive: true });
    writeFileSync(join(sdk, 'platform-tools', process.platform === 'win32' ? 'adb.exe' : 'adb'), '');
    expect(findAndroidHome(sdk, {})).toBe(sdk);
    expect(findAndroidHome(null, { ANDROID_HOME: '/nowhere', ANDROID_SDK_ROOT: sdk })).toBe(sdk);
    expect(findAndroidHome(folder, {})).toBe(folder);
    expect(adbIn(sdk)).toContain('platform-tools');
  });

  test('that is not there is named', () => {
    expect(() => findAndroidHome('/nowhere', { ANDROID_HOME: folder })).toThrow(
      expect.objectContaining({ code: 'ADB_NOT_FOUND', message: 'adb was not found (looked in /nowhere)' }),
    );
    expect(() => adbIn('/nowhere')).toThrow(expect.objectContaining({ code: 'ADB_NOT_FOUND' }));
  });
});

test('the list of phones is read with each state', () => {
  const output = `* daemon started successfully
List of devices attached
R58M12ABCDE            device usb:1-2 product:x model:Pixel_5 transport_id:1
192.0.2.7:5555         offline transport_id:2
emulator-5554          unauthorized transport_id:3
0123456789             no permissions (missing udev rules?); see [http://developer.android.com/tools/device.html] usb:1-1
ABC                    wonderful

`;
  expect(parseDevices(output)).toEqual([
    { serial: 'R58M12ABCDE', state: 'ready' },
    { serial: '192.0.2.7:5555', state: 'offline' },
    { serial: 'emulator-5554', state: 'unauthorized' },
    { serial: '0123456789', state: 'unauthorized' },
    { serial: 'ABC', state: 'offline' },
  ]);
});

test("an app's version is read from what Android says about the package; a phone that does not say has none", async () => {
  const phone = (said: string) =>
    new AdbConnectedDevice({ id: 'phone-1', serial: target.serial, adb: adb({ OUT: said }), clock: new SystemClock() });
  const dump =
    'Packages:\n  Package [demo.video] (abc1234):\n    versionCode=12 minSdk=26 targetSdk=33\n    versionName=355.1.0-beta\n    splits=[base]\n';
  expect(await phone(dump).appVersion('demo.video', never)).toBe('355.1.0-beta');
  expect(await phone('Unable to find package: demo.video\n').appVersion('demo.video', never)).toBeNull();
});
