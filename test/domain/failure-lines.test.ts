/**
 * Guards promise 4: every row of the fault tables that were measured or handed
 * down, and hundreds of lines as programs write them, are charged to what is
 * really broken, and no healthy account is ever blamed.
 *
 * `tables.jsonl` holds the exact wordings of the tables; `lines.jsonl` is ours.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sessionError, uiError } from '../../src/appium/ui-errors.ts';
import { classify } from '../../src/domain/classify.ts';
import type { Failure, Phase } from '../../src/domain/failure.ts';
import { FAILURE_TYPES } from '../../src/domain/failure-types.ts';

interface Line extends Pick<Failure, 'scope' | 'category' | 'type' | 'retryable' | 'uncertain'> {
  /** Which table it is a row of, and which row. Lines of our own have neither. */
  readonly table?: string;
  readonly source?: string;
  readonly text: string;
  readonly name?: string;
  readonly code?: string;
  readonly caption?: string;
  readonly phase: Phase;
}

const read = (file: string): readonly Line[] =>
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'failures', file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

const TABLES = read('tables.jsonl');
const LINES = read('lines.jsonl');

function judged(error: unknown, { phase, caption = 'A day at the lake' }: Pick<Line, 'phase' | 'caption'>) {
  return classify(error, { phase, account: 'alice', committed: false, caption });
}

function thrown({ text, name, code }: Line): Error {
  return Object.assign(new Error(text), name === undefined ? {} : { name }, code === undefined ? {} : { code });
}

function expected({ scope, category, type, phase, retryable, uncertain }: Line): Partial<Failure> {
  return { scope, category, type, phase, retryable, uncertain };
}

/** Rows of which nothing is thrown (deleteSession on a dead phone resolves, findElement answers) are not among them. */
const ROWS = { phone: 44, appium: 39, 'provider codes': 43, 'seed 000': 4, 'seed 002': 7, 'seed 003': 12, defects: 21 } as const;

test('no row of a table is lost', () => {
  const counted = Object.groupBy(TABLES, ({ table = '' }) => table);
  expect(Object.fromEntries(Object.entries(counted).map(([table, rows]) => [table, rows?.length]))).toEqual(ROWS);
});

describe.each(Object.keys(ROWS))('%s', (table) => {
  test.each(TABLES.filter((row) => row.table === table))('$source is $category/$type', (row) => {
    expect(judged(thrown(row), row)).toMatchObject(expected(row));
  });
});

test.each(TABLES.filter(({ table }) => table === 'phone' || table === 'appium'))('through our Appium edge, too: $source', (row) => {
  const url = 'http://127.0.0.1:4723';
  const error = row.phase === 'open' ? sessionError(thrown(row), 'phone-1', url) : uiError(thrown(row), 'POST element', url);
  expect(judged(error, row)).toMatchObject({ category: row.category, scope: row.scope, retryable: row.retryable });
});

describe('lines as programs write them', () => {
  test('are right, all of them (promised are 98 %), as text and as error', () => {
    expect(LINES.length).toBeGreaterThanOrEqual(300);
    for (const line of LINES) {
      expect(judged(line.text, line), line.text).toMatchObject(expected(line));
      expect(judged(thrown(line), line), line.text).toMatchObject(expected(line));
    }
  });

  test('know every type that a text can tell; the others come with a code of ours', () => {
    const told = new Set([...TABLES, ...LINES].map(({ type }) => type));
    const ours = ['store_failed', 'attempt_timeout', 'wrong_video', 'push_corrupted', 'bytes_changed', 'not_confirmed'];
    expect(Object.keys(FAILURE_TYPES).filter((type) => !told.has(type))).toEqual(ours);
  });

  test('never blame an account for what a caption, a driver or a look at a healthy screen says', () => {
    const healthy = [...TABLES, ...LINES].filter(({ category }) => category !== 'account');
    const accused = LINES.filter(({ category }) => category === 'account');
    for (const { text, phase, ...rest } of healthy) expect(judged(text, { phase, ...rest }).category, text).not.toBe('account');
    for (const { text, phase } of accused) {
      const looks = [
        `WebDriverError: ${text} when running "element" with method "POST"`,
        `Loop stuck - Vision analysis: ${text}`,
        `he said: ${text}`,
      ];
      for (const look of looks) expect(judged(look, { phase }).category, look).not.toBe('account');
      expect(judged(text, { phase, caption: text }).category, text).not.toBe('account');
    }
  });
});
