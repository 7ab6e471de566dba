/** Guards promise 7 where people meet it first: what README shows is what the program prints, and the tests it names are there. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { renderStatus } from '../../src/cli/render-status.ts';
import { isoTime } from '../../src/runtime/clock.ts';
import type { AccountView, StatusPage } from '../../src/scheduler/status.ts';
import { MONDAY_NOON } from '../support/virtual-clock.ts';
import { ROOT, readPage } from './page-commands.ts';

const ago = (minutes: number) => isoTime(MONDAY_NOON - minutes * 60_000);
const account = (name: string, more: Partial<AccountView>): AccountView => ({
  ...{ name, state: 'active', posted_today: 1, cap: 1, next_at: null, cooldown_until: null, consecutive_failures: 0, reason: null },
  ...more,
});
const CAPPED = { next_at: ago(-720), reason: 'has posted as often as allowed today' };

const AN_EVENING: StatusPage = {
  status: {
    home: '/srv/posting',
    store: '/srv/posting/scheduler_state.db',
    running: true,
    last_alive: null,
    paused: false,
    lock: { state: 'held', pid: 4711, started: ago(60 * 24 * 12), last_heartbeat: ago(0.2), epoch: 3 },
    jobs: { total: 96, pending: 11, claimed: 1, committing: 0, uncertain: 1, retrying: 1, success: 81, failed: 1, skipped: 0 },
    accounts: [
      account('alice', CAPPED),
      account('bob', { posted_today: 0, reason: 'posts right now' }),
      account('carol', { reason: 'waits until its uncertain post is settled' }),
      account('dave', { state: 'hold', posted_today: 0, reason: 'captcha: the app asks for a captcha' }),
    ],
    accounts_on_cooldown: [],
    devices: [
      { id: 'phone-1', state: 'ready' },
      { id: 'phone-2', state: 'ready' },
    ],
    appium: [{ url: 'http://127.0.0.1:4723', healthy: true }],
    uncertain: [{ job: 'market-1a2b3c4d', account: 'carol', since: ago(35), next_look: ago(-46) }],
    troubled_jobs: [
      {
        ...{ job: 'harbour-5e6f7a8b', account: 'bob', status: 'retrying', attempts: 1, max_attempts: 3, deferrals: 0 },
        ...{
          next_attempt_at: ago(-2),
          error_category: 'infrastructure',
          error_type: 'device_offline',
          error: null,
          evidence: null,
          pass_number: 0,
        },
      },
      {
        ...{ job: 'meadow-3d4e5f60', account: 'dave', status: 'failed', attempts: 1, max_attempts: 3, deferrals: 0 },
        ...{
          next_attempt_at: null,
          error_category: 'account',
          error_type: 'captcha',
          error: null,
          evidence: 'evidence/meadow-3d4e5f60/attempt-1',
          pass_number: 0,
        },
      },
    ],
    paused_devices: [],
    resting: [],
    put_off: [],
    put_off_total: 0,
    workers: [],
    config: null,
    pass_count: 0,
    final_result: null,
    pass_history: [],
  },
  working: [{ worker: '1', job: 'forest-9c0d1e2f', account: 'bob', device: 'phone-2', phase: 'compose', since: ago(1.2) }],
  troubled: [],
  refused: new Map([['dave', ['meadow-3d4e5f60']]]),
  vanished: false,
  pauseReason: null,
  atMs: MONDAY_NOON,
};

it('shows a status page as it is printed', () => {
  const printed = renderStatus(AN_EVENING, { isTty: false, columns: 100 });
  expect(readPage('README.md')).toContain(`\`\`\`\n${printed.replace(/ +$/gm, '')}\`\`\``);
});

it('names tests that are there', () => {
  const named = [...readPage('README.md').matchAll(/`(test\/[a-z0-9./-]+)`/g)].map((match) => match[1] ?? '');
  expect(named.length).toBeGreaterThan(15);
  const isThere = (path: string) =>
    existsSync(join(ROOT, path)) || readdirSync(dirname(join(ROOT, path))).some((name) => join(dirname(path), name).startsWith(`${path}.`));
  expect(named.filter((path) => !isThere(path))).toEqual([]);
});
