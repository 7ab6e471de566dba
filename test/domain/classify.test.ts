// Guards promise 4: every failure is charged to what is really broken, and a healthy account is never blamed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClassifyContext, classify } from '../../src/domain/classify.ts';
import { canonicalType, FAILURE_TYPES, isCategory, kindOf, scopeOf } from '../../src/domain/failure-types.ts';
import { CATALOGUE, type ErrorCode, SchedulerError } from '../../src/errors.ts';

const CONTEXT: ClassifyContext = { phase: 'compose', account: 'alice', committed: false, caption: 'Look at this #sunset' };

function verdict(error: unknown, context: Partial<ClassifyContext> = {}): string {
  const { category, type, uncertain } = classify(error, { ...CONTEXT, ...context });
  return `${category}/${type}${uncertain ? ' uncertain' : ''}`;
}

/** An error as node, undici or webdriverio make them. */
function foreign(message: string, fields: Readonly<Record<string, unknown>> = {}): Error {
  return Object.assign(new Error(message), fields);
}

test('a failure is these fields and no others', () => {
  expect(classify(new Error('error: device offline'), { ...CONTEXT, phase: 'push' })).toEqual({
    scope: 'device',
    category: 'infrastructure',
    type: 'device_offline',
    phase: 'push',
    message: 'error: device offline',
    retryable: true,
    uncertain: false,
    evidence: null,
  });
});

describe('a healthy account is not blamed', () => {
  test('by its own caption, wherever it turns up', () => {
    const caption = 'suspended: we suspended your account';
    expect(verdict(caption, { caption })).toBe('unknown/');
    expect(verdict(`${caption}: error: device offline`, { caption })).toBe('infrastructure/device_offline');
    const share = 'Keep Instagram open to finish posting';
    expect(verdict(`typed "${share}"`, { caption: share })).toBe('unknown/');
    expect(verdict('captcha', { caption: '' })).toBe('account/captcha');
  });

  test('by any text that webdriverio, adb or Appium produce', () => {
    const words = fc.constantFrom(
      'suspended',
      'captcha:',
      'logged out',
      'action blocked',
      'your account has been banned',
      'device',
      'Appium',
      '"',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
        const text = parts.join(' ');
        expect(verdict(foreign(`WebDriverError: ${text} when running "element" with method "POST"`))).not.toMatch(/^account/);
        expect(verdict(new SchedulerError('UI_FAILED', { details: { text, sent: 'maybe' } }))).not.toMatch(/^account/);
        expect(verdict(`Max steps reached - Vision analysis: ${text}`)).not.toMatch(/^account/);
      }),
    );
  });
});

describe('codes and classes come before the text', () => {
  test.each([
    [foreign('captcha', { code: 'ETIMEDOUT' }), 'infrastructure/adb_timeout'],
    [foreign("ENOENT: no such file, open '/mnt/x.mp4'", { code: 'ENOENT' }), 'configuration/file_missing'],
    [foreign('spawn adb ENOENT', { code: 'ENOENT' }), 'configuration/adb_not_found'],
    [foreign('spawn ffmpeg ENOENT', { code: 'ENOENT' }), 'configuration/program_missing'],
    [foreign('listen EADDRINUSE', { code: 'EADDRINUSE' }), 'infrastructure/port_busy'],
    [foreign('write', { code: 'ENOSPC' }), 'infrastructure/disk_full'],
    [foreign('element ("~x") still not displayed after 1500ms', { code: 'WAIT_UNTIL_TIMEOUT' }), 'unknown/ui_changed'],
    [foreign('gone', { name: 'invalid session id' }), 'infrastructure/session_lost'],
    [foreign('heartbeat: not done within 5 ms', { name: 'LimitExceeded' }), 'infrastructure/phase_timeout'],
    [foreign('outer', { cause: foreign('inner', { code: 'ECONNRESET' }) }), 'infrastructure/connection_dropped'],
    [
      foreign('outer', { cause: new SchedulerError('DEVICE_OFFLINE', { details: { device: 'x', text: 'y' } }) }),
      'infrastructure/device_offline',
    ],
    [foreign('a code that is a number', { code: 5 }), 'unknown/'],
  ])('%s', (error, expected) => {
    expect(verdict(error)).toBe(expected);
  });

  test('a chain of causes without end has an end', () => {
    const loop = foreign('again');
    Object.assign(loop, { cause: loop });
    expect(verdict(loop)).toBe('unknown/');
  });
});

describe("the publisher's word", () => {
  test.each([
    [{ category: 'content', type: 'too_dark' }, 'content/too_dark'],
    [{ category: 'account', type: 'loggedout' }, 'account/logged_out'],
    [{ category: 'infrastructure', type: 'claude_stuck' }, 'infrastructure/navigation_stuck'],
    [{ category: 'account' }, 'account/'],
    [{ type: 'captcha' }, 'account/captcha'],
    [{ category: 'nonsense', type: 'nonsense' }, 'infrastructure/device_offline'],
    [{ category: 'nonsense', type: 7 }, 'infrastructure/device_offline'],
  ])('%j', (hints, expected) => {
    expect(verdict(foreign('error: device offline', hints))).toBe(expected);
  });
});

describe('our own errors', () => {
  test('every code of the catalogue has a category and a type', () => {
    for (const code of Object.keys(CATALOGUE) as ErrorCode[]) {
      const { category, type } = classify(new SchedulerError(code), CONTEXT);
      expect(isCategory(category)).toBe(true);
      if (code !== 'ACCOUNT_SCREEN') expect(type, code).not.toBe('');
      const declared = CATALOGUE[code].category;
      if (isCategory(declared)) expect(category, code).toBe(declared);
    }
  });

  test.each([
    ['ACCOUNT_SCREEN', { account: 'alice', what: 'Suspended', type: 'suspended' }, 'account/suspended'],
    ['ACCOUNT_SCREEN', { type: 'loggedout', category: 'account' }, 'account/logged_out'],
    ['ACCOUNT_SCREEN', { type: 'captcha', category: 'nonsense' }, 'account/captcha'],
    ['WRONG_ACCOUNT', {}, 'account/wrong_account'],
    ['VIDEO_CHANGED', {}, 'content/bytes_changed'],
    ['VIDEO_MISSING', {}, 'configuration/file_missing'],
    ['ADB_TIMEOUT', {}, 'infrastructure/adb_timeout'],
    ['LOCK_HELD', {}, 'configuration/lock_held'],
    ['COMMIT_TWICE', {}, 'unknown/commit_twice'],
    ['UI_FAILED', {}, 'infrastructure/session_lost'],
    ['UI_FAILED', { text: 'captcha' }, 'infrastructure/session_lost'],
    ['UI_FAILED', { text: 'x', name: 'element click intercepted' }, 'unknown/ui_changed'],
    ['UI_FAILED', { text: 'x', code: 'UND_ERR_SOCKET' }, 'infrastructure/appium_crash'],
    ['UI_FAILED', { text: 'WebDriverError: A session is either terminated or not started' }, 'infrastructure/session_lost'],
    ['SESSION_FAILED', { text: 'The instrumentation process cannot be initialized.' }, 'infrastructure/session_lost'],
    ['ADB_FAILED', { text: 'error: you should run glogin to login first' }, 'infrastructure/glogin_expired'],
  ] as const)('%s %j', (code, details, expected) => {
    expect(verdict(new SchedulerError(code, { details }))).toBe(expected);
  });
});

describe('doubt (promise 1)', () => {
  test.each([
    ['Sharing to Reels…', 'unknown/ uncertain'],
    ['Loop stuck - Vision analysis: a bar says "Sharing to Reels..." below', 'infrastructure/navigation_stuck uncertain'],
    [
      'Max steps reached - Vision analysis: "Keep Instagram open to finish posting..." with a bar',
      'infrastructure/navigation_stuck uncertain',
    ],
    ['Max steps (30). Caption entered: True, Share clicked: True', 'infrastructure/navigation_stuck uncertain'],
    ['Max steps (30). Share clicked: False', 'infrastructure/navigation_stuck'],
    ['Post returned False', 'infrastructure/navigation_stuck uncertain'],
  ])('%s', (message, expected) => {
    expect(verdict(message)).toBe(expected);
  });

  test('past the commit point everything is doubt, unless it is proven that nothing was sent', () => {
    expect(verdict('error: device offline', { committed: true })).toBe('infrastructure/device_offline uncertain');
    expect(verdict(foreign('x', { proofOfAbsence: true }), { committed: true })).toBe('unknown/');
    expect(verdict(foreign('x', { proofOfAbsence: 'yes' }), { committed: true })).toBe('unknown/ uncertain');
    expect(verdict(foreign('Sharing to Reels…', { proofOfAbsence: true }), { committed: true })).toBe('unknown/ uncertain');
  });
});

test('types: old spellings are understood, foreign words kept, and charged by category', () => {
  expect(canonicalType('actionblocked')).toBe('action_blocked');
  expect(canonicalType('too_dark')).toBe('too_dark');
  expect(kindOf('toString')).toBeNull();
  expect(scopeOf('infrastructure', 'port_busy')).toBe('server');
  expect(scopeOf('account', 'port_busy')).toBe('account');
  expect(scopeOf('content', 'too_dark')).toBe('job');
  for (const [type, kind] of Object.entries(FAILURE_TYPES)) expect(scopeOf(kind.category, type)).toBe(kind.scope);
});
