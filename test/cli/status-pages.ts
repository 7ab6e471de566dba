/** Homes as `--status` finds them, for the tests of its object and of its page. */
import type { Job } from '../../src/domain/job.ts';
import { isoTime } from '../../src/runtime/clock.ts';
import { buildStatus, type LockView, type StatusPage, type StoreReader } from '../../src/scheduler/status.ts';
import type { AccountStanding } from '../../src/stores/store.ts';
import { account, failure, job } from '../support/build.ts';
import { MONDAY_NOON } from '../support/virtual-clock.ts';

export const NOBODY: LockView = { state: 'none', pid: null, started: null, last_heartbeat: null, epoch: null };
export const HELD: LockView = {
  state: 'held',
  pid: 4711,
  started: isoTime(MONDAY_NOON - 3_600_000),
  last_heartbeat: isoTime(MONDAY_NOON - 12_000),
  epoch: 3,
};
export const PIPE = { isTty: false, columns: 100 };
export const screen = (columns: number) => ({ isTty: true, columns });

export function standing(overrides: Partial<AccountStanding>): AccountStanding {
  return { ...account(), postedToday: 0, waitReason: null, nextAtMs: null, ...overrides };
}

export const UNCERTAIN = job({
  id: 'clip-1a2b3c4d',
  status: 'uncertain',
  account: 'alice',
  uncertainMs: MONDAY_NOON - 7_200_000,
  failure: failure({ uncertain: true }),
});
export const LIVE = {
  paused: false,
  appium: [{ url: 'http://127.0.0.1:4723', healthy: true }],
  devices: [{ id: 'phone-1', name: 'phone-1', provider: 'simulated', state: 'ready' }],
  workers: [
    {
      id: 1,
      jobs_completed: 4,
      jobs_failed: 1,
      job: 'next-5e6f7a8b',
      account: 'bob',
      device: 'phone-1',
      phase: 'compose',
      since: isoTime(MONDAY_NOON - 75_000),
    },
    { id: 2, jobs_completed: 2, jobs_failed: 0 },
  ],
  updated_at: isoTime(MONDAY_NOON),
};

export interface Given {
  readonly accounts?: readonly AccountStanding[];
  readonly jobs?: readonly Job[];
  readonly values?: Readonly<Record<string, unknown>>;
}

export function reader({ accounts = [], jobs = [], values = {} }: Given): StoreReader {
  const counts = { pending: 0, claimed: 0, committing: 0, uncertain: 0, retrying: 0, success: 0, failed: 0, skipped: 0 };
  for (const one of jobs) counts[one.status] += 1;
  return {
    counts: async () => counts,
    accounts: async () => accounts,
    jobs: async ({ statuses, account: of }) =>
      jobs.filter((one) => (statuses?.includes(one.status) ?? true) && (of === undefined || one.account === of)),
    putOffSince: async (sinceMs, limit) => {
      const putOff = jobs.filter(({ deferredSinceMs }) => (deferredSinceMs ?? Number.POSITIVE_INFINITY) <= sinceMs);
      return { jobs: putOff.slice(0, limit), total: putOff.length };
    },
    events: async () => [],
    value: async (name) => values[name],
    close: async () => {},
  };
}

export function build(given: Given | null, lock = NOBODY): Promise<StatusPage> {
  return buildStatus({ reader: given === null ? null : reader(given), home: '/home/x', store: '/home/x/s.db', lock, nowMs: MONDAY_NOON });
}
