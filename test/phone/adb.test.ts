// Promise 8 rests on this: what adb says of the phone (exit codes, hashes) is what a real adb binary says.
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { type Chain, startChain } from './chain.ts';

describe('the simulated phone answers the real adb', () => {
  let chain: Chain;
  let phone: SimulatedPhone;
  const onPhone = (...args: string[]) => chain.adb('-s', phone.adbAddress, ...args);

  beforeAll(async () => {
    chain = await startChain({ appium: false });
    phone = await chain.phone();
  });
  beforeEach(() => phone.clearFaults());
  afterAll(() => chain.stop());

  it('is listed as a device', async () => {
    const { stdout } = await chain.adb('devices', '-l');
    expect(stdout).toContain(`${phone.adbAddress}`);
    expect(stdout).toMatch(/device product:sim model:SimPhone/);
  });

  it('carries output, errors and exit codes of shell commands', async () => {
    expect(await onPhone('shell', 'getprop', 'ro.build.version.sdk')).toEqual({ code: 0, stdout: '33\n', stderr: '' });
    expect(await onPhone('shell', 'frobnicate')).toEqual({
      code: 127,
      stdout: '',
      stderr: '/system/bin/sh: frobnicate: inaccessible or not found\n',
    });
    expect((await onPhone('shell', "[ -e '/nowhere' ] && echo yes")).code).toBe(1);
    expect((await onPhone('shell', "[ -e '/sdcard/DCIM' ] && echo yes")).stdout).toBe('yes\n');
    expect((await onPhone('shell', 'false || echo "a  b; c" 2>/dev/null; false')).stdout).toBe('a  b; c\n');
  });

  it('keeps the bytes of a pushed file, whatever its name', async () => {
    const bytes = randomBytes(3_000_001);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const local = join(chain.folder, 'in.mp4');
    const back = join(chain.folder, 'back.mp4');
    writeFileSync(local, bytes);
    for (const name of ['clip.mp4', "it's a (new) clip & more.mp4", '日本 🎬.mp4']) {
      const path = `/sdcard/Movies/new/${name}`;
      const quoted = `'${path.replaceAll("'", "'\\''")}'`;
      expect((await onPhone('push', local, path)).code).toBe(0);
      expect(await onPhone('shell', `sha256sum ${quoted}`)).toEqual({ code: 0, stdout: `${sha256}  ${path}\n`, stderr: '' });
      expect((await onPhone('shell', `stat -c %s ${quoted}`)).stdout).toBe('3000001\n');
      expect((await onPhone('pull', path, back)).code).toBe(0);
      expect(readFileSync(back).equals(bytes)).toBe(true);
      expect((await onPhone('shell', `rm -f ${quoted} && ls /sdcard/Movies/new`)).stdout).not.toContain(name);
    }
  });

  it('shows a video in the gallery after a scan only, newest last, and forgets it with its file', async () => {
    const local = join(chain.folder, 'gallery.mp4');
    writeFileSync(local, 'not empty');
    const query = 'content query --uri content://media/external/video/media --projection _data:_size --where "_display_name=\'g 1.mp4\'"';
    await onPhone('push', local, '/sdcard/DCIM/g 1.mp4');
    expect((await onPhone('shell', query)).stdout).toBe('No result found.\n');
    await onPhone('shell', 'am broadcast -a android.intent.action.MEDIA_SCANNER_SCAN_FILE -d file:///sdcard/DCIM/g%201.mp4');
    expect((await onPhone('shell', query)).stdout).toBe('Row: 0 _data=/storage/emulated/0/DCIM/g 1.mp4, _size=9\n');
    await onPhone('shell', "rm -f '/sdcard/DCIM/g 1.mp4'");
    expect((await onPhone('shell', query)).stdout).toContain('Row: 0');
    const { stdout } = await onPhone('shell', "content call --uri content://media --method scan_file --arg '/sdcard/DCIM/g 1.mp4'");
    expect(stdout).toBe('Result: Bundle[{uri=null}]\n');
    expect((await onPhone('shell', query)).stdout).toBe('No result found.\n');
    await onPhone('push', local, '/sdcard/Movies/a folder/g 1.mp4');
    await onPhone('shell', 'content call --uri content://media --method scan_volume --arg external_primary');
    expect((await onPhone('shell', query)).stdout).toBe('Row: 0 _data=/storage/emulated/0/Movies/a folder/g 1.mp4, _size=9\n');
    await onPhone('shell', 'content delete --uri content://media/external/video/media --where "_display_name=\'g 1.mp4\'"');
    expect((await onPhone('shell', "ls '/sdcard/Movies/a folder'")).stdout).toBe('');
  });

  it('refuses files when the disk is full and flips a bit when told to', async () => {
    const local = join(chain.folder, 'full.mp4');
    writeFileSync(local, randomBytes(1_000_000));
    phone.setFault({ name: 'disk_full', once: true });
    const full = await onPhone('push', local, '/sdcard/DCIM/full.mp4');
    expect(full.code).toBe(1);
    expect(full.stdout + full.stderr).toContain("remote couldn't write data: No space left on device");
    expect((await onPhone('shell', 'ls /sdcard/DCIM')).stdout).not.toContain('full');
    phone.setFault({ name: 'push_corrupt', once: true });
    await onPhone('push', local, '/sdcard/DCIM/full.mp4');
    const sha256 = createHash('sha256').update(readFileSync(local)).digest('hex');
    expect((await onPhone('shell', 'sha256sum /sdcard/DCIM/full.mp4')).stdout).not.toContain(sha256);
  });

  it('opens its UiAutomator2 port only while the instrumentation runs', async () => {
    const { stdout } = await onPhone('forward', 'tcp:0', 'tcp:6790');
    const url = `http://127.0.0.1:${stdout.trim()}/status`;
    await expect(fetch(url)).rejects.toThrow();
    const instrument = chain.adb(
      '-s',
      phone.adbAddress,
      'shell',
      'am instrument -w io.appium.uiautomator2.server.test/androidx.test.runner.AndroidJUnitRunner',
    );
    await expect.poll(() => phone.state().uia2Running).toBe(true);
    expect(await (await fetch(url)).json()).toMatchObject({ value: { ready: true } });
    phone.setFault({ name: 'uia2_die' });
    expect((await instrument).stdout).toContain('Process crashed');
  });
});

describe('the connection fails as a real one does', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain({ appium: false });
  });
  afterAll(() => chain.stop());

  it('says unauthorized, and works once the key is accepted', async () => {
    const phone = await chain.phone();
    phone.setFault({ name: 'unauthorized' });
    await expect
      .poll(async () => (await chain.adb('-s', phone.adbAddress, 'get-state')).stderr, { timeout: 10_000 })
      .toMatch(/unauthorized|authorizing/);
    phone.clearFaults();
    await chain.adb('disconnect', phone.adbAddress);
    await chain.adb('connect', phone.adbAddress);
    expect((await chain.adb('-s', phone.adbAddress, 'shell', 'echo hello')).stdout).toBe('hello\n');
  });

  it('refuses while it is offline and comes back on the same port after its time', async () => {
    const phone = await chain.phone();
    await chain.adb('disconnect', phone.adbAddress);
    phone.setFault({ name: 'offline', ms: 300 });
    expect((await chain.adb('connect', phone.adbAddress)).stdout).toContain('Connection refused');
    await expect.poll(async () => (await chain.adb('connect', phone.adbAddress)).stdout, { timeout: 10_000 }).toMatch(/connected to/);
    expect((await chain.adb('-s', phone.adbAddress, 'shell', 'echo back')).stdout).toBe('back\n');
  });

  it('ends a running command when it drops, which adb reports as exit code 0 without output', async () => {
    const phone = await chain.phone();
    phone.setFault({ name: 'drop', on: 'shell:sha256sum' });
    const { code, stdout } = await chain.adb('-s', phone.adbAddress, 'shell', 'sha256sum /sdcard/nothing');
    // Without the drop it would be 1: an exit code of 0 proves nothing, only the output does.
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  it('takes connections and says nothing while it is silent', async () => {
    const phone = await chain.phone();
    phone.setFault({ name: 'silent' });
    const hung = chain.adb('-s', phone.adbAddress, 'shell', 'echo hello');
    // adb goes on calling it a device: only an answer of the phone itself proves that it lives.
    expect((await chain.adb('-s', phone.adbAddress, 'get-state')).stdout).toBe('device\n');
    phone.clearFaults();
    expect((await hung).stdout).toBe('');
  });
});
