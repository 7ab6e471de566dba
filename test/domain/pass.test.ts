// Guards promise 2: a drain ends when nothing is left that it could try, and says what is left to a person.
import { describe, expect, test } from 'vitest';
import {
  countAttempt,
  newPass,
  type PassEvent,
  passDelayMs,
  passHeader,
  passResult,
  passSummary,
  waitingLine,
} from '../../src/domain/pass.ts';

describe("seed 001's result", () => {
  test.each([
    ['all_complete', { claimable: 0, retrying: 0, failedOrHeld: 0 }, 1],
    ['only_non_retryable', { claimable: 0, retrying: 0, failedOrHeld: 2 }, 1],
    ['only_non_retryable', { claimable: 0, retrying: 0, failedOrHeld: 2 }, 3],
    ['retryable_remaining', { claimable: 0, retrying: 1, failedOrHeld: 2 }, 2],
    ['retryable_remaining', { claimable: 1, retrying: 0, failedOrHeld: 0 }, 2],
    ['max_passes_reached', { claimable: 0, retrying: 1, failedOrHeld: 0 }, 3],
  ])('%s', (result, left, pass) => {
    expect(passResult({ ...left, pass, maxPasses: 3 })).toBe(result);
  });
});

test('the next pass starts after the delay or when the first job falls due, whichever is later', () => {
  expect(passDelayMs(30_000, null, 1_000)).toBe(30_000);
  expect(passDelayMs(30_000, 91_000, 1_000)).toBe(90_000);
  expect(passDelayMs(0, 500, 1_000)).toBe(0);
});

test('a pass counts each attempt once, by how it ended', () => {
  const events: PassEvent[] = [
    { type: 'success' },
    { type: 'success' },
    { type: 'uncertain' },
    { type: 'deferred' },
    ...(['account', 'infrastructure', 'infrastructure', 'unknown', 'content', 'configuration'] as const).map((category) => ({
      type: 'failed' as const,
      category,
    })),
  ];
  expect(events.reduce(countAttempt, newPass(2))).toEqual({
    pass: 2,
    jobs_processed: 10,
    success_count: 2,
    failed_account: 1,
    failed_infrastructure: 2,
    failed_unknown: 1,
    failed_content: 1,
    failed_configuration: 1,
    uncertain: 1,
    deferred: 1,
    result: null,
  });
});

test('the lines are the seeds’', () => {
  expect(passHeader(2, 5)[1]).toBe('=== PASS 2 OF 5 ===');
  expect(passSummary({ ...newPass(2), jobs_processed: 3, success_count: 1, failed_infrastructure: 2 }, 'retryable_remaining')).toEqual([
    '-'.repeat(60),
    'PASS 2 SUMMARY',
    '-'.repeat(60),
    '  Jobs processed: 3',
    '  Successes:      1',
    '  Failed (account):        0',
    '  Failed (infrastructure): 2',
    '  Failed (unknown):        0',
    '  Failed (content):        0',
    '  Failed (configuration):  0',
    '  Uncertain:               0',
    '  Deferred:                0',
    '  Result: retryable_remaining',
    '-'.repeat(60),
  ]);
  expect(waitingLine(30_000)).toBe('Waiting 30s before next pass...');
});
