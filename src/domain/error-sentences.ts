/**
 * What foreign programs say, sentence by sentence, and which failure type it is.
 *
 * The last resort of `classify.ts`, after exception classes and codes. Every
 * sentence is whole or anchored at the beginning: a word such as "blocked" or
 * "disabled" somewhere in a text blames nobody. Wording as measured on Appium
 * 3.8, UiAutomator2 8.7, webdriverio 9 and adb, and as the ancestor wrote it.
 */
import type { FailureType } from './failure-types.ts';

type Sentence = readonly [RegExp, FailureType];

/** Node's and undici's codes, also when they only stand in a text. */
export const CODES: Readonly<Record<string, FailureType>> = {
  ECONNREFUSED: 'appium_crash',
  UND_ERR_SOCKET: 'appium_crash',
  UND_ERR_CLOSED: 'session_lost',
  ETIMEDOUT: 'adb_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'adb_timeout',
  UND_ERR_BODY_TIMEOUT: 'adb_timeout',
  UND_ERR_CONNECT_TIMEOUT: 'connection_dropped',
  ECONNRESET: 'connection_dropped',
  ECONNABORTED: 'connection_dropped',
  EPIPE: 'connection_dropped',
  ENOTFOUND: 'connection_dropped',
  EAI_AGAIN: 'connection_dropped',
  ENETUNREACH: 'connection_dropped',
  EHOSTUNREACH: 'connection_dropped',
  EADDRINUSE: 'port_busy',
  ENOSPC: 'disk_full',
  ENOENT: 'file_missing',
  EACCES: 'file_missing',
  EPERM: 'file_missing',
  ENOTDIR: 'file_missing',
  EISDIR: 'file_missing',
  WAIT_UNTIL_TIMEOUT: 'ui_changed',
  ELEMENT_NOT_FOUND_AGAIN: 'ui_changed',
};

/** Exception classes, ours and Python's, and the W3C words for an answer that says no. */
export const NAMES: Readonly<Record<string, FailureType>> = {
  LimitExceeded: 'phase_timeout',
  TimeoutError: 'adb_timeout',
  TimeoutException: 'adb_timeout',
  TimeoutExpired: 'adb_timeout',
  ConnectionError: 'connection_dropped',
  ConnectionResetError: 'connection_dropped',
  ConnectionAbortedError: 'connection_dropped',
  ConnectionRefusedError: 'appium_crash',
  ProtocolError: 'connection_dropped',
  MaxRetryError: 'appium_crash',
  NewConnectionError: 'appium_crash',
  InvalidSessionIdException: 'session_lost',
  'invalid session id': 'session_lost',
  'no such element': 'ui_changed',
  'stale element reference': 'ui_changed',
  'element not interactable': 'ui_changed',
  'element click intercepted': 'ui_changed',
  'invalid element state': 'ui_changed',
  'webdriverio(middleware): element did not become interactable': 'ui_changed',
  'unexpected alert open': 'ui_changed',
};

/**
 * The platform's no, as a report begins. Only a report that *starts* with it counts; a description of a screen that
 * mentions it, or denies it, does not.
 */
export const ACCOUNT_SENTENCES: readonly Sentence[] = [
  [/^suspended(?:$|\s*:)/i, 'suspended'],
  [/^(?:terminated|disabled)\s*:\s*\S*\s*(?:disabled|terminated|deleted|account)/i, 'terminated'],
  [/^captcha(?:$|\s*:|\s+(?:required|detected|shown))/i, 'captcha'],
  [/^verification(?:$|\s*:|\s+required\b)/i, 'verification'],
  [/^logged[_ ]?out(?:$|\s*[:.])/i, 'logged_out'],
  [/^action[_ ]?blocked(?:$|\s*[:.])/i, 'action_blocked'],
  [/^banned(?:$|\s*:)/i, 'banned'],
  [/^(?:your |the )?account (?:is |was |has been )?suspended\b/i, 'suspended'],
  [/^we(?: have|'ve)? suspended your account\b/i, 'suspended'],
  [/^(?:your |the )?account (?:is |was |has been )?(?:terminated|disabled|deleted)\b/i, 'terminated'],
  [/^we(?: have|'ve)? (?:disabled|terminated) your account\b/i, 'terminated'],
  [/^(?:your |the )?account (?:is |was |has been )?banned\b/i, 'banned'],
  [/^(?:your |the )?account (?:is |was |has been )?logged out\b/i, 'logged_out'],
];

/** Everything that is not the account's. The first that fits wins, so the more particular stand first. */
export const SENTENCES: readonly Sentence[] = [
  // Somebody has to set something right.
  [/Neither ANDROID_HOME nor ANDROID_SDK_ROOT environment variable was exported/, 'android_home_unset'],
  [/Could not find 'adb' in |^spawn \S*\badb(?:\.exe)? ENOENT/, 'adb_not_found'],
  [/^spawn \S+ (?:ENOENT|EACCES)\b/, 'program_missing'],
  [/^(?:ADB|USB debugging|Accessibility service)(?: is)? disabled\b/i, 'adb_disabled'],
  [/error: device unauthorized/, 'device_unauthorized'],
  [/^Phone not found\b/i, 'phone_not_found'],
  [/^(?:Video|Media|File)(?: file)? (?:not found|does not exist|is missing)\b|^invalid argument: File not found/i, 'file_missing'],
  [/^The requested resource could not be found, or a request was received using an HTTP method/, 'appium_misconfigured'],
  [/^'automationName' is required|^Could not find a driver for automationName|^Potentially insecure feature '/, 'appium_misconfigured'],
  // The video or its caption.
  [/^(?:User )?banned word in (?:the )?caption\b/i, 'rejected'],
  [/^(?:Video|Media|File)(?: file)? (?:is )?(?:corrupt|truncated|unreadable|too long|too short|unsupported)/i, 'corrupt_video'],
  [/moov atom not found|Invalid data found when processing input/, 'corrupt_video'],
  // The phone, and the way to it.
  [/you should run glogin to login first/, 'glogin_expired'],
  [/No space left on device/, 'phone_full'],
  [/^Phone (?:is )?not running\b/i, 'phone_not_running'],
  [/error: device (?:offline|still authorizing)|error: device '[^']{0,80}' not found|^device offline\b/, 'device_offline'],
  [
    /Could not find a connected Android device in|was not in the list of connected devices|^Device \S+ never appeared in ADB/,
    'device_offline',
  ],
  [/^ADB connection lost\b|^Connection failed$|^Connection aborted|^\('Connection aborted/i, 'connection_dropped'],
  [/^Command .{0,2000}\btimed out after \d+|' timed out after \d+ ?ms\b|^Request timed out! Consider/, 'adb_timeout'],
  [/^ADB (?:command )?timed? ?out\b|^ADB timeout\b/i, 'adb_timeout'],
  [/A session is either terminated or not started|^The session identified by \S+ is not known|^invalid session id\b/, 'session_lost'],
  [/^Trying to run command ".{0,200}" after session has been deleted/, 'session_lost'],
  [/instrumentation process (?:is not running|cannot be initialized)/, 'appium_crash'],
  [/Original error: timeout of \d+ ?ms exceeded/, 'adb_timeout'],
  [/^Could not proxy command to the remote server\b|Original error: socket hang up|^socket hang up\b/, 'connection_dropped'],
  [/^Upload to phone failed\b|^Upload timeout after \d+/, 'provider_error'],
  // Servers.
  [/the local port #\d+ is busy|\bEADDRINUSE\b/, 'port_busy'],
  [/^Unable to connect to "http|^HTTPConnectionPool\(.{0,100}\): Max retries exceeded/, 'appium_crash'],
  [/^Too many requests\b/i, 'rate_limited'],
  // This attempt.
  [/^Pre-post verification failed\b/, 'verification_race'],
  [/^(?:Loop stuck|Loop recovery failed|Max steps reached|Post returned False)\b|^Max steps\b/, 'navigation_stuck'],
  [/^Stale job cleanup\b/, 'holder_died'],
  // The app looks different, or something lies on top of it.
  [/^Can't call \w+ on element with selector|still not (?:displayed|existing|enabled|clickable) after \d+ms/, 'ui_changed'],
];

/** The evidence that an upload may be running, or that Share was tapped. Searched everywhere but in our own caption. */
export const UPLOAD_MAY_RUN = /Sharing to \w+\s?(?:…|\.\.\.)|Keep \w+ open to finish posting|Share clicked: True|\bPost returned False\b/i;

/** Codes of the phone cloud's API that need a person: signature, plan, permission, address, balance. */
const PROVIDER_REFUSED: ReadonlySet<number> = new Set([40003, 40011, 40014, 40015, 40016, 41001]);
const PROVIDER_RATE: ReadonlySet<number> = new Set([429, 40007, 40017, 47002]);
const PROVIDER_NOT_FOUND: ReadonlySet<number> = new Set([42001, 47004]);
const PROVIDER_NOT_RUNNING: ReadonlySet<number> = new Set([42002]);

/** `API error: 50000 - …`, `[40007] …`, `43020: …`, `HTTP ERROR: 503`: none of them is ever the account's. */
export function providerType(text: string): FailureType | null {
  const found = /^(?:API error:?|HTTP(?: ERROR)?:?)\s*(\d{3,5})\b|^\[?(4[0-9]{4}|50000)\]?(?:\s|:|$)/i.exec(text);
  if (found === null) return null;
  const code = Number(found[1] ?? found[2]);
  if (PROVIDER_REFUSED.has(code)) return 'provider_refused';
  if (PROVIDER_RATE.has(code)) return 'rate_limited';
  if (PROVIDER_NOT_FOUND.has(code)) return 'phone_not_found';
  return PROVIDER_NOT_RUNNING.has(code) ? 'phone_not_running' : 'provider_error';
}
