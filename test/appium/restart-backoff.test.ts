/** Guards promise 7: every wait has a limit, also that of a crash loop; a sound life forgets the crashes before it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLine } from '../../src/appium/appium-log.ts';
import { restartDelayMs, shortLives } from '../../src/appium/restart-backoff.ts';

test('the first restart is at once, later ones wait at most 72 s', () => {
  expect([0, 1].map((lives) => restartDelayMs(lives, 0.9))).toEqual([0, 0]);
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 5_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (lives, fraction) => {
      const delay = restartDelayMs(lives, fraction);
      expect(delay).toBeGreaterThanOrEqual(800);
      expect(delay).toBeLessThanOrEqual(72_000);
    }),
  );
});

test('a minute of health forgets the crashes', () => {
  expect(shortLives(5, 60_000)).toBe(0);
  expect(shortLives(5, 59_999)).toBe(6);
  expect(shortLives(5, null)).toBe(6);
});

test.each([
  ['{"level":"warn","message":"[Appium] hm"}', { level: 'warn', text: '[Appium] hm' }],
  ['{"level":"silly","message":"x"}', { level: 'debug', text: 'x' }],
  ['plain text', { level: 'info', text: 'plain text' }],
  ['{broken', { level: 'info', text: '{broken' }],
  ['', null],
  ['{"level":"info","message":"[HTTP] --> GET /status "}', null],
  ['{"level":"info","message":"[HTTP] <-- GET /status 200 14 ms - 199"}', null],
])('a line of Appium: %s', (line, read) => {
  expect(parseLine(line)).toEqual(read);
});
