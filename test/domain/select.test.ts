// Guards promise 5: an account posts only when nothing stands against it, and its reason is told in one word (promise 7).
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claimOrder, type EligibilityQuestion, eligibility } from '../../src/domain/select.ts';
import { parseWindow } from '../../src/domain/window.ts';
import { account, policy } from '../support/build.ts';
import { MONDAY_NOON } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;
const NOW = MONDAY_NOON;
const MIDNIGHT = NOW + 12 * HOUR;

function ask(overrides: Partial<EligibilityQuestion> = {}): EligibilityQuestion {
  return { account: account(), postedToday: 0, postedIn24h: 0, busy: null, now: NOW, ...overrides };
}

test('with nothing against it an account may post, for ever', () => {
  expect(eligibility(ask())).toEqual({ eligible: true, untilMs: null });
});

test('it may post until its window closes', () => {
  const limited = account({ policy: policy({ windows: [parseWindow('mon 09:00-21:00')] }) });
  expect(eligibility(ask({ account: limited }))).toEqual({ eligible: true, untilMs: NOW + 9 * HOUR });
});

describe('what only a person, or the end of another job, changes', () => {
  test.each([
    ['hold', { account: account({ state: 'hold' }) }],
    ['paused', { account: account({ state: 'paused' }) }],
    ['configuration', { account: account({ trouble: 'no phone named alice' }) }],
    ['busy', { busy: 'busy' }],
    ['uncertain', { busy: 'uncertain' }],
  ] as const)('%s has no time', (reason, overrides) => {
    expect(eligibility(ask(overrides))).toEqual({ eligible: false, reason, retryAtMs: null });
  });
});

describe('what time changes', () => {
  const capped = policy({ postsPerDay: 2 });
  test.each([
    ['cooldown', NOW + HOUR, { account: account({ cooldownUntilMs: NOW + HOUR }) }],
    ['cap', MIDNIGHT, { account: account({ policy: capped }), postedToday: 2 }],
    ['cap', NOW + 5 * HOUR, { account: account({ policy: policy({ rolling24h: 3 }) }), postedIn24h: 3, rollingFreeAtMs: NOW + 5 * HOUR }],
    ['cap', NOW + 23 * HOUR, { account: account({ policy: policy({ rolling24h: 3 }), lastCommitMs: NOW - HOUR }), postedIn24h: 3 }],
    ['cap', NOW + 24 * HOUR, { account: account({ policy: policy({ rolling24h: 3 }) }), postedIn24h: 3 }],
    [
      'cap',
      MIDNIGHT + HOUR,
      { account: account({ policy: policy({ rolling24h: 1 }) }), postedToday: 1, postedIn24h: 1, rollingFreeAtMs: MIDNIGHT + HOUR },
    ],
    [
      'cap',
      MIDNIGHT,
      { account: account({ policy: policy({ rolling24h: 1 }) }), postedToday: 1, postedIn24h: 1, rollingFreeAtMs: NOW + HOUR },
    ],
    ['gap', NOW + 40, { account: account({ lastCommitMs: NOW - 100, gapJitterMs: 40, policy: policy({ minGapMs: 100 }) }) }],
    ['window', NOW + 6 * HOUR, { account: account({ policy: policy({ windows: [parseWindow('18:00-20:00')] }) }) }],
    ['window', null, { account: account({ policy: policy({ windows: [] }) }) }],
  ] as const)('%s until %s', (reason, retryAtMs, overrides) => {
    expect(eligibility(ask(overrides))).toEqual({ eligible: false, reason, retryAtMs });
  });

  test('a limit that is just over does not count', () => {
    const fine = account({
      cooldownUntilMs: NOW,
      lastCommitMs: NOW - 100,
      policy: policy({ minGapMs: 100, postsPerDay: 2, rolling24h: 3 }),
    });
    expect(eligibility(ask({ account: fine, postedToday: 1, postedIn24h: 2 })).eligible).toBe(true);
  });

  test('the time told is the one at which all of them are over and a window is open', () => {
    const everything = account({
      cooldownUntilMs: NOW + HOUR,
      lastCommitMs: NOW,
      policy: policy({ minGapMs: 20 * HOUR, windows: [parseWindow('09:00-10:00')] }),
    });
    const answer = eligibility(ask({ account: everything, postedToday: 1 }));
    expect(answer).toEqual({ eligible: false, reason: 'cooldown', retryAtMs: Date.UTC(2026, 0, 6, 9) });
  });
});

test('the reasons come in their order', () => {
  const order = ['hold', 'paused', 'configuration', 'busy', 'cooldown', 'cap', 'gap', 'window'] as const;
  const state = { hold: { state: 'hold' }, paused: { state: 'paused' }, configuration: { trouble: 'no phone' } } as const;
  for (let first = 0; first < order.length; first += 1) {
    const active = new Set<string>(order.slice(first));
    const asked = account({
      ...(active.has('configuration') ? state.configuration : {}),
      ...(active.has('paused') ? state.paused : {}),
      ...(active.has('hold') ? state.hold : {}),
      cooldownUntilMs: active.has('cooldown') ? NOW + 1 : null,
      lastCommitMs: NOW,
      policy: policy({ minGapMs: active.has('gap') ? 60_000 : 0, windows: [parseWindow('18:00-20:00')] }),
    });
    const answer = eligibility(ask({ account: asked, busy: active.has('busy') ? 'busy' : null, postedToday: active.has('cap') ? 1 : 0 }));
    expect(answer).toMatchObject({ eligible: false, reason: order[first] });
  }
});

test('the instant that is told is the first at which it is eligible, nothing else happening', () => {
  const time = fc.integer({ min: -30 * HOUR, max: 30 * HOUR }).map((ms) => NOW + ms);
  fc.assert(
    fc.property(
      fc.option(time),
      fc.option(time),
      fc.integer({ min: 0, max: 10 * HOUR }),
      fc.constantFrom('00:00-24:00', '09:00-10:00', 'sat 22:00-02:00'),
      (cooldownUntilMs, lastCommitMs, minGapMs, hours) => {
        const asked = account({
          cooldownUntilMs,
          lastCommitMs,
          policy: policy({ minGapMs, windows: [parseWindow(hours)], postsPerDay: 9 }),
        });
        const answer = eligibility(ask({ account: asked }));
        const instant = answer.eligible ? answer.untilMs : answer.retryAtMs;
        if (instant === null) return;
        expect(eligibility(ask({ account: asked, now: instant })).eligible).toBe(!answer.eligible);
        expect(eligibility(ask({ account: asked, now: instant - 1 })).eligible).toBe(answer.eligible);
      },
    ),
  );
});

test('jobs are claimed by due time, priority, the account that posted longest ago, and age', () => {
  const late = { dueMs: 2, priority: 0, lastCommitMs: null, seq: 1 };
  const second = { dueMs: 1, priority: 1, lastCommitMs: null, seq: 2 };
  const third = { dueMs: 1, priority: 0, lastCommitMs: 500, seq: 3 };
  const fourth = { dueMs: 1, priority: 0, lastCommitMs: 100, seq: 5 };
  const fifth = { dueMs: 1, priority: 0, lastCommitMs: 100, seq: 4 };
  const sixth = { dueMs: 1, priority: 0, lastCommitMs: null, seq: 6 };
  const seventh = { dueMs: 1, priority: 0, lastCommitMs: null, seq: 7 };
  expect([late, second, third, fourth, seventh, fifth, sixth].sort(claimOrder)).toEqual([
    sixth,
    seventh,
    fifth,
    fourth,
    third,
    second,
    late,
  ]);
});
