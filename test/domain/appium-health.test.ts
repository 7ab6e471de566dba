// Guards promises 3 and 4: a dead Appium is restarted, a hiccup is not, and a crash loop does not spin.
import { expect, test } from 'vitest';
import { type AppiumHealthState, HEALTHY, observe } from '../../src/domain/appium-health.ts';

const LIMITS = { failuresBeforeRestart: 3, retryEveryMs: 10_000, restartPauseMs: 60_000 };
const FINE = { healthy: true, gone: false };
const SILENT = { healthy: false, gone: false };
const GONE = { healthy: false, gone: true };

test("three failed checks in a row restart it, in the seeds' words", () => {
  const first = observe(HEALTHY, SILENT, 0, LIMITS);
  expect(first).toMatchObject({ action: 'wait', waitMs: 10_000, lines: ['[APPIUM] Health check failed (1/3)'] });
  const second = observe(first.state, SILENT, 10_000, LIMITS);
  expect(second).toMatchObject({ action: 'wait', lines: ['[APPIUM] Health check failed (2/3)'] });
  const third = observe(second.state, SILENT, 20_000, LIMITS);
  expect(third).toMatchObject({
    action: 'restart',
    waitMs: 0,
    lines: ['[APPIUM] Health check failed (3/3)', '[APPIUM] Attempting auto-restart...'],
  });
  expect(observe(third.state, SILENT, 30_000, LIMITS).lines).toEqual(['[APPIUM] Health check failed (1/3)']);
});

test('a good check forgets the failed ones before it', () => {
  const failed = observe(HEALTHY, SILENT, 0, LIMITS);
  const good = observe(failed.state, FINE, 1, LIMITS);
  expect(good).toMatchObject({ action: 'go', waitMs: 0, lines: [] });
  expect(observe(good.state, SILENT, 2, LIMITS).lines).toEqual(['[APPIUM] Health check failed (1/3)']);
});

test('one that is gone is restarted at once', () => {
  expect(observe(HEALTHY, GONE, 0, LIMITS)).toMatchObject({ action: 'restart', waitMs: 0 });
});

test('a crash loop is slowed down: 0, 1, 2, 4 … 60 s', () => {
  let state: AppiumHealthState = HEALTHY;
  const pauses: number[] = [];
  for (let crash = 0; crash < 9; crash += 1) {
    const seen = observe(state, GONE, crash, LIMITS);
    pauses.push(seen.waitMs / 1_000);
    state = observe(seen.state, FINE, crash, LIMITS).state;
  }
  expect(pauses).toEqual([0, 1, 2, 4, 8, 16, 32, 60, 60]);
});

test('a minute of health ends the back-off, less does not', () => {
  const crashed = observe(observe(HEALTHY, GONE, 0, LIMITS).state, FINE, 1_000, LIMITS).state;
  const almost = observe(crashed, FINE, 60_999, LIMITS).state;
  expect(observe(almost, GONE, 61_000, LIMITS).waitMs).toBe(1_000);
  const sound = observe(crashed, FINE, 61_000, LIMITS).state;
  expect(observe(sound, GONE, 61_000, LIMITS).waitMs).toBe(0);
});
