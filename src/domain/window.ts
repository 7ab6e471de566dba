/**
 * Windows: the hours in which an account may post, in its own time zone.
 *
 * A window belongs to the day on which it starts, also when it ends after
 * midnight. What daylight saving does to a local time is `local-time.ts`.
 */
import { SchedulerError } from '../errors.ts';
import { localDay, localInstant, weekday } from './local-time.ts';

export { localDay } from './local-time.ts';

export interface Window {
  /** ISO weekdays on which the window starts, 1 = Monday … 7 = Sunday. */
  readonly days: readonly number[];
  /** Minutes after local midnight, 0..1439. */
  readonly fromMinute: number;
  /** Minutes after local midnight, 1..1440; not after `fromMinute` when the window crosses midnight. */
  readonly toMinute: number;
}

const DAY_NAMES = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const LONG_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7];
const MINUTES_A_DAY = 24 * 60;

/** Two weeks: a weekly pattern repeats, and the one week in which daylight saving hides an hour does not fool it. */
const HORIZON_DAYS = 15;
/** Schedules remembered at most; a home needs about two per account: those of today and tomorrow. */
const REMEMBERED = 2_000;

interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

/** The open intervals around one local day. */
interface Schedule {
  readonly intervals: readonly Interval[];
  /** End of what was looked at: an interval that reaches it never closes. */
  readonly horizonMs: number;
}

const schedules = new Map<string, Schedule>();
const keys = new WeakMap<readonly Window[], string>();

/**
 * Reads `mon-fri 09:00-21:00`, `sat,sun 22:00-02:00` or `00:00-24:00` (every day). A range of days may run over
 * Sunday (`fri-mon`).
 *
 * @throws SchedulerError BAD_CONFIG, saying what is wrong
 */
export function parseWindow(text: string): Window {
  const parts = /^(?:(\S.*?)\s+)?(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)$/.exec(text.trim());
  if (parts === null) throw badWindow(text, 'expected "[days] HH:MM-HH:MM"');
  const [, days, fromHour, fromMinute, toHour, toMinute] = parts;
  const from = minuteOf(text, Number(fromHour), Number(fromMinute));
  const to = minuteOf(text, Number(toHour), Number(toMinute));
  return {
    days: days === undefined ? EVERY_DAY : parseDays(text, days),
    fromMinute: from % MINUTES_A_DAY,
    toMinute: to === 0 ? MINUTES_A_DAY : to,
  };
}

/** When the window that is open now closes: `Infinity` when it never does, null when none is open. */
export function openUntil(windows: readonly Window[], zone: string, now: number): number | null {
  const schedule = scheduleAt(windows, zone, now);
  for (const interval of schedule.intervals) {
    if (now < interval.startMs) return null;
    if (now < interval.endMs) return interval.endMs >= schedule.horizonMs ? Number.POSITIVE_INFINITY : interval.endMs;
  }
  return null;
}

/** The first instant from `now` on at which a window is open (`now` itself when one is); null = never, there is no window. */
export function nextOpen(windows: readonly Window[], zone: string, now: number): number | null {
  for (const interval of scheduleAt(windows, zone, now).intervals) {
    if (now < interval.endMs) return Math.max(now, interval.startMs);
  }
  return null;
}

function scheduleAt(windows: readonly Window[], zone: string, now: number): Schedule {
  const today = localDay(zone, now);
  const key = `${today.number} ${zone} ${keyOf(windows)}`;
  const known = schedules.get(key);
  if (known !== undefined) return known;
  const last = today.number + HORIZON_DAYS;
  const schedule = {
    intervals: intervalsBetween(windows, zone, today.number - 1, last),
    horizonMs: localInstant(zone, last + 1, 0),
  };
  if (schedules.size >= REMEMBERED) schedules.clear();
  schedules.set(key, schedule);
  return schedule;
}

/** Two accounts with the same hours share one schedule, however often their policies are read from the store. */
function keyOf(windows: readonly Window[]): string {
  let key = keys.get(windows);
  if (key === undefined) {
    key = windows.map((window) => `${window.days.join('')}:${window.fromMinute}-${window.toMinute}`).join(' ');
    keys.set(windows, key);
  }
  return key;
}

/** The open intervals of the days `first` to `last`, in order; those that touch are one. */
function intervalsBetween(windows: readonly Window[], zone: string, first: number, last: number): readonly Interval[] {
  const found: Interval[] = [];
  for (let day = first; day <= last; day += 1) {
    for (const window of windows) {
      if (!window.days.includes(weekday(day))) continue;
      const endDay = window.toMinute > window.fromMinute ? day : day + 1;
      const startMs = localInstant(zone, day, window.fromMinute);
      const endMs = localInstant(zone, endDay, window.toMinute);
      // A window that lies wholly in the spring gap does not happen that day.
      if (startMs < endMs) found.push({ startMs, endMs });
    }
  }
  return merge(found.sort((a, b) => a.startMs - b.startMs));
}

function merge(sorted: readonly Interval[]): readonly Interval[] {
  const merged: Interval[] = [];
  for (const interval of sorted) {
    const before = merged.at(-1);
    if (before !== undefined && interval.startMs <= before.endMs) {
      merged[merged.length - 1] = { startMs: before.startMs, endMs: Math.max(before.endMs, interval.endMs) };
    } else {
      merged.push(interval);
    }
  }
  return merged;
}

function parseDays(text: string, list: string): readonly number[] {
  const days = new Set<number>();
  for (const part of list.toLowerCase().split(/\s*,\s*/)) {
    const [from = '', to = from] = part.split(/\s*-\s*/);
    const last = dayNamed(text, to);
    for (let day = dayNamed(text, from); ; day = (day % 7) + 1) {
      days.add(day);
      if (day === last) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** `mon` and `monday` alike. */
function dayNamed(text: string, name: string): number {
  const index = Math.max(DAY_NAMES.indexOf(name), LONG_NAMES.indexOf(name)) + 1;
  if (index === 0) throw badWindow(text, `"${name}" is no day; days are ${DAY_NAMES.join(', ')}`);
  return index;
}

function minuteOf(text: string, hour: number, minute: number): number {
  const total = hour * 60 + minute;
  if (minute > 59 || total > MINUTES_A_DAY) throw badWindow(text, 'hours run from 00:00 to 24:00');
  return total;
}

function badWindow(text: string, what: string): SchedulerError {
  return new SchedulerError('BAD_CONFIG', { details: { where: `window "${text}"`, what } });
}
