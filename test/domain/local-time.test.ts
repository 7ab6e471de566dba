// Guards promise 5: days, windows and caps are counted in the account's own time zone across daylight saving.
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { describe, expect, test } from 'vitest';
import { isZone, localDay, localInstant, parseTime, weekday } from '../../src/domain/local-time.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland', 'America/Sao_Paulo', 'Australia/Lord_Howe'];

function at(iso: string): number {
  return Date.parse(iso);
}
function dayNumber(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / DAY;
}

describe('the local day', () => {
  test.each([
    ['an ordinary one', 'Europe/Berlin', '2026-01-05T12:00:00Z', '2026-01-05', '2026-01-04T23:00:00Z', 24],
    ['the last instant of it', 'Europe/Berlin', '2026-01-05T22:59:59.999Z', '2026-01-05', '2026-01-04T23:00:00Z', 24],
    ['in spring 23 hours', 'Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-29', '2026-03-28T23:00:00Z', 23],
    ['in autumn 25 hours', 'Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-25', '2026-10-24T22:00:00Z', 25],
    ['half an hour of daylight saving', 'Australia/Lord_Howe', '2026-10-04T03:00:00Z', '2026-10-04', '2026-10-03T13:30:00Z', 23.5],
    ['no midnight at all', 'Africa/Cairo', '2026-04-24T12:00:00Z', '2026-04-24', '2026-04-23T22:00:00Z', 23],
    ['23:00 twice', 'Asia/Beirut', '2025-10-25T20:30:00Z', '2025-10-25', '2025-10-24T21:00:00Z', 25],
    ['a day that never was', 'Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29', '2011-12-29T10:00:00Z', 24],
    [
      'clocks back across midnight: the boundaries decide',
      'America/St_Johns',
      '2010-11-07T02:45:00Z',
      '2010-11-07',
      '2010-11-07T02:30:00Z',
      25,
    ],
  ])('%s', (_, zone, now, day, start, hours) => {
    const found = localDay(zone, at(now));
    expect(found).toEqual({ day, number: dayNumber(day), startMs: at(start), endMs: at(start) + hours * HOUR });
  });

  test('holds its instant, and days follow each other without gap or overlap', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') }),
        (zone, now) => {
          const day = localDay(zone, now);
          expect(now).toBeGreaterThanOrEqual(day.startMs);
          expect(now).toBeLessThan(day.endMs);
          expect(localDay(zone, day.startMs)).toEqual(day);
          expect(localDay(zone, day.endMs).startMs).toBe(day.endMs);
          expect(day.day).toBe(DateTime.fromMillis(now, { zone }).toISODate());
        },
      ),
    );
  });

  test('an unknown zone is refused', () => {
    expect(isZone('Europe/Berlin')).toBe(true);
    expect(isZone('Europe/Atlantis')).toBe(false);
    expect(() => localDay('Europe/Atlantis', 0)).toThrow(RangeError);
  });
});

describe('a local time', () => {
  test.each([
    ['in the spring gap is the first instant after it', 'Europe/Berlin', '2026-03-29', 2 * 60 + 30, '2026-03-29T01:00:00Z'],
    ['at the beginning of the gap likewise', 'America/New_York', '2026-03-08', 2 * 60, '2026-03-08T07:00:00Z'],
    ['in the repeated hour is its first occurrence', 'Europe/Berlin', '2026-10-25', 2 * 60 + 30, '2026-10-25T00:30:00Z'],
    ['after the repeated hour is there once', 'Europe/Berlin', '2026-10-25', 3 * 60, '2026-10-25T02:00:00Z'],
    ['1440 is the next midnight', 'Asia/Kolkata', '2026-01-05', 1440, '2026-01-05T18:30:00Z'],
  ])('%s', (_, zone, day, minute, instant) => {
    expect(localInstant(zone, dayNumber(day), minute)).toBe(at(instant));
  });

  test('is found again by its zone, wherever it exists', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.integer({ min: 18_262, max: 23_000 }),
        fc.integer({ min: 0, max: 1439 }),
        (zone, day, minute) => {
          const instant = localInstant(zone, day, minute);
          const local = DateTime.fromMillis(instant, { zone });
          const expected = DateTime.fromMillis(day * DAY + minute * 60_000, { zone: 'utc' });
          const found = local.toFormat('yyyy-MM-dd HH:mm');
          // Where it does not exist, the instant before shows an earlier time and this one a later: the edge of the gap.
          if (found !== expected.toFormat('yyyy-MM-dd HH:mm')) {
            expect(local.offset).not.toBe(DateTime.fromMillis(instant - 1, { zone }).offset);
            expect(found > expected.toFormat('yyyy-MM-dd HH:mm')).toBe(true);
          }
        },
      ),
    );
  });

  test('weekdays are ISO, also before 1970', () => {
    expect(weekday(dayNumber('2026-01-05'))).toBe(1);
    expect(weekday(dayNumber('2026-01-11'))).toBe(7);
    expect(weekday(-1)).toBe(3);
    expect(weekday(-7)).toBe(4);
  });
});

describe('reading a time', () => {
  test.each([
    ['2026-01-05T09:00', 'Europe/Berlin', '2026-01-05T08:00:00Z'],
    ['2026-07-05 09:00:30', 'Europe/Berlin', '2026-07-05T07:00:30Z'],
    ['2026-01-05', 'America/New_York', '2026-01-05T05:00:00Z'],
    ['2026-01-05T09:00:00.250Z', 'Europe/Berlin', '2026-01-05T09:00:00.250Z'],
    ['2026-01-05T09:00+05:30', 'UTC', '2026-01-05T03:30:00Z'],
    ['2026-03-29T02:30', 'Europe/Berlin', '2026-03-29T01:00:00Z'],
    [' 2024-01-01T00:00:00.123456 ', 'UTC', '2024-01-01T00:00:00.123Z'],
  ])('%s in %s', (text, zone, instant) => {
    expect(parseTime(text, zone)).toBe(at(instant));
  });

  test.each(['', 'tomorrow', '2026-02-31T09:00', '2026-01-05T25:00', '05.01.2026', '2026-1-5', '2026-01-05T09:61'])(
    '"%s" is none',
    (text) => {
      expect(parseTime(text, 'UTC')).toBeNull();
    },
  );
});
