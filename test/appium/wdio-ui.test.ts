/**
 * Guards promises 6 and 7: sessions that we made end, every wait has a limit,
 * and what a screen says arrives whole. The server is fake, the client is real.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { strategyOf } from '../../src/appium/wdio-ui.ts';
import { FakeWebDriver } from './fake-webdriver.ts';
import { errorOf, factoryFor, never, phone } from './sessions.ts';

let server: FakeWebDriver;

beforeEach(async () => {
  server = await FakeWebDriver.start();
});

afterEach(async () => {
  await server.stop();
});

const arrival = (part: string): Promise<void> =>
  new Promise((resolve) => {
    server.onRequest = (request) => {
      if (request.includes(part)) resolve();
    };
  });

describe('a session', () => {
  test('is opened by one request with the capabilities that keep phones apart', async () => {
    await factoryFor(server.url).open(phone, never);
    expect(server.requests).toEqual(['POST /session']);
    expect(JSON.parse(server.bodies[0] ?? '')).toMatchObject({
      capabilities: {
        alwaysMatch: {
          'appium:udid': phone.serial,
          'appium:adbPort': phone.adbPort,
          'appium:suppressKillServer': true,
          'appium:noReset': true,
          'appium:newCommandTimeout': 240,
          'appium:uiautomator2ServerReadTimeout': 60_000,
        },
      },
    });
  });

  test('has a driver port that belongs to its phone alone', async () => {
    const factory = factoryFor(server.url);
    for (const serial of ['alice', 'bob', 'alice']) await factory.open({ ...phone, serial }, never);
    const ports = server.bodies.map((body) => JSON.parse(body).capabilities.alwaysMatch['appium:systemPort']);
    expect(ports).toEqual([ports[0], expect.any(Number), ports[0]]);
    // Without it the driver forwards no second port of the host, which two phones could share.
    expect(server.bodies.join()).not.toContain('mjpegServerPort');
    expect(ports[1]).not.toBe(ports[0]);
  });

  test('types emoji, CJK and line breaks as they are, by one request', async () => {
    const ui = await factoryFor(server.url).open(phone, never);
    const text = 'Zeile 1\nZeile 2 👩‍👩‍👧 "你好" \\n {enter}';
    await ui.type({ id: 'e1' }, text, never);
    expect(server.count('POST')).toBe(2);
    expect(JSON.parse(server.bodies.at(-1) ?? '')).toEqual({ script: 'mobile: replaceElementValue', args: [{ elementId: 'e1', text }] });
  });

  test('finds by the first selector that matches', async () => {
    server.elements = { 'demo:id/b': ['e2', 'e3'], later: ['e4'] };
    const ui = await factoryFor(server.url).open(phone, never);
    expect(await ui.find([{ id: 'demo:id/a' }, { id: 'demo:id/b' }, { desc: 'later' }], 1_000, never)).toEqual({ id: 'e2' });
    expect(server.count('/elements')).toBe(2);
  });

  test('an element that does not come is an error of its own, after one look at least', async () => {
    const ui = await factoryFor(server.url).open(phone, never);
    expect(await ui.peek([{ id: 'x' }], never)).toBeNull();
    expect(await errorOf(ui.find([{ id: 'x' }], 0, never))).toMatchObject({ code: 'ELEMENT_NOT_FOUND', details: { limitMs: 0 } });
  });

  test('an abort while it is being made rejects at once; the session that comes late is ended before the next one', async () => {
    const factory = factoryFor(server.url);
    server.hold = 'POST /session';
    const giveUp = new AbortController();
    const asked = arrival('POST /session');
    const opening = factory.open(phone, giveUp.signal);
    await asked;
    giveUp.abort(new Error('given up'));
    await expect(opening).rejects.toThrow('given up');

    server.hold = null;
    const next = factory.open(phone, never);
    const other = await factory.open({ ...phone, serial: 'other' }, never);
    server.held.get('POST /session')?.();
    await next;
    // The other phone's session did not wait; the same phone's came after the late one was gone.
    expect(other.sessionId).toBe('fake-1');
    expect(server.requests).toEqual(['POST /session', 'POST /session', 'DELETE /session/fake-2', 'POST /session']);
  });

  test('close has a limit and never throws; a late end is waited for by the next session of that phone', async () => {
    const factory = factoryFor(server.url);
    const ui = await factory.open(phone, never);
    server.hold = 'DELETE';
    await ui.close(20);
    const next = factory.open(phone, never);
    expect(server.requests).toEqual(['POST /session', 'DELETE /session/fake-1']);
    server.held.get('DELETE /session/fake-1')?.();
    await next;
    expect(server.requests.at(-1)).toBe('POST /session');
    await server.stop();
    await ui.close(1_000);
  });

  test('is not opened after an abort', async () => {
    await expect(factoryFor(server.url).open(phone, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
    expect(server.requests).toEqual([]);
  });

  test('without a server it is said that Appium is down', async () => {
    const { url } = server;
    await server.stop();
    expect(await errorOf(factoryFor(url).open(phone, never))).toMatchObject({ code: 'APPIUM_DOWN', details: { url } });
  });
});

describe('a selector', () => {
  test.each([
    [{ id: 'a:id/b' }, { using: 'id', value: 'a:id/b' }],
    [{ desc: 'Post' }, { using: 'accessibility id', value: 'Post' }],
    [{ text: 'Say "hi"' }, { using: '-android uiautomator', value: 'new UiSelector().text("Say \\"hi\\"")' }],
    [{ xpath: '//*' }, { using: 'xpath', value: '//*' }],
  ])('%j', (selector, strategy) => {
    expect(strategyOf(selector)).toEqual(strategy);
  });

  test('without a key it is a defect of the flow', () => {
    expect(() => strategyOf({})).toThrow(expect.objectContaining({ code: 'BAD_FLOW' }));
  });
});
