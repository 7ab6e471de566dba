/**
 * Captions and wishes of a folder's videos, from its CSV files. A row that
 * cannot be meant as it stands is reported with its line and its video is not
 * queued: a wrong caption in public is worse than a missing post. Knows nothing
 * of accounts or of the queue.
 */
import { SchedulerError } from '../errors.ts';
import { CsvProblem, type CsvRecord, parseCsv } from '../runtime/csv-text.ts';

/** One row, as text; what it says is checked by intake.ts. */
export interface CaptionRow {
  /** `captions.csv:12` */
  readonly where: string;
  /** As written: a file name, a stem or a path. */
  readonly video: string;
  /** null when the file has no caption column. */
  readonly caption: string | null;
  readonly account: string | null;
  readonly publishAt: string | null;
  readonly priority: string | null;
  /** Its own retry policy: `5`, `false`, `{max_attempts: 5, …}`. */
  readonly retry: string | null;
  /** Why the row cannot be used; its video must not be queued. */
  readonly problem: string | null;
}

interface Columns {
  readonly video: number;
  readonly caption: number;
  readonly account: number;
  readonly publishAt: number;
  readonly priority: number;
  readonly retry: number;
}

/**
 * Rows of one caption file, or null when its header names no video column (it is some other CSV).
 *
 * @param bytes the whole file
 * @throws SchedulerError BAD_USAGE when it is not UTF-8 or not CSV, with the line
 */
export function readCaptions(bytes: Uint8Array, fileName: string): readonly CaptionRow[] | null {
  const text = decode(bytes, fileName);
  const records = parseRecords(text, fileName);
  const header = records[0]?.values;
  if (header === undefined) return null;
  // A progress file of the predecessor beside the videos is no list of captions.
  if (header.includes('job_id') && header.includes('status')) return [];
  const columns = findColumns(header);
  if (columns.video < 0) return null;
  // Spreadsheets write lines of nothing but commas below the last row.
  const rows = records.slice(1).filter(({ values }) => values.some((value) => value.trim() !== ''));
  return rows.map(({ values, line }) => rowOf(values, columns, header.length, `${fileName}:${line}`));
}

/** A caption beside its video (`clip.txt`): all of it, without BOM and without the line break that editors add at the end. */
export function captionText(bytes: Uint8Array, fileName: string): string {
  return decode(bytes, fileName).replace(/\r?\n$/, '');
}

function decode(bytes: Uint8Array, fileName: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const what = `${fileName} is not UTF-8 text; save it again as "CSV UTF-8" (or as UTF-8 text)`;
    throw new SchedulerError('BAD_USAGE', { cause: error, details: { what } });
  }
}

function parseRecords(text: string, fileName: string): readonly CsvRecord[] {
  try {
    return parseCsv(text);
  } catch (error) {
    if (!(error instanceof CsvProblem)) throw error;
    throw new SchedulerError('BAD_USAGE', { cause: error, details: { what: `${fileName}:${error.line ?? '?'}: ${error.message}` } });
  }
}

function findColumns(header: readonly string[]): Columns {
  const names = header.map((name) => name.trim().toLowerCase());
  const exact = (...wanted: readonly string[]): number => wanted.map((name) => names.indexOf(name)).find((index) => index >= 0) ?? -1;
  const named = exact('filename', 'file', 'shortcode', 'video', 'video_path');
  return {
    // The predecessor took the first header that contains Video or Image; campaign exports rely on it.
    video: named >= 0 ? named : names.findIndex((name) => /video|image|shortcode/.test(name)),
    caption: exact('caption', 'post_caption', 'text'),
    account: exact('account'),
    publishAt: exact('publish_at'),
    priority: exact('priority'),
    retry: exact('retry'),
  };
}

function rowOf(record: readonly string[], columns: Columns, width: number, where: string): CaptionRow {
  const optional = (index: number): string | null => {
    const value = record[index]?.trim() ?? '';
    return index < 0 || value === '' ? null : value;
  };
  const video = record[columns.video]?.trim() ?? '';
  return {
    where,
    video,
    caption: columns.caption < 0 ? null : (record[columns.caption] ?? ''),
    account: optional(columns.account)?.replace(/^@/, '') ?? null,
    publishAt: optional(columns.publishAt),
    priority: optional(columns.priority),
    retry: optional(columns.retry),
    problem: problemOf(record, video, width),
  };
}

function problemOf(record: readonly string[], video: string, width: number): string | null {
  if (video === '') return 'it names no video';
  const extra = record.slice(width).some((value) => value.trim() !== '');
  return extra ? `it has ${record.length} values where the header has ${width}; put a caption that contains commas in quotes` : null;
}
