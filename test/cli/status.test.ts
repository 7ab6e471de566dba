/** Guards promise 7: the status says what is so, in the published shape and on a page a person can act on, with or without a daemon. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLockView } from '../../src/cli/lock-view.ts';
import { renderStatus } from '../../src/cli/render-status.ts';
import { type ShowStatusRequest, showStatus, watchStatus } from '../../src/cli/show-status.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { isoTime } from '../../src/runtime/clock.ts';
import { bootId, ownIdentity } from '../../src/runtime/processes.ts';
import type { LockView } from '../../src/scheduler/status.ts';
import { failure, job, policy } from '../support/build.ts';
import { MONDAY_NOON, VirtualClock } from '../support/virtual-clock.ts';
import { build, HELD, LIVE, NOBODY, PIPE, reader, standing, UNCERTAIN } from './status-pages.ts';

describe('--status --json', () => {
  it('shows what was tried and failed: how often, why, in which pass, and when again', async () => {
    const jobs = [
      job({
        id: 'later',
        status: 'retrying',
        account: 'alice',
        attempts: 2,
        deferrals: 1,
        passNumber: 2,
        dueMs: MONDAY_NOON + 90_000,
        failure: failure({ message: 'x'.repeat(900) }),
      }),
      job({
        id: 'never',
        status: 'failed',
        account: 'bob',
        attempts: 1,
        maxAttempts: 5,
        failure: failure({ category: 'account', type: 'captcha', evidence: 'never/attempt-1' }),
      }),
    ];
    const retry = { ...DEFAULT_RETRY, maxAttempts: 4 };
    const page = await build({ jobs, accounts: [standing({ name: 'alice', policy: policy({ retry }) })] });
    const [later, never] = page.status.troubled_jobs;
    expect(later).toMatchObject({ job: 'later', status: 'retrying', attempts: 2, max_attempts: 4, deferrals: 1, pass_number: 2 });
    expect(later).toMatchObject({
      error_category: 'infrastructure',
      error_type: 'adb_timeout',
      next_attempt_at: isoTime(MONDAY_NOON + 90_000),
    });
    expect(later?.error).toHaveLength(500);
    expect(never).toMatchObject({ job: 'never', max_attempts: 5, error_category: 'account', error_type: 'captcha', next_attempt_at: null });
    expect([later?.evidence, never?.evidence]).toEqual([null, 'evidence/never/attempt-1']);
    const shown = renderStatus(page, PIPE);
    expect(shown).toMatch(/later +alice +2\/4 +in 1m 30s +infrastructure: adb_timeout/);
    expect(shown).toMatch(/never +bob +1\/5 +no more +account: captcha/);
  });

  it('tells when a job comes to its turn again, not when it would be due without its account; also what was put off', async () => {
    const cooled = standing({
      name: 'alice',
      waitReason: 'cooldown',
      nextAtMs: MONDAY_NOON + 1_800_000,
      cooldownUntilMs: MONDAY_NOON + 1_800_000,
    });
    const held = standing({ name: 'bob', state: 'hold', waitReason: 'hold' });
    const jobs = [
      job({ id: 'cooled', status: 'retrying', account: 'alice', attempts: 1, dueMs: MONDAY_NOON, failure: failure() }),
      job({ id: 'held', status: 'retrying', account: 'bob', attempts: 1, dueMs: MONDAY_NOON, failure: failure() }),
      job({
        id: 'put-off',
        status: 'pending',
        account: 'carol',
        deferrals: 2,
        deferredSinceMs: MONDAY_NOON - 1,
        dueMs: MONDAY_NOON + 60_000,
        note: 'the phone is busy',
      }),
      job({ id: 'in-order', status: 'pending', account: 'carol' }),
    ];
    const page = await build({ jobs, accounts: [cooled, held, standing({ name: 'carol' })] });
    expect(page.status.troubled_jobs).toMatchObject([
      { job: 'cooled', next_attempt_at: isoTime(MONDAY_NOON + 1_800_000) },
      { job: 'held', next_attempt_at: null },
      {
        job: 'put-off',
        status: 'pending',
        attempts: 0,
        max_attempts: 3,
        deferrals: 2,
        next_attempt_at: isoTime(MONDAY_NOON + 60_000),
        error: 'the phone is busy',
      },
    ]);
    const shown = renderStatus(page, PIPE);
    expect(shown).toMatch(/cooled +alice +1\/3 +in 30m /);
    expect(shown).toMatch(/held +bob +1\/3 +waits /);
    expect(shown).toMatch(/put-off +carol +0\/3 +in 1m +the phone is busy/);
    expect(page.status.put_off).toEqual([]);
  });

  it('has the published keys and shapes, all of them, while a daemon runs', async () => {
    const { status } = await build(
      {
        accounts: [
          standing({ name: 'alice', waitReason: 'uncertain', postedToday: 1 }),
          standing({
            name: 'bob',
            consecutiveFailures: 3,
            cooldownUntilMs: MONDAY_NOON + 60_000,
            waitReason: 'cooldown',
            nextAtMs: MONDAY_NOON + 60_000,
          }),
          standing({ name: 'carol', state: 'hold', reason: 'captcha', waitReason: 'hold' }),
        ],
        jobs: [UNCERTAIN, job({ status: 'success' })],
        values: { live: LIVE, final_result: 'max_passes_reached', pass_history: [{ pass: 1 }, { pass: 2 }], config: { workers: 2 } },
      },
      HELD,
    );
    expect(JSON.parse(JSON.stringify(status))).toEqual({
      home: '/home/x',
      store: '/home/x/s.db',
      running: true,
      last_alive: null,
      paused: false,
      lock: HELD,
      jobs: { total: 2, pending: 0, claimed: 0, committing: 0, uncertain: 1, retrying: 0, success: 1, failed: 0, skipped: 0 },
      accounts: [
        {
          name: 'alice',
          state: 'active',
          posted_today: 1,
          cap: 1,
          next_at: null,
          cooldown_until: null,
          consecutive_failures: 0,
          reason: 'waits until its uncertain post is settled',
        },
        {
          name: 'bob',
          state: 'cooldown',
          posted_today: 0,
          cap: 1,
          next_at: '2026-01-05T12:01:00.000Z',
          cooldown_until: '2026-01-05T12:01:00.000Z',
          consecutive_failures: 3,
          reason: 'rests after failures of machines',
        },
        {
          name: 'carol',
          state: 'hold',
          posted_today: 0,
          cap: 1,
          next_at: null,
          cooldown_until: null,
          consecutive_failures: 0,
          reason: 'captcha',
        },
      ],
      accounts_on_cooldown: ['bob'],
      paused_devices: [],
      devices: [{ id: 'phone-1', name: 'phone-1', provider: 'simulated', state: 'ready' }],
      appium: [{ url: 'http://127.0.0.1:4723', healthy: true }],
      troubled_jobs: [],
      resting: [],
      put_off: [],
      put_off_total: 0,
      uncertain: [{ job: 'clip-1a2b3c4d', account: 'alice', since: '2026-01-05T10:00:00.000Z', next_look: null }],
      workers: [
        { id: 1, jobs_completed: 4, jobs_failed: 1 },
        { id: 2, jobs_completed: 2, jobs_failed: 0 },
      ],
      config: { workers: 2 },
      pass_count: 2,
      final_result: 'max_passes_reached',
      pass_history: [{ pass: 1 }, { pass: 2 }],
    });
  });

  it('claims nothing of a daemon that is gone: not paused, no phones, no healthy Appium', async () => {
    const { status, working } = await build({ values: { live: { ...LIVE, paused: true } } }, { ...HELD, state: 'stale' });
    expect(status).toMatchObject({ running: false, paused: false, devices: [], appium: [], workers: [{ jobs_completed: 4 }, {}] });
    expect(working).toEqual([]);
  });

  it('has the same keys where nothing is yet, and survives values of another version', async () => {
    const [empty, odd] = [await build(null), await build({ values: { live: [1], pass_history: 'x', final_result: 7 } }, HELD)];
    expect(Object.keys(empty.status)).toEqual(Object.keys(odd.status));
    expect(empty.status).toMatchObject({ running: false, jobs: { total: 0 }, accounts: [], pass_count: 0, final_result: null });
    expect(odd.status).toMatchObject({ running: true, workers: [], pass_count: 0, final_result: null });
  });
});

describe('showing', () => {
  let written: string[];
  const terminal = (isTty: boolean): Terminal => ({ write: (text) => void written.push(text), isTty, columns: 100 });
  let home: string;
  beforeEach(() => {
    written = [];
    home = mkdtempSync(join(tmpdir(), 'status-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  const request = (parts: Partial<ShowStatusRequest>): ShowStatusRequest => ({
    home,
    store: join(home, 's.db'),
    openReader: async () => null,
    json: false,
    terminal: terminal(false),
    clock: new VirtualClock(),
    ...parts,
  });

  it('closes the store after each look, also when the look fails', async () => {
    let closed = 0;
    const close = async () => {
      closed += 1;
    };
    const failing = { ...reader({}), counts: () => Promise.reject(new Error('disk')), close };
    await expect(showStatus(request({ openReader: async () => failing }))).rejects.toThrow('disk');
    await showStatus(request({ openReader: async () => ({ ...failing, ...reader({}), close }), json: true }));
    expect(closed).toBe(2);
    expect(JSON.parse(written.join(''))).toMatchObject({ home, running: false });
  });

  it('watches until it is told to stop, and shows a page in place of the last one, only when something changed', async () => {
    for (const isTty of [true, false]) {
      written = [];
      const clock = new VirtualClock();
      const stop = new AbortController();
      const jobs = [job()];
      const watching = watchStatus(request({ clock, terminal: terminal(isTty), openReader: async () => reader({ jobs }) }), stop.signal);
      for (let looks = 0; looks < 3; looks += 1) {
        await clock.untilWaiting();
        await clock.advance(1_000);
      }
      await clock.untilWaiting();
      expect(written).toHaveLength(1);
      jobs.push(job({ status: 'failed' }));
      await clock.advance(1_000);
      await clock.untilWaiting();
      stop.abort();
      await watching;
      expect(written).toHaveLength(2);
      expect(stripVTControlCharacters(written[1] ?? '')).toContain('2 in all: 1 waiting, 1 failed');
      expect(written[1]?.includes('\u001b[1A')).toBe(isTty);
    }
  });

  it('reads the lock file: held, stale, none, another host, another boot, a naive time of the seeds, nonsense', async () => {
    const me = await ownIdentity();
    const lock = async (content: unknown): Promise<LockView> => {
      writeFileSync(join(home, 'scheduler.lock'), typeof content === 'string' ? content : JSON.stringify(content));
      return readLockView(home, MONDAY_NOON);
    };
    expect(await readLockView(home, MONDAY_NOON)).toEqual(NOBODY);
    const mine = {
      pid: me.pid,
      start_ticks: me.startTicks,
      boot_id: await bootId(),
      hostname: hostname(),
      started: isoTime(MONDAY_NOON - 9e6),
      last_heartbeat: isoTime(MONDAY_NOON - 30_000),
      epoch: 5,
    };
    expect(await lock(mine)).toMatchObject({ state: 'held', pid: me.pid, epoch: 5, last_heartbeat: mine.last_heartbeat });
    expect(await lock({ ...mine, start_ticks: me.startTicks + 1 })).toMatchObject({ state: 'stale' });
    expect(await lock({ ...mine, last_heartbeat: isoTime(MONDAY_NOON - 121_000) })).toMatchObject({ state: 'stale' });
    expect(await lock({ ...mine, boot_id: 'another' })).toMatchObject({ state: 'stale' });
    expect(await lock({ ...mine, hostname: 'elsewhere', start_ticks: 1, boot_id: 'another' })).toMatchObject({ state: 'held' });
    expect(await lock({ pid: me.pid, started: '2024-01-01T00:00:00' })).toMatchObject({ state: 'stale', epoch: null });
    expect(await lock({ pid: me.pid, last_heartbeat: isoTime(MONDAY_NOON) })).toMatchObject({ state: 'stale' });
    expect(await lock('{"pid": 12')).toMatchObject({ state: 'stale', pid: null });
  });
});
