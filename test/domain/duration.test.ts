// Guards promise 7: a duration means what a person wrote, and what is none is refused.
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../src/domain/duration.ts';

describe('reading', () => {
  test.each([
    ['15s', 15_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['0.1s', 100],
    ['.5s', 500],
    ['250ms', 250],
    ['30', 30_000],
    [' 2 H ', 7_200_000],
    [12, 12_000],
    [0.25, 250],
  ])('%s', (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });

  test.each(['', 'soon', '-5s', '5 weeks', -1, Number.POSITIVE_INFINITY, Number.NaN, null, undefined, true, {}])('%s is none', (value) => {
    expect(parseDuration(value)).toBeNull();
  });
});

test.each([
  [250, '250ms'],
  [15_000, '15s'],
  [60_000, '1m'],
  [253_000, '4m 13s'],
  [3_600_000, '1h'],
  [11_100_000, '3h 05m'],
  [187_200_000, '2d 4h'],
])('%s ms reads as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
