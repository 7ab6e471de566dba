/** Guards promise 3 for Appium: checked before each job, restarted when it must be, once for all workers; with the seeds' lines. */
import { describe, expect, it } from 'vitest';
import type { AppiumHealth, AppiumServer } from '../../src/appium/appium.ts';
import { AppiumGuard } from '../../src/scheduler/appium-guard.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

type Answer = 'healthy' | 'sick' | 'gone';
const LIMITS = { failuresBeforeRestart: 3, retryEveryMs: 10_000, restartPauseMs: 60_000 };

/** A server that answers its checks as told; after the last answer it stays so. */
function guarded(...answers: Answer[]) {
  const clock = new VirtualClock();
  const logger = new MemoryLogger();
  const did: string[] = [];
  const server: AppiumServer = {
    url: 'http://127.0.0.1:4723/',
    start: async () => void did.push('start'),
    restart: async () => void did.push('restart'),
    stop: async () => void did.push('stop'),
    check: async (): Promise<AppiumHealth> => {
      did.push('check');
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      return {
        healthy: answer === 'healthy',
        gone: answer === 'gone',
        url: server.url,
        problem: answer === 'healthy' ? null : 'no answer',
      };
    },
  };
  const guard = new AppiumGuard({ server, clock, logger, limits: LIMITS });
  const stop = new AbortController();
  return { clock, logger, did, guard, stop, ready: () => clock.run(guard.ready(stop.signal)) };
}

describe('the guard of Appium', () => {
  it('starts it once and lets work begin when it is healthy', async () => {
    const { ready, did, guard } = guarded('healthy');
    expect([await ready(), await ready()]).toEqual([true, true]);
    expect(did).toEqual(['start', 'check', 'check']);
    expect(guard.status()).toMatchObject({ healthy: true, problem: null });
  });

  it('restarts a server that fails three checks, and says so in the seeds words', async () => {
    const { ready, did, logger } = guarded('sick', 'sick', 'sick', 'healthy');
    expect(await ready()).toBe(true);
    expect(did).toEqual(['start', 'check', 'check', 'check', 'restart', 'check']);
    expect(logger.messages()).toEqual([
      '[APPIUM] Health check failed (1/3)',
      '[APPIUM] Health check failed (2/3)',
      '[APPIUM] Health check failed (3/3)',
      '[APPIUM] Attempting auto-restart...',
    ]);
  });

  it('restarts one that is gone at once', async () => {
    const { ready, did, clock } = guarded('gone', 'healthy');
    const before = clock.now();
    expect(await ready()).toBe(true);
    expect(did).toEqual(['start', 'check', 'restart', 'check']);
    expect(clock.now() - before).toBe(0);
  });

  it('goes on restarting with growing pauses, for ever, until it works', async () => {
    const { ready, did } = guarded(...Array<Answer>(12).fill('gone'), 'healthy');
    expect(await ready()).toBe(true);
    expect(did.filter((what) => what === 'restart')).toHaveLength(12);
  });

  it('answers all workers that ask at the same time by one check', async () => {
    const { guard, stop, clock, did } = guarded('sick', 'sick', 'sick', 'healthy');
    const answers = await clock.run(Promise.all([1, 2, 3].map(() => guard.ready(stop.signal))));
    expect(answers).toEqual([true, true, true]);
    expect(did.filter((what) => what === 'restart')).toHaveLength(1);
  });

  it('lets go when the scheduler stops', async () => {
    const { guard, stop, clock } = guarded('sick');
    const waiting = guard.ready(stop.signal);
    await clock.untilWaiting('Appium is down');
    stop.abort();
    expect(await clock.run(waiting)).toBe(false);
  });
});
