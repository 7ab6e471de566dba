// Guards promise 4: a broken phone, server or app is found out before its accounts are blamed.
import { describe, expect, test } from 'vitest';
import { type Breaker, type BreakerKind, type ChargeQuestion, CLOSED, chargedTo, failed, stateOf } from '../../src/domain/breaker.ts';
import { failure } from '../support/build.ts';

const NOW = 1_000_000;
const MINUTE = 60_000;
const TWO = [
  ['alice', 'p'],
  ['bob', 'p'],
] as const;

function meet(kind: BreakerKind, meetings: readonly (readonly [account: string, device: string | null])[], certain = false): Breaker {
  return meetings.reduce(
    (breaker, [account, device]) => failed(breaker, kind, { account, device, certain, why: 'it failed' }, NOW),
    CLOSED,
  );
}

describe('a breaker opens', () => {
  const alice = ['alice', 'p'] as const;
  const bob = ['bob', 'p'] as const;
  test('for a phone after two failures of its own, or five that two accounts met', () => {
    expect(stateOf(meet('device', [alice], true), NOW)).toBe('closed');
    expect(stateOf(meet('device', [alice, alice], true), NOW)).toBe('open');
    expect(stateOf(meet('device', [alice, bob, alice, bob]), NOW)).toBe('closed');
    expect(stateOf(meet('device', [alice, alice, alice, alice, alice]), NOW)).toBe('closed');
    expect(stateOf(meet('device', [alice, alice, alice, alice, bob]), NOW)).toBe('open');
  });

  test('for a step of an app after five failures of three accounts on two phones', () => {
    const five = (devices: readonly (string | null)[], accounts = ['a', 'b', 'c', 'd', 'e']) =>
      stateOf(
        meet(
          'flow',
          accounts.map((name, index) => [name, devices[index % devices.length] ?? null]),
        ),
        NOW,
      );
    expect(five(['p', 'q'])).toBe('open');
    expect(five([null])).toBe('open');
    expect(five(['p'])).toBe('closed');
    expect(five(['p', 'q'], ['a', 'b', 'a', 'b', 'a'])).toBe('closed');
    expect(five(['p', 'q'], ['a', 'b', 'c', 'd'])).toBe('closed');
  });

  test('for a server after four failures of two accounts', () => {
    expect(
      stateOf(
        meet('server', [
          ['a', 'p'],
          ['b', 'q'],
          ['a', 'p'],
        ]),
        NOW,
      ),
    ).toBe('closed');
    expect(
      stateOf(
        meet('server', [
          ['a', 'p'],
          ['b', 'q'],
          ['a', 'p'],
          ['a', 'p'],
        ]),
        NOW,
      ),
    ).toBe('open');
  });
});

test('it rests, lets one trial through, and rests twice as long after a failed one, up to an hour', () => {
  let breaker = meet('device', TWO, true);
  const rests: number[] = [];
  let now = NOW;
  for (let opening = 0; opening < 10; opening += 1) {
    const untilMs = breaker.untilMs as number;
    rests.push((untilMs - now) / MINUTE);
    expect(stateOf(breaker, untilMs - 1)).toBe('open');
    expect(stateOf(breaker, untilMs)).toBe('half_open');
    now = untilMs;
    breaker = failed(breaker, 'device', { account: 'bob', device: 'p', certain: false, why: 'still' }, now);
  }
  expect(rests).toEqual([0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]);
});

test('what was under way when it opened does not prolong its rest', () => {
  const open = meet('device', TWO, true);
  const later = failed(open, 'device', { account: 'bob', device: null, certain: true, why: 'late' }, NOW + 1);
  expect(later).toMatchObject({ untilMs: open.untilMs, openings: 1, failures: 3 });
});

test('it remembers a few witnesses, however many there were', () => {
  const many = Array.from({ length: 50 }, (_, index) => [`account ${index}`, `phone ${index}`] as const);
  expect(meet('server', many).accounts).toHaveLength(8);
});

describe('whom a failure is charged to', () => {
  const met = (...accounts: readonly string[]): Breaker => ({ ...CLOSED, failures: accounts.length, accounts });
  const ask = (given: Partial<ChargeQuestion>) =>
    chargedTo({ failure: failure(), account: 'alice', device: null, server: null, flow: null, accountsOnPhone: 0, ...given });
  const stuck = failure({ scope: 'job', type: 'navigation_stuck' });
  const changed = failure({ scope: 'job', category: 'unknown', type: 'ui_changed' });
  const crashed = failure({ scope: 'server', type: 'appium_crash' });

  test.each<[string, Partial<ChargeQuestion>, ReturnType<typeof chargedTo>]>([
    ['a dead phone of several accounts pays itself, at once', { device: CLOSED, accountsOnPhone: 2 }, 'device'],
    ['a dead phone of one account is that account', { device: CLOSED, accountsOnPhone: 1 }, 'account'],
    ['without a phone the account pays', {}, 'account'],
    ['one account alone is stuck', { failure: stuck, device: met('alice'), accountsOnPhone: 2 }, 'account'],
    ['others were stuck on that phone', { failure: stuck, device: met('bob'), accountsOnPhone: 2 }, 'device'],
    ['a screen that others missed too', { failure: stuck, device: met('bob'), flow: met('carol'), accountsOnPhone: 2 }, 'flow'],
    ['a changed screen that others missed too', { failure: changed, flow: met('carol') }, 'flow'],
    ['a changed screen that nobody else missed', { failure: changed, flow: met('alice'), device: met('bob') }, 'account'],
    ['a server that failed nobody else', { failure: crashed, server: CLOSED, device: met('bob') }, 'account'],
    ['a server that failed others', { failure: crashed, server: met('bob') }, 'server'],
    ['a server that we do not know', { failure: crashed }, 'account'],
    ['content is nobody but the video', { failure: failure({ category: 'content' }) }, null],
    ['the platform said no', { failure: failure({ category: 'account' }) }, null],
  ])('%s', (_what, given, whom) => {
    expect(ask(given)).toBe(whom);
  });
});
