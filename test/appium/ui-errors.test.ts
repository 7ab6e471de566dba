/** Guards promise 4 (blames the right thing): a session that cannot be made names what is broken. The texts are real ones. */
import { describe, expect, test } from 'vitest';
import { sessionError, uiError } from '../../src/appium/ui-errors.ts';

const URL = 'http://127.0.0.1:4723/';

describe('a session that could not be made', () => {
  test.each([
    ['Unable to connect to "http://127.0.0.1:4740/", make sure browser driver is running on that address.', 'APPIUM_DOWN'],
    ['WebDriverError: Could not find a connected Android device in 20000ms when running "…/session" with method "POST"', 'DEVICE_OFFLINE'],
    ['Device 127.0.0.1:46075 was not in the list of connected devices', 'DEVICE_OFFLINE'],
    ["Error executing adbExec. Original error: 'Command failed'; Command output: error: device offline", 'DEVICE_OFFLINE'],
    ['Error getting device API level. Command output: error: device unauthorized.\nThis adb server', 'DEVICE_UNAUTHORIZED'],
    ['Error getting device API level. Command output: error: device still authorizing', 'DEVICE_OFFLINE'],
    ['WebDriverError: Neither ANDROID_HOME nor ANDROID_SDK_ROOT environment variable was exported. Read', 'ADB_NOT_FOUND'],
    ["Could not find a driver for automationName 'UiAutomator2' and platformName 'Android'", 'APPIUM_NOT_FOUND'],
    ['The instrumentation process cannot be initialized. Make sure the application under test does not crash', 'SESSION_FAILED'],
    ['anything else', 'SESSION_FAILED'],
  ])('%s', (text, code) => {
    const cause = new Error(text);
    const error = sessionError(cause, 'phone-1', URL);
    expect(error).toMatchObject({ code, cause, details: { device: 'phone-1', url: URL, text } });
    expect(error.message).not.toMatch(/\{\w+\}/);
  });
});

test('a failed command keeps the raw error whole', () => {
  const cause = Object.assign(new Error('WebDriverError: socket hang up'), { name: 'unknown error' });
  expect(uiError(cause, 'POST element/click', URL)).toMatchObject({
    code: 'UI_FAILED',
    message: cause.message,
    cause,
    details: { sent: 'maybe', text: cause.message, endpoint: 'POST element/click', name: 'unknown error' },
  });
});
