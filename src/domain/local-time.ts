/**
 * Wall clocks of the world: which local day it is in a zone, and at which
 * instant a local time occurs. The only file that asks luxon.
 *
 * The two odd hours of daylight saving are decided here once: a local time in
 * the spring gap is the first instant that exists after it, and a repeated one
 * in autumn is its first occurrence. A day is what lies between two local
 * midnights, so it has 23 or 25 hours twice a year.
 */
import { DateTime, IANAZone } from 'luxon';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

export interface LocalDay {
  /** `YYYY-MM-DD` in the zone. */
  readonly day: string;
  /** The same as days since 1970-01-01. */
  readonly number: number;
  /** First instant of the day, epoch milliseconds. */
  readonly startMs: number;
  /** First instant of the next day. */
  readonly endMs: number;
}

const zones = new Map<string, IANAZone>();
/** By zone; the latest first. Whoever has reached a cap asks for today and tomorrow by turns. */
const days = new Map<string, readonly LocalDay[]>();
const DAYS_REMEMBERED = 4;

/** True for an IANA zone name that this machine knows, such as `Europe/Berlin`. */
export function isZone(name: string): boolean {
  return IANAZone.isValidZone(name);
}

/**
 * The local day that contains `now`. Remembered, because every claim asks.
 *
 * @throws RangeError when the zone is unknown: configuration checks names by `isZone` first
 */
export function localDay(zone: string, now: number): LocalDay {
  const remembered = days.get(zone) ?? [];
  const known = remembered.find(({ startMs, endMs }) => now >= startMs && now < endMs);
  if (known !== undefined) return known;
  const date = Math.floor((now + offsetMs(zone, now)) / DAY);
  const next = localInstant(zone, date + 1, 0);
  // Where clocks go back across midnight the old date repeats; by the boundaries it is the next day already.
  const number = now < next ? date : date + 1;
  const day: LocalDay = {
    day: isoDay(number),
    number,
    startMs: localInstant(zone, number, 0),
    endMs: localInstant(zone, number + 1, 0),
  };
  days.set(zone, [day, ...remembered].slice(0, DAYS_REMEMBERED));
  return day;
}

/** ISO weekday of a day number (days since 1970-01-01), 1 = Monday … 7 = Sunday. */
export function weekday(day: number): number {
  return ((((day + 3) % 7) + 7) % 7) + 1;
}

/**
 * The instant of a local time, epoch milliseconds.
 *
 * @param day days since 1970-01-01, in the zone's own calendar
 * @param minute minutes after local midnight; 1440 is the next midnight, fractions are allowed
 */
export function localInstant(zone: string, day: number, minute: number): number {
  const local = day * DAY + minute * MINUTE;
  const before = offsetMs(zone, local - DAY);
  const early = local - before;
  if (offsetMs(zone, early) === before) return early;
  const after = offsetMs(zone, local + DAY);
  const late = local - after;
  if (offsetMs(zone, late) === after) return late;
  return endOfGap(zone, late, early, before);
}

/**
 * Reads an ISO 8601 time. With an offset it says its own instant, without one it is local in `zone`.
 *
 * @returns epoch milliseconds; null when it is no time
 */
export function parseTime(text: string, zone: string): number | null {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(text.trim());
  if (parts === null) return null;
  const [, date = '', time = '00:00', offset = ''] = parts;
  const read = DateTime.fromISO(`${date}T${time}${offset}`, { zone: 'utc' });
  if (!read.isValid) return null;
  if (offset !== '') return read.toMillis();
  const day = Math.floor(read.toMillis() / DAY);
  return Math.round(localInstant(zone, day, (read.toMillis() - day * DAY) / MINUTE));
}

function isoDay(day: number): string {
  return DateTime.fromMillis(day * DAY, { zone: 'utc' }).toFormat('yyyy-MM-dd');
}

/** The first instant in (`from`, `to`] that no longer has the offset of before the gap. */
function endOfGap(zone: string, from: number, to: number, before: number): number {
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(zone, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

function offsetMs(zone: string, at: number): number {
  let known = zones.get(zone);
  if (known === undefined) {
    known = IANAZone.create(zone);
    if (!known.isValid) throw new RangeError(`unknown time zone "${zone}"`);
    zones.set(zone, known);
  }
  return known.offset(at) * MINUTE;
}
