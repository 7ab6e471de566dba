/**
 * Guards promise 1 (never twice): one `tap` is one request, whatever happens to
 * it. The fake server counts; the faults are those of Appium and the phone.
 */

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { remote } from 'webdriverio';
import { clientOptions } from '../../src/appium/wdio-ui.ts';
import { SchedulerError } from '../../src/errors.ts';
import { type ClickFault, FakeWebDriver } from './fake-webdriver.ts';
import { errorOf, factoryFor, never, phone } from './sessions.ts';

const CLIENT_LIMIT_MS = 1_000;

const proxied = (text: string): ClickFault => ({
  kind: 'answer',
  status: 500,
  error: 'unknown error',
  message: `Could not proxy command to the remote server. Original error: ${text}`,
});

const FAULTS: readonly (readonly [name: string, fault: ClickFault, sent: 'no' | 'maybe'])[] = [
  ['500 unknown error', { kind: 'answer', status: 500, error: 'unknown error', message: 'An unknown server-side error occurred' }, 'maybe'],
  ['500 without a message', { kind: 'answer', status: 500, error: 'unknown error', message: '' }, 'maybe'],
  ['400 invalid selector', { kind: 'answer', status: 400, error: 'invalid selector', message: 'bad' }, 'maybe'],
  ['400 invalid element state', { kind: 'answer', status: 400, error: 'invalid element state', message: 'bad' }, 'maybe'],
  [
    '404 stale element',
    { kind: 'answer', status: 404, error: 'stale element reference', message: 'The element does not exist in DOM anymore' },
    'maybe',
  ],
  ['404 no such element', { kind: 'answer', status: 404, error: 'no such element', message: 'An element could not be located' }, 'maybe'],
  ['408 time-out', { kind: 'answer', status: 408, error: 'timeout', message: 'timed out' }, 'maybe'],
  ['429 too many', { kind: 'text', status: 429, body: 'slow down' }, 'maybe'],
  ['503 from something in between', { kind: 'text', status: 503, body: '<html>unavailable</html>' }, 'maybe'],
  ['200 that is not JSON', { kind: 'text', status: 200, body: '<html>hello</html>' }, 'maybe'],
  ['200 that is empty', { kind: 'text', status: 200, body: '' }, 'maybe'],
  ['the phone answered too late for Appium', proxied('timeout of 60000ms exceeded'), 'maybe'],
  ['UiAutomator2 died meanwhile', proxied('socket hang up'), 'maybe'],
  [
    'the driver was shut down meanwhile',
    { kind: 'answer', status: 404, error: 'invalid session id', message: 'The driver was unexpectedly shut down!' },
    'maybe',
  ],
  ['no answer within the client’s limit', { kind: 'silent' }, 'maybe'],
  ['carried out, then the connection reset', { kind: 'reset' }, 'maybe'],
  ['carried out, then half an answer', { kind: 'cut' }, 'maybe'],
  [
    'UiAutomator2 was dead before',
    {
      kind: 'answer',
      status: 500,
      error: 'unknown error',
      message:
        "'POST /element/e1/click' cannot be proxied to UiAutomator2 server because the instrumentation process is not running (probably crashed). Check the server log and/or the logcat output for more details",
    },
    'no',
  ],
  [
    'the session was over before',
    { kind: 'answer', status: 404, error: 'invalid session id', message: 'A session is either terminated or not started' },
    'no',
  ],
];

let server: FakeWebDriver;

beforeEach(async () => {
  server = await FakeWebDriver.start();
});

afterEach(async () => {
  await server.stop();
});

describe('one tap is one request', () => {
  test.each(FAULTS)('%s', async (_name, fault, sent) => {
    const ui = await factoryFor(server.url, CLIENT_LIMIT_MS).open(phone, never);
    server.click = fault;
    const error = await errorOf(ui.tap({ id: 'e1' }, never));
    expect(error).toBeInstanceOf(SchedulerError);
    expect(error).toMatchObject({ code: 'UI_FAILED', details: { sent, endpoint: 'POST element/click' } });
    await ui.close(CLIENT_LIMIT_MS);
    expect(server.count('/click')).toBe(1);
  });

  test('a tap that works', async () => {
    const ui = await factoryFor(server.url).open(phone, never);
    await ui.tap({ id: 'e1' }, never);
    expect(server.count('/click')).toBe(1);
  });

  test('Appium is gone: no request, and it is said that nothing was sent', async () => {
    const ui = await factoryFor(server.url).open(phone, never);
    await server.stop();
    // The kept connection is found broken first, as by any call after a crash.
    await expect.poll(() => errorOf(ui.source(never)), { timeout: 10_000 }).toMatchObject({ code: 'APPIUM_DOWN' });
    const error = await errorOf(ui.tap({ id: 'e1' }, never));
    expect(error).toMatchObject({ code: 'APPIUM_DOWN', details: { sent: 'no' } });
    expect(server.count('/click')).toBe(0);
  });

  test('given up while it runs: it rejects at once, and nothing more is sent', async () => {
    const ui = await factoryFor(server.url, CLIENT_LIMIT_MS).open(phone, never);
    server.click = { kind: 'silent' };
    const giveUp = new AbortController();
    server.onRequest = () => giveUp.abort(new Error('given up'));
    await expect(ui.tap({ id: 'e1' }, giveUp.signal)).rejects.toThrow('given up');
    await expect(ui.tap({ id: 'e1' }, giveUp.signal)).rejects.toThrow('given up');
    await ui.close(CLIENT_LIMIT_MS);
    expect(server.count('/click')).toBe(1);
  });
});

// Without this the tests above could not fail: it shows what the client does by default.
describe('with WebdriverIO’s own number of retries', () => {
  const repeated = FAULTS.filter(([, fault]) => fault.kind === 'silent' || fault.kind === 'reset' || fault === FAULTS[0]?.[1]);

  test.each(repeated)('more than one request is seen: %s', async (_name, fault) => {
    const { connectionRetryCount: _ours, ...defaults } = clientOptions(server.url, CLIENT_LIMIT_MS);
    const client = await remote({ ...defaults, capabilities: { platformName: 'Android', 'wdio:enforceWebDriverClassic': true } });
    server.click = fault;
    await errorOf(client.elementClick('e1'));
    expect(server.count('/click')).toBeGreaterThan(1);
  });
});
