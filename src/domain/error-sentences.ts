/**
 * What foreign programs say, sentence by sentence, and which failure type it is.
 *
 * The last resort of `classify.ts`, after exception classes and codes. Every
 * sentence is whole or anchored at the beginning: a word such as "blocked" or
 * "disabled" somewhere in a text blames nobody. Wording as measured on Appium
 * 3.8, UiAutomator2 8.7, webdriverio 9 and adb, and as the ancestor wrote it.
 */
import type { FailureType } from './failure-types.ts';

export type Sentence = readonly [RegExp, FailureType];

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
  HPE_INVALID_CONSTANT: 'appium_misconfigured',
  ENOSPC: 'disk_full',
  ENOENT: 'file_missing',
  EACCES: 'file_missing',
  EPERM: 'file_missing',
  ENOTDIR: 'file_missing',
  EISDIR: 'file_missing',
  WAIT_UNTIL_TIMEOUT: 'ui_changed',
  ELEMENT_NOT_FOUND_AGAIN: 'ui_changed',
};

/** `[Errno 111]` and `[WinError 10061]`, as Python writes them. */
export const NUMBERS: Readonly<Record<string, FailureType>> = {
  2: 'file_missing',
  13: 'file_missing',
  28: 'disk_full',
  32: 'connection_dropped',
  98: 'port_busy',
  101: 'connection_dropped',
  104: 'connection_dropped',
  110: 'adb_timeout',
  111: 'appium_crash',
  113: 'connection_dropped',
  10048: 'port_busy',
  10054: 'connection_dropped',
  10060: 'adb_timeout',
  10061: 'appium_crash',
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
  BrokenPipeError: 'connection_dropped',
  FileNotFoundError: 'file_missing',
  PermissionError: 'file_missing',
  NoSuchDriverError: 'session_lost',
  NoSuchElementError: 'ui_changed',
  NoSuchElementException: 'ui_changed',
  StaleElementReferenceException: 'ui_changed',
  ElementClickInterceptedException: 'ui_changed',
  ElementNotInteractableException: 'ui_changed',
  InvalidSessionIdException: 'session_lost',
  'invalid session id': 'session_lost',
  'no such element': 'ui_changed',
  'stale element reference': 'ui_changed',
  'element not interactable': 'ui_changed',
  'element click intercepted': 'ui_changed',
  'invalid element state': 'ui_changed',
  'webdriverio(middleware): element did not become interactable': 'ui_changed',
  'unexpected alert open': 'ui_changed',
  // The screen, or the page, did not come.
  'script timeout': 'ui_changed',
  timeout: 'ui_changed',
  // What the flow asked for makes no sense to the driver: it will not tomorrow either.
  'invalid selector': 'bad_flow',
  'javascript error': 'bad_flow',
  'unsupported operation': 'bad_flow',
  'unknown command': 'bad_flow',
};

/**
 * The platform's no, as a report begins. Only a report that *starts* with it counts; a description of a screen that
 * mentions it, or denies it, does not.
 */
export const ACCOUNT_SENTENCES: readonly Sentence[] = [
  [/^suspended(?:$|\s*:)/i, 'suspended'],
  [/^(?:terminated|disabled)\s*:.{0,80}\baccount\b/i, 'terminated'],
  [/^captcha(?:$|\s*:|\s+(?:required|detected|shown))/i, 'captcha'],
  [/^verification(?:$|\s+required\b|\s*:(?!.{0,80}\b(?:checksum|hash|sha\d*|bytes|certificate|signature|mismatch)\b))/i, 'verification'],
  [/^logged[_ ]?out(?:$|\s*[:.])/i, 'logged_out'],
  [/^action[_ ]?blocked(?:$|\s*[:.])/i, 'action_blocked'],
  [/^banned(?:$|\s*:)/i, 'banned'],
  [/^(?:your |the )?account (?:is |was |has been )?suspended\b/i, 'suspended'],
  [/^we(?: have|'ve)? suspended your account\b/i, 'suspended'],
  [/^(?:your |the )?account (?:is |was |has been )?(?:permanently )?(?:terminated|disabled|deleted)\b(?! in\b)/i, 'terminated'],
  [/^we(?: have|'ve)? (?:disabled|terminated) your account\b/i, 'terminated'],
  [/^(?:your |the )?account (?:is |was |has been )?(?:permanently )?banned\b/i, 'banned'],
  [
    /^(?:your |the )?account (?:is |was |has been )?logged out\b|^you(?:'ve| have)? been logged out\b(?! of\b)|^not logged in(?:$|\s*[:.])/i,
    'logged_out',
  ],
];

/** `captcha: false`, `suspended: no`: a list of what was looked for, not a report. */
export const DENIED = /^[\w ]{1,40}:\s*(?:false|no|none|null|0)\s*(?:$|[,;.])/i;

/** Everything that is not the account's. The first that fits wins, so the more particular stand first. */
export const SENTENCES: readonly Sentence[] = [
  // Somebody has to set something right.
  [/Neither ANDROID_HOME nor ANDROID_SDK_ROOT environment variable was exported/, 'android_home_unset'],
  [/Could not find 'adb' in |^spawn \S*\badb(?:\.exe)? ENOENT/, 'adb_not_found'],
  [/^spawn \S+ (?:ENOENT|EACCES)\b/, 'program_missing'],
  [/^(?:ADB|USB debugging|Accessibility service)(?: is)? disabled\b/i, 'adb_disabled'],
  [/\b(?:adb|error): (?:.{0,120}: )?device unauthorized/, 'device_unauthorized'],
  [/^Unsupported execute method '/, 'bad_flow'],
  [/^Phone not found\b/i, 'phone_not_found'],
  [/^(?:Video|Media|File)(?: file)? (?:not found|does not exist|is missing)\b|^invalid argument: File not found/i, 'file_missing'],
  [/^Trying to use a \w+ binary at the path .{1,500}, but it doesn't exist/, 'program_missing'],
  [/^A new session could not be created\b.{0,80}[\s\S]{0,40}\bno \w+ binary at /, 'appium_misconfigured'],
  [/^Unable to resolve the launchable activity of '/, 'app_not_installed'],
  [/^The requested resource could not be found, or a request was received using an HTTP method/, 'appium_misconfigured'],
  [/^'automationName' is required|^Could not find a driver for automationName|^Potentially insecure feature '/, 'appium_misconfigured'],
  // The video or its caption.
  [/^(?:User )?banned word in (?:the )?caption\b/i, 'rejected'],
  [/^(?:Video|Media|File)(?: file)? (?:is )?(?:corrupt|truncated|unreadable|unsupported)/i, 'corrupt_video'],
  [/^rejected\s*:|^(?:Video|Media|File)(?: file)? (?:is )?too (?:long|short|large)\b/i, 'rejected'],
  [/moov atom not found|Invalid data found when processing input/, 'corrupt_video'],
  // The phone, and the way to it.
  [/you should run glogin to login first/, 'glogin_expired'],
  [/(?<!\[Errno 28\] )No space left on device/, 'phone_full'],
  [/^Phone (?:is )?not running\b/i, 'phone_not_running'],
  [
    /\b(?:adb|error): (?:.{0,120}: )?device (?:(?:offline|still authorizing)(?!\.\w)|'[^']{0,80}' not found)|^device offline\b/,
    'device_offline',
  ],
  [
    /\b(?:adb|error): (?:.{0,120}: )?no devices\/emulators found|^error: closed$|^(?:failed to|unable to|cannot) connect to '?[\w.-]+:\d+/i,
    'device_offline',
  ],
  [
    /Could not find a connected Android device in|was not in the list of connected devices|^Device \S+ never appeared in ADB/,
    'device_offline',
  ],
  [/^ADB connection lost\b|^Connection failed$|^Connection aborted|^\('Connection aborted/i, 'connection_dropped'],
  [/^Command .{0,2000}\btimed out after \d+|' timed out after \d+ ?ms\b|^Request timed out! Consider/, 'adb_timeout'],
  [/^ADB (?:command )?timed? ?out\b|^ADB timeout\b/i, 'adb_timeout'],
  [/A session is either terminated or not started|^The session identified by \S+ is not known|^invalid session id\b/, 'session_lost'],
  [/^(?:chrome|browser) not reachable\b/i, 'session_lost'],
  [/^Trying to run command ".{0,200}" after session has been deleted/, 'session_lost'],
  // That process runs on the phone: Appium itself is well.
  [/instrumentation process (?:is not running|cannot be initialized)/, 'session_lost'],
  [/^All window handles were removed\b/, 'session_lost'],
  [/^(?:tab|page|app) crashed\b|^[\w.]+ (?:keeps stopping|has stopped|isn't responding)\b/i, 'app_crash'],
  [/Original error: timeout of \d+ ?ms exceeded/, 'adb_timeout'],
  [/^Could not proxy command to the remote server\b|Original error: socket hang up|^socket hang up\b/, 'connection_dropped'],
  [/\bnet::ERR_[A-Z_]+\b|\bnetwork is unreachable\b|\bno route to host\b/i, 'connection_dropped'],
  [/^Cannot execute the '.{1,200}' shell command\b|^Error executing adbExec\b|^adb: error: /, 'adb_failed'],
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

/**
 * What a text is about when nothing in it is known, not even its class: the words that the predecessor went by, each where
 * it says who failed. Never an account.
 */
export const HINTS: readonly Sentence[] = [
  [
    /^(?:the )?(?:appium|appium server)\b.{0,80}\b(?:died|crashed|exited|failed|did not start|is not (?:running|answering))\b/i,
    'appium_crash',
  ],
  [/^(?:the )?(?:uiautomator2?|instrumentation|webdriver|chromedriver)\b/i, 'session_lost'],
  [/\bconnection refused\b/i, 'appium_crash'],
  [/^(?:device|phone)\b.{0,60}\boffline\b/i, 'device_offline'],
  [
    /\bconnection (?:was )?(?:reset|closed|lost|aborted|dropped)\b|\bbroken pipe\b|\bsocket hang up\b|\b(?:closed connection|socket disconnected) (?:without|before)\b/i,
    'connection_dropped',
  ],
  [/\btimed out\b|\btime-?out\b/i, 'adb_timeout'],
  [/^adb\b/i, 'adb_failed'],
];

/** The evidence that an upload may be running, or that Share was tapped. Searched everywhere but in our own caption. */
export const UPLOAD_MAY_RUN = /Sharing to \w+\s?(?:…|\.\.\.)|Keep \w+ open to finish posting|Share clicked: True|\bPost returned False\b/i;

/** Codes of the phone cloud's API. Those that are not here say: wait, and try the same phone again. None is ever the account's. */
const PROVIDER: readonly (readonly [FailureType, readonly number[]])[] = [
  // Signature, plan, two hours' lock, permission, address, balance: no phone of the fleet can be reached.
  ['provider_refused', [40003, 40011, 40014, 40015, 40016, 41001]],
  ['rate_limited', [429, 40007, 40017]],
  ['phone_not_found', [42001, 47004]],
  ['phone_not_running', [42002]],
  ['app_not_installed', [42005]],
  // Expired, its proxy is gone, a model without adb: this phone is out until somebody looks.
  ['phone_unusable', [43004, 45002, 49002]],
];

/** `API error: 50000 - …`, `[40007] …`, `43020: …`, `HTTP ERROR: 503`, `429 Client Error`, `/open/v1/phone/start: [43043] …`. */
export function providerType(text: string): FailureType | null {
  const found =
    /^(?:(\/open\/\S{1,80}?):?\s+)?(?:(?:(?:\w{1,20} )?API error:?|HTTP(?: ERROR)?:?)\s*(\d{3,5})\b|\[?(4\d{4}|5000[01])\]?(?:\s|:|$)|([45]\d\d) (?:Client|Server) Error\b)/i.exec(
      text,
    );
  if (found === null) return null;
  const [, path = '', named, bare, status] = found;
  const code = Number(named ?? bare ?? status);
  // One number, two meanings: too many requests of a shell, too few machines at a start.
  if (code === 47002 && path.includes('/shell/')) return 'rate_limited';
  return PROVIDER.find(([, codes]) => codes.includes(code))?.[0] ?? 'provider_error';
}
