/**
 * What is known about the phone after a request failed: was the act carried out?
 *
 * Pure, and deliberately short: only the sentences below prove that a tap never
 * left for the phone. Whatever is not on the list may have landed. It must not
 * know what a flow or a job makes of the answer.
 */

export type Sent = 'no' | 'maybe';

/** The parts of a foreign error that decide; webdriverio exports no classes to test for. */
export interface ForeignError {
  /** Node's or undici's code, such as `ECONNREFUSED`; '' when there is none. */
  readonly code: string;
  /** The W3C word for an answer that says no, such as `invalid session id`; 'Error' when there was no answer. */
  readonly name: string;
  readonly text: string;
}

/** Reads an unknown thrown value. Never throws. */
export function foreignError(error: unknown): ForeignError {
  if (!(error instanceof Error)) return { code: '', name: '', text: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return { code, name: error.name, text: error.message };
}

/**
 * 'no' when the request was surely not carried out, 'maybe' otherwise.
 *
 * Holds only for a client that repeats nothing (`connectionRetryCount: 0`): with
 * repeats the last answer says nothing about the first request. Source of the
 * sentences: docs/never-twice.md, measured on Appium 3.8 and UiAutomator2 8.7.
 */
export function sentOf(error: unknown): Sent {
  const { code, name, text } = foreignError(error);
  // No connection to Appium at all. The same word inside Appium's answer is about its own connections and proves nothing.
  if (code === 'ECONNREFUSED') return 'no';
  // The driver looks for its helper process before it forwards anything.
  if (code === '' && text.includes('cannot be proxied to UiAutomator2 server because the instrumentation process is not running'))
    return 'no';
  // Appium's router knows no such session. Another driver's "invalid session id" may come after the act.
  if (name === 'invalid session id' && text.includes('A session is either terminated or not started')) return 'no';
  return 'maybe';
}
