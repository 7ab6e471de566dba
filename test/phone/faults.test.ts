// Promise 4: each fault of the phone reaches the client with the text by which it is told apart (measured on the pinned versions).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/devices/simulated/faults.ts';
import type { SimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { type Chain, type ChainDriver, startChain } from './chain.ts';

const READ_LIMIT = { 'appium:uiautomator2ServerReadTimeout': 1_000 };

async function messageOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

describe('what a fault of the phone looks like to the client', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain();
  });
  afterAll(() => chain.stop());

  async function open(
    capabilities: Readonly<Record<string, unknown>> = READ_LIMIT,
  ): Promise<{ phone: SimulatedPhone; driver: ChainDriver }> {
    const phone = await chain.phone();
    const driver = await chain.session(phone, capabilities);
    await driver.activateApp('demo.video');
    return { phone, driver };
  }

  async function tapCreate(driver: ChainDriver, phone: SimulatedPhone, fault: Fault): Promise<unknown> {
    const { elementId } = await driver.$('~Create').getElement();
    phone.setFault(fault);
    return driver.elementClick(elementId);
  }

  it('a hung UiAutomator2: the read limit, and nothing was carried out', async () => {
    const { phone, driver } = await open();
    await expect(tapCreate(driver, phone, { name: 'uia2_hang', on: 'tap:Create', once: true })).rejects.toThrow(
      'timeout of 1000ms exceeded',
    );
    expect(phone.state().screen).toBe('feed');
    // The session goes on: the next request is answered.
    expect(await driver.$('~Create').isDisplayed()).toBe(true);
  });

  it('a hang after carrying out: the same text, and it was carried out', async () => {
    const { phone, driver } = await open();
    await expect(tapCreate(driver, phone, { name: 'uia2_hang_after', on: 'tap:Create', once: true })).rejects.toThrow(
      'timeout of 1000ms exceeded',
    );
    expect(phone.state().screen).toBe('picker');
  });

  it('a server that dies: socket hang up, then "instrumentation process is not running"; the shell goes on', async () => {
    const { phone, driver } = await open();
    await expect(tapCreate(driver, phone, { name: 'uia2_die', on: 'tap:Create' })).rejects.toThrow('socket hang up');
    expect(phone.state().screen).toBe('feed');
    // Until Appium has noticed, a request can still hang up.
    await expect.poll(() => messageOf(driver.getPageSource())).toContain('the instrumentation process is not running (probably crashed)');
    expect(await driver.execute('mobile: shell', { command: 'echo', args: ['alive'] })).toBe('alive\n');
  });

  it('a port that refuses: socket hang up', async () => {
    const { phone, driver } = await open();
    phone.setFault({ name: 'uia2_refuse' });
    await expect(driver.getPageSource()).rejects.toThrow('socket hang up');
  });

  it('a silent phone: the read limit, while adb goes on calling it a device', async () => {
    const { phone, driver } = await open();
    phone.setFault({ name: 'silent' });
    await expect(driver.getPageSource()).rejects.toThrow('timeout of 1000ms exceeded');
    phone.clearFaults();
  });

  it('a phone that is gone: device offline or not found', async () => {
    const { phone, driver } = await open();
    phone.setFault({ name: 'offline' });
    await expect.poll(async () => (await chain.adb('-s', phone.adbAddress, 'get-state')).stdout).not.toBe('device\n');
    await expect(driver.execute('mobile: shell', { command: 'getprop' })).rejects.toThrow(/device offline|not found/);
  });

  it('a hung shell: the limit of the command', async () => {
    const { phone, driver } = await open();
    phone.setFault({ name: 'shell_hang', on: 'shell:getprop', once: true });
    await expect(driver.execute('mobile: shell', { command: 'getprop', timeout: 500 })).rejects.toThrow('timed out after 500ms');
  });

  it('a full disk: No space left on device', async () => {
    const { phone, driver } = await open();
    phone.setFault({ name: 'disk_full', once: true });
    await expect(driver.pushFile('/sdcard/DCIM/x.mp4', Buffer.from('x').toString('base64'))).rejects.toThrow(
      "remote couldn't write data: No space left on device",
    );
  });

  it('an unauthorized phone: no session, device unauthorized', async () => {
    const phone = await chain.phone();
    phone.setFault({ name: 'unauthorized' });
    await expect.poll(async () => (await chain.adb('devices')).stdout, { timeout: 10_000 }).toContain(`${phone.adbAddress}\tunauthorized`);
    await expect(chain.session(phone)).rejects.toThrow('error: device unauthorized');
  });

  it('a server that never comes up: not initialized within the limit', async () => {
    const phone = await chain.phone();
    phone.setFault({ name: 'uia2_never_boots' });
    await expect(chain.session(phone, { 'appium:uiautomator2ServerLaunchTimeout': 1_000 })).rejects.toThrow(
      'cannot be initialized within 1000ms',
    );
  });

  it('a stale element, a bad selector, a button that takes no text: the W3C names', async () => {
    const { driver } = await open();
    const { elementId } = await driver.$('~Create').getElement();
    await expect(driver.elementSendKeys(elementId, 'x')).rejects.toMatchObject({ name: 'invalid element state' });
    await driver.elementClick(elementId);
    await expect(driver.elementClick(elementId)).rejects.toMatchObject({ name: 'stale element reference' });
    await expect(driver.findElements('xpath', '//*[')).rejects.toMatchObject({ name: 'invalid selector' });
    expect(await driver.findElement('accessibility id', 'Nope')).toMatchObject({ error: 'no such element' });
  });

  it('a reboot ends the session, and a new one works', async () => {
    const { phone, driver } = await open();
    phone.setFault({ name: 'reboot' });
    // The third: adb has taken its forward away, Appium has not noticed yet.
    await expect(driver.getPageSource()).rejects.toThrow(
      /instrumentation process is not running|socket hang up|connect ECONNREFUSED 127\.0\.0\.1/,
    );
    await expect.poll(async () => (await chain.adb('connect', phone.adbAddress)).stdout).toContain('connected to');
    await expect.poll(async () => (await chain.adb('-s', phone.adbAddress, 'get-state')).stdout).toBe('device\n');
    const again = await chain.session(phone);
    writeFileSync(join(chain.folder, 'source.xml'), await again.getPageSource());
    await again.deleteSession();
  });
});
