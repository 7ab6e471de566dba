/**
 * CSV as text: the one home of `csv-parse`, and how a line of it is written.
 *
 * Quotes, line breaks, emoji and a BOM arrive intact. It knows no columns and
 * reads no file; whoever does, says what a value means.
 */
import { CsvError, parse } from 'csv-parse/sync';

/** The text is no CSV. The callers turn it into a code of their own. */
export class CsvProblem extends Error {
  /** From 1; null when it cannot be told. */
  readonly line: number | null;

  constructor(line: number | null, what: string) {
    super(what);
    this.name = 'CsvProblem';
    this.line = line;
  }
}

export interface CsvRecord {
  readonly values: readonly string[];
  /** The line on which it begins, from 1. */
  readonly line: number;
}

/**
 * All records, the header first; empty lines are left out.
 *
 * @throws CsvProblem when a quote is not closed or stands where none may
 */
export function parseCsv(text: string): readonly CsvRecord[] {
  return records(text, {});
}

/**
 * The same of a file that some other program may have damaged: nothing in it is an error. When a quote is never closed,
 * quotes mean nothing in the whole file, so that one bad row costs itself and not all that follow it.
 */
export function parseDamagedCsv(text: string): readonly CsvRecord[] {
  try {
    return records(text, { relax_quotes: true });
  } catch (error) {
    if (!(error instanceof CsvProblem)) throw error;
    return records(text, { quote: null });
  }
}

/** One line, with its end. Values are quoted only where they must be. */
export function csvLine(values: readonly (string | number)[]): string {
  return `${values.map((value) => quoted(String(value))).join(',')}\n`;
}

function quoted(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

function records(text: string, more: { readonly relax_quotes?: boolean; readonly quote?: null }): readonly CsvRecord[] {
  const plain = text.replace(/^\uFEFF/, '');
  try {
    const parsed = parse(plain, {
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      delimiter: delimiterOf(plain),
      ...more,
    }) as unknown as readonly Parsed[];
    // csv-parse counts the line on which a record ends; a value with line breaks starts earlier.
    return parsed.map(({ record }, index) => ({ values: record, line: (parsed[index - 1]?.info.lines ?? 0) + 1 }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CsvProblem(typeof error.lines === 'number' ? error.lines : null, explain(error));
  }
}

function explain(error: CsvError): string {
  if (error.code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote is opened and never closed';
  if (error.code === 'INVALID_OPENING_QUOTE' || error.code === 'CSV_INVALID_CLOSING_QUOTE') {
    return 'a quote stands in the middle of a value; put the whole value in quotes and double the quotes inside it';
  }
  return error.message;
}

/** Spreadsheets of half of Europe write semicolons. */
function delimiterOf(text: string): string {
  const header = text.split(/\r?\n/, 1)[0] ?? '';
  if (header.includes(',')) return ',';
  if (header.includes('\t')) return '\t';
  return header.includes(';') ? ';' : ',';
}
