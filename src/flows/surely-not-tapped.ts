/**
 * The one decision that may call a failed commit tap "surely not sent". A wrong
 * yes publishes twice, a wrong no costs a look at the profile: when in doubt, no.
 */
import { SchedulerError } from '../errors.ts';

/** What `Ui` throws when a request failed; a refused connection to Appium has its own code. */
const CODES: readonly string[] = ['UI_FAILED', 'APPIUM_DOWN'];

/** Measured on appium 3.8 with webdriverio 9.33 and its retries off: in these three cases the phone was never asked. */
const NEVER_SENT: readonly RegExp[] = [
  /instrumentation process is not running/i,
  /A session is either terminated or not started/i,
  /\bECONNREFUSED\b/,
];

/** Any of these in the same message takes the proof away: the request was on its way. */
const MAY_HAVE_LANDED = /socket hang up|timeout of \d+ ?ms|timed out|UND_ERR|ETIMEDOUT|ECONNRESET|EPIPE|unexpectedly shut down/i;

/** True when an error of the commit tap proves that the phone never got it. Both the edge's own word (`sent: no`) and a known text are needed. */
export function surelyNotTapped(error: unknown): boolean {
  if (!(error instanceof SchedulerError) || !CODES.includes(error.code) || error.details.sent !== 'no') return false;
  const text = String(error.details.text ?? '');
  return NEVER_SENT.some((pattern) => pattern.test(text)) && !MAY_HAVE_LANDED.test(text);
}
