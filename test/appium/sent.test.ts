/** Guards promise 1 (never twice): an act counts as "not sent" only on proof (docs/never-twice.md). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foreignError, sentOf } from '../../src/appium/sent.ts';

const failure = (name: string, message: string, code?: string) =>
  Object.assign(new Error(message), { name }, code === undefined ? {} : { code });

const INSTRUMENTATION =
  "WebDriverError: 'POST /element/1/click' cannot be proxied to UiAutomator2 server because the instrumentation process is not running (probably crashed). Check the server log";
const NOT_STARTED = 'WebDriverError: A session is either terminated or not started when running "element/1/click" with method "POST"';

describe('what is known about the phone after an error', () => {
  test.each([
    ['instrumentation gone before', failure('unknown error', INSTRUMENTATION), 'no'],
    ['session gone before', failure('invalid session id', NOT_STARTED), 'no'],
    ['nobody listens', failure('Error', 'WebDriverError: Request failed with error code ECONNREFUSED', 'ECONNREFUSED'), 'no'],
    ['socket hang up', failure('unknown error', 'Could not proxy command to the remote server. Original error: socket hang up'), 'maybe'],
    ['driver time-out', failure('unknown error', 'Original error: timeout of 8000ms exceeded'), 'maybe'],
    ['Appium killed', failure('Error', 'Request failed with error code UND_ERR_SOCKET', 'UND_ERR_SOCKET'), 'maybe'],
    ['client time-out', failure('Error', 'Request timed out!', 'ETIMEDOUT'), 'maybe'],
    ['reset', failure('Error', 'Request failed with error code ECONNRESET', 'ECONNRESET'), 'maybe'],
    ['shut down meanwhile', failure('invalid session id', 'The driver was unexpectedly shut down!'), 'maybe'],
    ['the session sentence under another name', failure('unknown error', NOT_STARTED), 'maybe'],
    ['Appium’s own refused connection', failure('unknown error', 'Original error: connect ECONNREFUSED 127.0.0.1:8200'), 'maybe'],
    ['the instrumentation sentence with a lost connection', failure('Error', INSTRUMENTATION, 'UND_ERR_SOCKET'), 'maybe'],
    ['not an error', 'boom', 'maybe'],
    ['nothing', undefined, 'maybe'],
  ])('%s', (_name, error, sent) => {
    expect(sentOf(error)).toBe(sent);
  });

  test('any other text is "maybe"', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (name, text) => sentOf(failure(name, text)) === 'maybe'));
  });

  test('the parts of a foreign error are read without throwing', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        fc.pre(!(typeof thrown === 'object' && thrown !== null));
        expect(foreignError(thrown).code).toBe('');
      }),
    );
  });
});
