/** Guards promise 5 at its root: a delay that a person wrote is the delay that is kept. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/domain/duration.ts';

describe('durations', () => {
  it.each([
    ['15s', 15_000],
    ['10m', 600_000],
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['250ms', 250],
    ['0.1s', 100],
    ['.5m', 30_000],
    [' 2 H ', 7_200_000],
    ['30', 30_000],
    [30, 30_000],
    [0.1, 100],
    [0, 0],
  ])('%s is %d ms', (written, ms) => {
    expect(parseDuration(written)).toBe(ms);
  });

  it.each(['', 'soon', '10 minutes', '-5s', '1h30m', '5w', -1, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, []])(
    '%s is none',
    (written) => {
      expect(parseDuration(written)).toBeNull();
    },
  );

  it.each([
    [250, '250ms'],
    [15_000, '15s'],
    [59_600, '1m'],
    [253_000, '4m 13s'],
    [600_000, '10m'],
    [3_600_000, '1h'],
    [11_100_000, '3h 05m'],
    [187_200_000, '2d 4h'],
  ])('%d ms is shown as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('reads back every number of seconds, with or without its unit', () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), (seconds) => {
        expect([parseDuration(seconds), parseDuration(`${seconds}`), parseDuration(`${seconds}s`)]).toEqual(Array(3).fill(seconds * 1_000));
      }),
    );
  });
});
