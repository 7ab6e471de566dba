// Guards promises 1, 2, 4 and 5 under load: 16 workers, 2,000 jobs, 200 accounts, a publisher that fails in every way.
import { beforeAll, describe, expect, test } from 'vitest';
import { localDay } from '../../src/domain/local-time.ts';
import { type DayReport, simulateDay } from './day.ts';
import { WatchedStore } from './watched-store.ts';

const CAP = 6;
const ZONE = 'Europe/Berlin';
const FAULTS = { adbNeverAppears: 0.1, connectionDrops: 0.05, navigationStuck: 0.05, account: 0.02, content: 0, afterCommit: 0.03 };

const JOBS_PER_ACCOUNT = 10;

let day: DayReport;
let store: WatchedStore;
beforeAll(async () => {
  day = await simulateDay({
    phones: 100,
    accounts: 200,
    jobsPerAccount: JOBS_PER_ACCOUNT,
    workers: 16,
    postsPerDay: CAP,
    // An hour and a half before midnight in Berlin: the cap holds back what is left until the next day.
    startMs: Date.UTC(2026, 0, 5, 21, 30),
    seed: 7,
    faults: FAULTS,
    bursts: { count: 0, share: 0, withinMs: 0 },
    speed: 0.2,
    limitMs: 5 * 24 * 3_600_000,
    openStore: (options, rack) => (store = new WatchedStore(options, rack, JOBS_PER_ACCOUNT)),
  });
}, 120_000);

const held = () => new Set(day.accounts.filter(({ state }) => state === 'hold').map(({ name }) => name));

describe('16 workers, 2,000 jobs, 200 accounts', () => {
  test('every job ends right: published, failed with a reason, or in front of a person', () => {
    const posted = new Set(day.rack.posts.map(({ job }) => job));
    const wrong = day.jobs.filter(({ id, status, failure, account }) => {
      if (status === 'success') return !posted.has(id);
      if (posted.has(id)) return true;
      if (status === 'failed') return failure === null;
      return !held().has(account ?? '');
    });
    expect(wrong).toEqual([]);
    expect(day.jobs.filter(({ status }) => status === 'success').length).toBeGreaterThan(1_400);
    expect(day.jobs.filter(({ failure }) => failure?.uncertain === true).length).toBeGreaterThan(0);
  });

  test('nothing is posted twice, and no account and no phone is ever used twice at a time', () => {
    expect(day.rack.posts).toHaveLength(new Set(day.rack.posts.map(({ sha256, account }) => `${account} ${sha256}`)).size);
    expect(day.rack.overlaps).toBe(0);
  });

  test('no daily cap is broken by what was really posted', () => {
    const perDay = new Map<string, number>();
    for (const { account, atMs } of day.rack.posts) {
      const key = `${account} ${localDay(ZONE, atMs).day}`;
      perDay.set(key, (perDay.get(key) ?? 0) + 1);
    }
    expect(Math.max(...perDay.values())).toBe(CAP);
  });

  test('no attempt limit is passed: attempts are calls less those given back', () => {
    const calls = new Map<string, number>();
    for (const { job } of day.rack.attempts) calls.set(job, (calls.get(job) ?? 0) + 1);
    for (const job of day.jobs) {
      expect(job.attempts).toBeLessThanOrEqual(3);
      expect(job.attempts + job.deferrals).toBe(calls.get(job.id) ?? 0);
    }
    expect(Math.max(...day.jobs.map(({ attempts }) => attempts))).toBe(3);
  });

  test("account trouble is held at once and is really the account's; machines hold nobody", () => {
    expect(held()).toEqual(day.rack.blocked);
    for (const name of day.rack.blocked) {
      const last = day.rack.attempts.filter(({ account }) => account === name).at(-1);
      expect(last?.how).toBe('account');
    }
  });

  test('fair within one post: nobody who could post sees another account post a second time since its own last post', () => {
    expect(store.unfair).toEqual([]);
    expect(store.stoodBack.size).toBe(200);
  });
});
