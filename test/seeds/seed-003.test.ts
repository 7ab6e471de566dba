/**
 * Seed 003's test strategy, case by case (promises 3, 4 and 7): lock and
 * heartbeat, Appium's health, cooldown. What needs processes is in
 * test/runtime and test/process; docs/seeds.md lists all of it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readLockView } from '../../src/cli/lock-view.ts';
import { renderStatus } from '../../src/cli/render-status.ts';
import { buildStatus } from '../../src/scheduler/status.ts';
import { World } from '../scheduler/world.ts';
import { MONDAY_NOON } from '../support/virtual-clock.ts';

const MINUTE = 60_000;
const adbTimeout = () => Promise.reject(Object.assign(new Error('ADB timeout'), { category: 'infrastructure', type: 'adb_timeout' }));

/** Alice, after so many videos that failed by infrastructure in a row. */
async function afterFailures(times: number): Promise<World> {
  const world = await World.with('alice', 'bob');
  world.script = adbTimeout;
  for (let n = 0; n < times; n += 1) {
    await world.add([`video-${n}`], 'alice', { maxAttempts: 1 });
    await world.attempt();
  }
  return world;
}

function statusOf(world: World, lock: Awaited<ReturnType<typeof readLockView>>) {
  return buildStatus({ reader: world.store, home: '/home/x', store: '/home/x/s.db', lock, nowMs: world.clock.now() });
}

describe('the lock', () => {
  it('stale lock detection: a dead PID of 2024 is shown as stale, and does not keep --status from answering', async () => {
    const home = mkdtempSync(join(tmpdir(), 'seed-003-'));
    onTestFinished(() => rmSync(home, { recursive: true }));
    writeFileSync(
      join(home, 'scheduler.lock'),
      '{"pid": 99999, "started": "2024-01-01T00:00:00", "last_heartbeat": "2024-01-01T00:00:00"}',
    );
    const lock = await readLockView(home, MONDAY_NOON);
    expect(lock).toMatchObject({ state: 'stale', pid: 99999, last_heartbeat: '2024-01-01T00:00:00' });
    const page = await buildStatus({ reader: null, home, store: 'none', lock, nowMs: MONDAY_NOON });
    expect(renderStatus(page, { isTty: false, columns: 100 })).toContain('the next start takes over');
  });
});

describe('account cooldown', () => {
  it('get_next_job: an account on cooldown gets no job, and gets one when it is over', async () => {
    const world = await afterFailures(3);
    await world.add(['next'], 'alice');
    world.script = async (ctx, act) => {
      await ctx.commit();
      act();
    };
    expect(await world.attempt()).toBeNull();
    await world.clock.advance(30 * MINUTE);
    expect(await world.attempt()).toMatchObject({ end: 'published', job: { id: 'next' } });
    expect(await world.store.account('alice')).toMatchObject({ consecutiveFailures: 0, cooldownUntilMs: null });
  });

  it('classification: after 3 consecutive infrastructure failures the account is on cooldown, before that it is not', async () => {
    expect((await (await afterFailures(2)).store.account('alice'))?.cooldownUntilMs).toBeNull();
    const world = await afterFailures(3);
    expect(await world.store.account('alice')).toMatchObject({
      consecutiveFailures: 3,
      cooldownUntilMs: world.clock.now() + 30 * MINUTE,
      state: 'active',
    });
  });

  it('account failures are no infrastructure failures: they hold the account at once, and cool nothing', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    world.script = () => Promise.reject(new Error('Account suspended'));
    await world.attempt();
    expect(await world.store.account('alice')).toMatchObject({ state: 'hold', consecutiveFailures: 0, cooldownUntilMs: null });
    expect((await world.logger.until('Job beach failed')).fields).toMatchObject({ is_infra_error: false });
  });

  it('the logs can be searched for "is_infra_error" and "on cooldown"', async () => {
    const world = await afterFailures(3);
    expect((await world.logger.until('Job video-0 failed')).fields).toMatchObject({ is_infra_error: true });
    expect(world.logger.messages()).toContain('Account alice on cooldown for 30min after 3 consecutive failures');
  });
});

it('--status: lock with last heartbeat, accounts on cooldown, health of Appium', async () => {
  const world = await afterFailures(3);
  await world.store.setValue('live', { appium: [{ url: 'http://127.0.0.1:4723', healthy: false }], workers: [] });
  const lock = { state: 'held', pid: 7, started: '2026-01-05T11:00:00Z', last_heartbeat: '2026-01-05T11:59:48Z', epoch: 1 } as const;
  const page = await statusOf(world, lock);
  expect(page.status).toMatchObject({
    lock: { last_heartbeat: '2026-01-05T11:59:48Z' },
    accounts_on_cooldown: ['alice'],
    appium: [{ url: 'http://127.0.0.1:4723', healthy: false }],
    accounts: [
      { name: 'alice', state: 'cooldown', consecutive_failures: 3 },
      { name: 'bob', state: 'active' },
    ],
  });
  const shown = renderStatus(page, { isTty: false, columns: 100 });
  expect(shown).toContain('last heartbeat 12s ago');
  expect(shown).toContain('Appium http://127.0.0.1:4723: does not answer');
  expect(shown).toMatch(/alice +cooldown/);
});
