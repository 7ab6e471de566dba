/**
 * Turns what webdriverio throws into our own errors, once, at this edge.
 *
 * By code and name first and by whole sentences of Appium after that; the raw
 * error stays as `cause` and its text, whole, in the details. What an error
 * means for a job is domain/classify.ts.
 */
import { type ErrorCode, SchedulerError } from '../errors.ts';
import type { UiFailureDetails } from './appium.ts';
import { foreignError, sentOf } from './sent.ts';

/**
 * A failed command of a session.
 *
 * @param endpoint what was asked, such as `POST element/click`
 */
export function uiError(error: unknown, endpoint: string, url: string): SchedulerError {
  const { code, name, text } = foreignError(error);
  const known: UiFailureDetails = { sent: sentOf(error), text, endpoint };
  return new SchedulerError(code === 'ECONNREFUSED' ? 'APPIUM_DOWN' : 'UI_FAILED', {
    cause: error,
    details: { ...known, url, name, code },
  });
}

/** Sentences of Appium, its driver and adb when a session could not be made; `remote()` gives nothing but a message. */
const SESSION_TROUBLE: readonly (readonly [RegExp, ErrorCode])[] = [
  [/^Unable to connect to "|error code ECONNREFUSED/, 'APPIUM_DOWN'],
  [/Neither ANDROID_HOME nor ANDROID_SDK_ROOT environment variable was exported|Could not find 'adb' in/, 'ADB_NOT_FOUND'],
  [/Could not find a driver for automationName/, 'APPIUM_NOT_FOUND'],
  [/error: device unauthorized/, 'DEVICE_UNAUTHORIZED'],
  [
    /Could not find a connected Android device in|was not in the list of connected devices|error: device (offline|still authorizing)|error: device '[^']*' not found/,
    'DEVICE_OFFLINE',
  ],
];

/** A session that could not be opened on `device`. */
export function sessionError(error: unknown, device: string, url: string): SchedulerError {
  const { code, name, text } = foreignError(error);
  const found = SESSION_TROUBLE.find(([sentence]) => sentence.test(text));
  return new SchedulerError(found?.[1] ?? 'SESSION_FAILED', {
    cause: error,
    details: { device, url, text, name, code, where: text, sent: 'no' },
  });
}
