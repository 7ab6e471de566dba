/**
 * Guards promises 1, 3 and 5 over seven days as a service, with restarts, kills,
 * an Appium that dies and configurations that change: caps and windows are kept
 * by what was really published, and nothing that is kept grows without bound.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accountPolicy } from '../../src/config.ts';
import { simulateWeek, type WeekReport } from './week.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo'] as const;
const NAMES = Array.from({ length: 6 }, (_, index) => `account-${index}`);
const KEPT = 'retention: {events: 2d, logs: 3d, log_files: 9, evidence: 36h, evidence_size: 200KB}\n';

function config(posts: number, rolling: number, windows: string): string {
  const accounts = NAMES.map((name, index) => `  - {name: ${name}, device: phone-${index % 4}, timezone: ${ZONES[index % 3]}}\n`);
  const defaults = `defaults: {app: demo, posts_per_day: ${posts}, rolling_24h: ${rolling}, windows: [${windows}], min_gap: 20m}\n`;
  return `timezone: UTC\nworkers: 3\n${defaults}${KEPT}accounts:\n${accounts.join('')}`;
}
const CONFIGS = [
  { atHour: 0, text: config(3, 4, '"08:00-11:00", "20:00-01:30"') },
  // In the middle of Berlin's evening: less is allowed, and other hours.
  { atHour: 44.5, text: config(1, 1, '"12:00-15:00", "21:00-22:00"') },
  { atHour: 50, text: 'defaults: {posts_per_dya: 9}\n' },
  { atHour: 92, text: config(4, 4, '"mon-fri 09:00-12:00", "sat,sun 00:30-06:00", "22:00-02:00"') },
] as const;

/** Berlin loses an hour in the last of its nights. */
const startMs = Date.UTC(2027, 2, 22);

describe('a week', () => {
  let week: WeekReport;
  beforeAll(async () => {
    week = await simulateWeek({ startMs, seed: 11, configs: CONFIGS, videosADay: 25 });
    // 44 s of CPU: 71 s at a load of 6 on two cores, three minutes at one of 27.
  }, 300_000);
  afterAll(() => week.home.close());

  /** What was in force for the account at that instant. */
  const policyAt = (account: string, atMs: number) => {
    const inForce = week.home.configs.filter(({ fromMs }) => fromMs <= atMs).at(-1);
    if (inForce === undefined) throw new Error('before the start');
    return accountPolicy(inForce.config, account);
  };

  it('keeps the caps of each local day and of any 24 hours, by the rules in force', () => {
    const { posts } = week.home.rack;
    const broken = posts.filter(({ account, atMs }) => {
      const { postsPerDay, rolling24h, timezone } = policyAt(account, atMs);
      const before = posts.filter((post) => post.account === account && post.atMs <= atMs);
      const today = before.filter((post) => localTime(timezone, post.atMs).day === localTime(timezone, atMs).day);
      const recent = before.filter((post) => post.atMs > atMs - DAY);
      return today.length > postsPerDay || recent.length > (rolling24h ?? Number.POSITIVE_INFINITY);
    });
    expect(broken).toEqual([]);
  });

  it('publishes within the windows in force alone', () => {
    const broken = week.home.rack.posts.filter(({ account, atMs }) => {
      const { windows, timezone } = policyAt(account, atMs);
      const { minute, weekday } = localTime(timezone, atMs);
      const yesterday = ((weekday + 5) % 7) + 1;
      return !windows.some(({ days, fromMinute, toMinute }) =>
        fromMinute < toMinute
          ? days.includes(weekday) && minute >= fromMinute && minute < toMinute
          : (days.includes(weekday) && minute >= fromMinute) || (days.includes(yesterday) && minute < toMinute),
      );
    });
    expect(broken).toEqual([]);
  });

  it('publishes nothing twice, uses nothing twice at a time, and as much as is allowed', () => {
    const { posts, overlaps } = week.home.rack;
    expect(new Set(posts.map(({ sha256 }) => sha256)).size).toBe(posts.length);
    expect(overlaps).toBe(0);
    const posted = new Set(posts.map(({ job }) => job));
    expect(
      week.jobs.filter(({ id, status }) => (status === 'success') !== posted.has(id) && status !== 'uncertain' && status !== 'committing'),
    ).toEqual([]);
    const days = new Map<string, number>();
    for (const { account, atMs } of posts) {
      const key = `${account} ${localTime(policyAt(account, atMs).timezone, atMs).day}`;
      days.set(key, (days.get(key) ?? 0) + 1);
    }
    // Three, three, one, one, four, four, four of six accounts, but for the ends of the week.
    expect(posts.length).toBeGreaterThan(80);
    expect(Math.max(...days.values())).toBe(4);
  });

  it('was started, killed, told and reloaded as planned, and fed the watchdog all the while', () => {
    const { starts, told, configs } = week.home;
    expect({ starts, ready: told.ready }).toEqual({ starts: 12, ready: 12 });
    expect(week.reloads.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(configs.length).toBe(14);
    expect(told.longestUnfedMs).toBeLessThan(120_000);
  });

  it('begins a log every day, and keeps as many and as long as it is told', () => {
    for (const { day, logs } of week.sizes) {
      const daysOf = (log: string) => logs.filter(({ name }) => name.startsWith(`${log}.`)).map(({ name }) => name.split('.')[1] ?? '');
      const today = localDate(startMs + day * DAY - 1);
      for (const log of ['scheduler', 'worker_1', 'worker_2', 'worker_3']) {
        expect(daysOf(log)).toContain(today);
        expect(daysOf(log).length).toBeLessThanOrEqual(9);
        expect(Math.min(...daysOf(log).map((name) => Date.parse(name)))).toBeGreaterThanOrEqual(startMs + (day - 5) * DAY);
      }
      expect(logs.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(2_000_000);
    }
    expect(new Set(week.sizes.flatMap(({ logs }) => logs.map(({ name }) => name.split('.')[1]))).size).toBeGreaterThanOrEqual(7);
  });

  it('keeps store and evidence bounded', () => {
    for (const { day, events, oldestEventMs, evidence } of week.sizes.slice(2)) {
      const endMs = startMs + day * DAY;
      expect(oldestEventMs).toBeGreaterThan(endMs - 2 * DAY - 15 * 60_000);
      expect(evidence.oldestMs).toBeGreaterThan(endMs - 36 * HOUR - 65 * 60_000);
      expect(evidence.bytes).toBeLessThanOrEqual(200_000 + 10 * 20_000);
      expect(events).toBeLessThan(3_000);
    }
    const [, second, , , , , last] = week.sizes;
    expect(last?.storeBytes).toBeLessThan(2 * (second?.storeBytes ?? 0));
  });

  it('holds no more memory or listeners on its seventh day than on its sixth', () => {
    const [sixth, seventh] = week.sizes.slice(-2);
    expect((seventh?.heapBytes ?? 0) - (sixth?.heapBytes ?? 0)).toBeLessThan(1_500_000);
    expect(seventh?.listeners).toBeLessThanOrEqual((sixth?.listeners ?? 0) + 4);
  });
});

/** By the machine's own calendar, not the program's. Minutes after midnight, ISO weekday. */
function localTime(zone: string, atMs: number): { readonly day: string; readonly minute: number; readonly weekday: number } {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, value]),
  );
  const weekday = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(parts.weekday ?? '') + 1;
  return { day: `${parts.year}-${parts.month}-${parts.day}`, minute: Number(parts.hour) * 60 + Number(parts.minute), weekday };
}

const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const two = '2-digit';
  const made = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, weekday: 'short', year: 'numeric', month: two, day: two, hour: two, minute: two, hourCycle: 'h23' },
  } as const);
  formats.set(timeZone, made);
  return made;
}

/** As log files are named: by the machine's zone. */
function localDate(atMs: number): string {
  return localTime(new Intl.DateTimeFormat().resolvedOptions().timeZone, atMs).day;
}
