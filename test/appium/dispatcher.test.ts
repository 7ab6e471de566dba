/**
 * Guards promise 7 and months of running: sessions leave no open connection
 * behind. Without our dispatcher the client leaks one per session; that is
 * shown first, so that the second test can fail.
 */
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { remote } from 'webdriverio';
import { clientOptions } from '../../src/appium/wdio-ui.ts';
import { FakeWebDriver } from './fake-webdriver.ts';
import { factoryFor, never, phone } from './sessions.ts';

const SESSIONS = 60;
const openDescriptors = () => readdirSync('/proc/self/fd').length;

let server: FakeWebDriver;

beforeAll(async () => {
  server = await FakeWebDriver.start();
});

afterAll(async () => {
  await server.stop();
});

describe.runIf(process.platform === 'linux')('open descriptors', () => {
  test('the client alone leaks at least one per session', async () => {
    const before = openDescriptors();
    for (let count = 0; count < SESSIONS; count++) {
      const client = await remote({
        ...clientOptions(server.url),
        capabilities: { platformName: 'Android', 'wdio:enforceWebDriverClassic': true },
      });
      await client.deleteSession();
    }
    expect(openDescriptors() - before).toBeGreaterThanOrEqual(SESSIONS);
  });

  test('with the shared dispatcher they stay flat', async () => {
    const factory = factoryFor(server.url);
    const session = async () => {
      const ui = await factory.open(phone, never);
      await ui.source(never);
      await ui.close(1_000);
    };
    await session();
    const before = openDescriptors();
    for (let count = 0; count < SESSIONS; count++) await session();
    expect(openDescriptors() - before).toBeLessThanOrEqual(4);
  });

  test('requests to other places still work', async () => {
    const other = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const answer = await fetch(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    expect(await answer.text()).toBe('hello');
    other.closeAllConnections();
    other.close();
  });
});
