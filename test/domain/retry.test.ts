// Guards promises 1 and 4: what may be public is never tried again, and machine trouble does not burn attempts without limit.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Failure, FailureCategory } from '../../src/domain/failure.ts';
import type { Job } from '../../src/domain/job.ts';
import {
  againAtMs,
  CONFIGURATION_RECHECK_MS,
  DEFAULT_RETRY,
  decide,
  type Holds,
  mergePolicies,
  parseRetry,
  type RetryPolicy,
  retryDelayMs,
} from '../../src/domain/retry.ts';
import { failure, job } from '../support/build.ts';

const NOW = 1_000_000;

/** Conditions are asked by somebody else; here a word holds when the facts contain it. */
const holds: Holds = (condition, facts) => Object.values(facts).some((fact) => String(fact) === condition);

function ask(failed: Partial<Failure>, claimed: Partial<Job> = {}, policy: RetryPolicy = DEFAULT_RETRY) {
  return decide({
    job: job({ status: 'claimed', attempts: 1, ...claimed }),
    failure: failure(failed),
    policy,
    now: NOW,
    fraction: 0.5,
    holds,
  });
}

describe('a written policy', () => {
  test('seed 004: bool, number and mapping', () => {
    expect(parseRetry(true)).toMatchObject({ maxAttempts: 3, explicitMaxAttempts: false });
    expect(parseRetry(false)).toMatchObject({ maxAttempts: 1, explicitMaxAttempts: true });
    expect(parseRetry(5)).toMatchObject({ maxAttempts: 5, explicitMaxAttempts: true });
    expect(
      parseRetry({ max_attempts: 3, initial_delay: 1, max_delay: '1m', jitter: 0, backoff_multiplier: 2, never: ['adb_timeout'] }),
    ).toEqual({
      maxAttempts: 3,
      initialDelayMs: 1_000,
      backoffMultiplier: 2,
      maxDelayMs: 60_000,
      jitter: 0,
      never: ['adb_timeout'],
      limits: { infrastructure: 3 },
      explicitMaxAttempts: true,
      retryWhen: null,
      stopWhen: null,
    });
  });

  test('of the whole config does not beat the limits per category; of an account it does', () => {
    expect(mergePolicies({ config: { max_attempts: 9 } }).explicitMaxAttempts).toBe(false);
    expect(mergePolicies({ config: false })).toMatchObject({ maxAttempts: 1, explicitMaxAttempts: false });
    expect(mergePolicies({ config: { max_attempts: 9 }, account: 4 })).toMatchObject({ maxAttempts: 4, explicitMaxAttempts: true });
  });

  test('each layer overrides what it names, and what must never be retried adds up', () => {
    const merged = mergePolicies({
      config: { initial_delay: '2s', never: ['a'] },
      app: { max_attempts: 7, never: ['b', 'a'] },
      account: { jitter: 0 },
      job: null,
    });
    expect(merged).toMatchObject({ initialDelayMs: 2_000, maxAttempts: 7, jitter: 0, never: ['a', 'b'], explicitMaxAttempts: true });
    expect(mergePolicies({})).toBe(DEFAULT_RETRY);
  });

  test.each([
    [{ max_attempts: 0 }, 'max_attempts: 0 is not a whole number from 1'],
    [{ max_attempts: 2.5 }, 'max_attempts: 2.5'],
    [{ backoff_multiplier: 0.5 }, 'backoff_multiplier: 0.5 is not a number from 1'],
    [{ jitter: 2 }, 'jitter: 2'],
    [{ jitter: Number.NaN }, 'jitter: NaN'],
    [{ initial_delay: 'soon' }, 'initial_delay: "soon" is no duration'],
    [{ max_delay: -1 }, 'max_delay: "-1"'],
  ])('%j is refused', (input, why) => {
    expect(() => parseRetry(input)).toThrow(why);
    expect(() => parseRetry(input)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
  });
});

describe('the pause', () => {
  test('seed 004: 2 s, 3 s, 4.5 s, 6.75 s', () => {
    const policy = parseRetry({ max_attempts: 5, initial_delay: '2s', backoff_multiplier: 1.5, jitter: 0 });
    expect([1, 2, 3, 4].map((attempt) => retryDelayMs(policy, attempt, 0.9))).toEqual([2_000, 3_000, 4_500, 6_750]);
  });

  test('is spread evenly around its middle, and never above the maximum', () => {
    const policy = parseRetry({ initial_delay: '10s', max_delay: '11s', jitter: 0.2 });
    expect([0, 0.5, 1].map((fraction) => retryDelayMs(policy, 1, fraction))).toEqual([8_000, 10_000, 11_000]);
    expect(retryDelayMs(policy, 5_000, 0.5)).toBe(11_000);
  });

  test('stays within its bounds for every attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, fraction) => {
        const delay = retryDelayMs(DEFAULT_RETRY, attempt, fraction);
        expect(delay).toBeGreaterThanOrEqual(DEFAULT_RETRY.initialDelayMs * 0.8);
        expect(delay).toBeLessThanOrEqual(DEFAULT_RETRY.maxDelayMs);
      }),
    );
  });
});

describe('what follows from a failure', () => {
  const explicit = parseRetry(3);
  test.each([
    ['doubt comes first', 'uncertain', { category: 'account', uncertain: true }, {}, explicit],
    ['past the commit point everything is doubt', 'uncertain', { category: 'infrastructure' }, { status: 'committing' }, explicit],
    ['and stays it', 'uncertain', { category: 'content' }, { status: 'uncertain' }, explicit],
    ["the platform's no is never retried", 'fail', { category: 'account', type: 'captcha' }, {}, explicit],
    ['nor is a bad video', 'fail', { category: 'content' }, {}, explicit],
    ['machine trouble is', 'retry', { category: 'infrastructure' }, {}, DEFAULT_RETRY],
    ['two of three are followed by a third', 'retry', { category: 'infrastructure' }, { attempts: 2 }, DEFAULT_RETRY],
    ['three of three are the end', 'fail', { category: 'infrastructure' }, { attempts: 3 }, DEFAULT_RETRY],
    ["a job's own number beats the policy's", 'retry', { category: 'infrastructure' }, { attempts: 3, maxAttempts: 4 }, DEFAULT_RETRY],
    ['and ends by it', 'fail', { category: 'infrastructure' }, { attempts: 4, maxAttempts: 4 }, parseRetry(9)],
    ['a type that is never retried', 'fail', { type: 'adb_timeout' }, {}, parseRetry({ never: ['adb_timeout'] })],
    ['the unknown is retried once', 'retry', { category: 'unknown' }, {}, DEFAULT_RETRY],
    ['and no more', 'fail', { category: 'unknown' }, { attempts: 2, failuresByCategory: { unknown: 1 } }, DEFAULT_RETRY],
    [
      'unless a policy was written',
      'retry',
      { category: 'unknown' },
      { attempts: 2, failuresByCategory: { unknown: 1 } },
      parseRetry(true),
    ],
  ] as const)('%s: %s', (_, next, failed, claimed, policy) => {
    expect(ask(failed, claimed, policy).next).toBe(next);
  });

  test('the limit of a category may end a job before max_attempts, an explicit max_attempts beats it', () => {
    const spent = { attempts: 4, failuresByCategory: { infrastructure: 3 } };
    const patient = mergePolicies({ config: { max_attempts: 10 } });
    expect(ask({}, { attempts: 3, failuresByCategory: { infrastructure: 2 } }, patient).next).toBe('retry');
    expect(ask({}, spent, patient).next).toBe('fail');
    expect(ask({}, spent, parseRetry(10)).next).toBe('retry');
    expect(ask({}, { ...spent, maxAttempts: 10 }, patient).next).toBe('retry');
  });

  test('configuration trouble gives the attempt back', () => {
    expect(ask({ category: 'configuration', message: 'no adb' }, { attempts: 3 })).toEqual({
      next: 'defer',
      untilMs: NOW + CONFIGURATION_RECHECK_MS,
      reason: 'no adb',
    });
  });

  test('the next attempt has its instant', () => {
    expect(ask({}, { attempts: 2 })).toEqual({ next: 'retry', atMs: NOW + 22_500 });
  });
});

test('max_attempts: n runs exactly n times, whatever goes wrong on the way', () => {
  const category = fc.constantFrom<FailureCategory>('infrastructure', 'unknown');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.infiniteStream(category), (max, categories) => {
      const policy = parseRetry(max);
      const failures: Partial<Record<FailureCategory, number>> = {};
      let attempts = 0;
      for (const next of categories) {
        attempts += 1;
        const decision = ask({ category: next }, { attempts, failuresByCategory: failures }, policy);
        if (decision.next === 'fail') break;
        failures[next] = (failures[next] ?? 0) + 1;
      }
      expect(attempts).toBe(max);
    }),
  );
});

test('what did not go out after all is tried again when its failure allows it, and never when it does not', () => {
  const again = (failed: Partial<Failure>) => againAtMs(ask(failed));
  expect(again({ category: 'infrastructure' })).toBeGreaterThan(NOW);
  expect(again({ category: 'configuration' })).toBe(NOW + CONFIGURATION_RECHECK_MS);
  expect(again({ category: 'content' })).toBeNull();
});

describe('conditions', () => {
  const when = (retryWhen: string | null, stopWhen: string | null) => ({ ...DEFAULT_RETRY, retryWhen, stopWhen });

  test('stop_when ends it, and is asked before retry_when', () => {
    expect(ask({}, {}, when(null, 'infrastructure')).next).toBe('fail');
    expect(ask({}, {}, when('infrastructure', 'infrastructure')).next).toBe('fail');
    expect(ask({}, {}, when(null, 'something else')).next).toBe('retry');
  });

  test('retry_when that does not hold ends it; one that holds grants no more than the limits', () => {
    expect(ask({}, {}, when('infrastructure', null)).next).toBe('retry');
    expect(ask({}, {}, when('something else', null)).next).toBe('fail');
    expect(ask({}, { attempts: 3 }, when('infrastructure', null)).next).toBe('fail');
  });

  test('doubt, hold, content and configuration come before any condition', () => {
    const always = when('compose', null);
    const phase = 'compose';
    expect(ask({ uncertain: true, phase }, {}, always).next).toBe('uncertain');
    expect(ask({ category: 'account', phase }, {}, always).next).toBe('fail');
    expect(ask({ category: 'content', phase }, {}, always).next).toBe('fail');
    expect(ask({ category: 'configuration', phase }, {}, when(null, 'compose')).next).toBe('defer');
  });

  test('they see the facts by the names of seed 004', () => {
    const asked: unknown[] = [];
    const listening: Holds = (_condition, facts) => asked.push(facts) > 0;
    const failed = failure({ message: 'boom', category: 'infrastructure', type: 'adb_timeout', phase: 'push' });
    const claimed = job({ status: 'claimed', attempts: 2 });
    decide({ job: claimed, failure: failed, policy: when('x', null), now: NOW, fraction: 0.5, holds: listening });
    const facts = { error: 'boom', category: 'infrastructure', type: 'adb_timeout', attempt: 2, max_attempts: 3, phase: 'push' };
    expect(asked).toEqual([facts]);
  });

  test('a layer above changes a condition, and keeps one that it does not name', () => {
    const config = { retry_when: 'a', stop_when: 'b' };
    expect(mergePolicies({ config, account: { stop_when: 'c' } })).toMatchObject({ retryWhen: 'a', stopWhen: 'c' });
  });
});
