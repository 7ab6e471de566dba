/** Guards promise 1: only proof makes a post after the commit point count as not made. The texts are measured ones. */
import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../../src/errors.ts';
import { surelyNotTapped } from '../../src/flows/surely-not-tapped.ts';
import { uiFailure } from './fake-ui.ts';

const NOT_RUNNING =
  "WebDriverError: 'POST /element/5/click' cannot be proxied to UiAutomator2 server because the instrumentation process is not running (probably crashed). Check the server log";
const NO_SESSION = 'WebDriverError: A session is either terminated or not started when running "element/5/click"';

describe('a tap was surely not sent', () => {
  it.each([NOT_RUNNING, NO_SESSION, 'Request failed with error code ECONNREFUSED'])('%s', (text) => {
    expect(surelyNotTapped(uiFailure('no', text))).toBe(true);
    // The edge must have seen it so too: it knows the error's code and name.
    expect(surelyNotTapped(uiFailure('maybe', text))).toBe(false);
  });

  it('also when Appium itself refuses the connection', () => {
    const text = 'Request failed with error code ECONNREFUSED';
    expect(surelyNotTapped(new SchedulerError('APPIUM_DOWN', { details: { sent: 'no', text, url: 'http://127.0.0.1:1' } }))).toBe(true);
  });
});

describe('a tap may have landed', () => {
  it.each([
    'Could not proxy command to the remote server. Original error: socket hang up',
    'Could not proxy command to the remote server. Original error: timeout of 8000ms exceeded',
    'Request failed with error code UND_ERR_SOCKET',
    'Request timed out! Consider increasing the "connectionRetryTimeout" option.',
    'read ECONNRESET',
    'The process has unexpectedly shut down',
    'something nobody has seen yet',
    `${NOT_RUNNING}; before that: socket hang up`,
    '',
  ])('%s', (text) => {
    expect(surelyNotTapped(uiFailure('no', text))).toBe(false);
    expect(surelyNotTapped(uiFailure('maybe', text))).toBe(false);
  });

  it('anything that is not from the edge', () => {
    expect(surelyNotTapped(new Error(NOT_RUNNING))).toBe(false);
    expect(surelyNotTapped(undefined)).toBe(false);
    expect(surelyNotTapped(new SchedulerError('NOT_CONFIRMED', { details: { sent: 'no', text: NO_SESSION } }))).toBe(false);
  });
});
