/**
 * Reads the predecessors' other records into data: `parallel_progress*.csv` in
 * every shape that was ever written (and our own `--export FILE.csv`), and the
 * text file of posts, `account|video_filename|timestamp`. Row by row: a row
 * whose values slipped into other columns is never taken at its word.
 */
import type { Job } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import { type CsvRecord, parseDamagedCsv } from '../runtime/csv-text.ts';
import { type ImportedAccount, type ImportedState, type ImportOptions, imported, isKnownStatus, Reading, type Row } from './import-rows.ts';

/** `account|video_filename|timestamp`, and nothing that a CSV header has. */
export function isLedger(content: string): boolean {
  const first = content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .find((line) => line.trim() !== '' && !line.startsWith('#'));
  return first !== undefined && /^[^|,]+\|[^|]+\|[^|]*$/.test(first);
}

/** Every line is a post that was made. @throws SchedulerError BAD_IMPORT when not one line is */
export function parseLedger(content: string, options: ImportOptions): ImportedState {
  const reading = new Reading(options);
  const jobs = content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index): readonly Job[] => {
      if (line.trim() === '' || line.startsWith('#')) return [];
      const [account = '', video = '', at = ''] = line.split('|').map((part) => part.trim());
      if (!isAccountName(account) || video === '') return reading.leave(index + 1, 'it is not account|video|time') ?? [];
      const job = reading.foreignJob(
        { account: account.replace(/^@/, ''), video_path: video, status: 'success', completed_at: at },
        index + 1,
      );
      if (job === null) return [];
      if (job.finishedMs === options.now) reading.remark(index + 1, `"${at}" is no time: the post counts as made now`);
      return [job];
    });
  if (jobs.length === 0)
    throw new SchedulerError('BAD_IMPORT', { details: { file: options.file, what: 'no line of it is account|video|time' } });
  return imported(reading, { own: false, accounts: [], jobs });
}

/** @throws SchedulerError BAD_IMPORT when its header names neither jobs nor their status */
export function parseProgress(content: string, options: ImportOptions): ImportedState {
  const [head, ...records] = parseDamagedCsv(content);
  const header = (head?.values ?? []).map((name) => name.trim().toLowerCase());
  if (!header.includes('status') || !(header.includes('job_id') || header.includes('video_path'))) {
    const what = 'it is no progress file: its first line must name job_id (or video_path) and status';
    throw new SchedulerError('BAD_IMPORT', { details: { file: options.file, what } });
  }
  const reading = new Reading(options);
  const jobs = records.flatMap((record, index) => {
    const row = rowOf(record, header, reading, index + 1);
    const job = row === null ? null : reading.foreignJob(row, index + 1);
    return job === null ? [] : [job];
  });
  return imported(reading, { own: false, accounts: openAccounts(jobs), jobs });
}

/** Values by column. A row that slipped sideways is put back where its status says, and then only a success is believed. */
function rowOf({ values }: CsvRecord, header: readonly string[], reading: Reading, number: number): Row | null {
  const at = header.indexOf('status');
  const row = byColumn(values, header, 0);
  if (isKnownStatus(values[at] ?? '')) return { ...row, account: accountOf(row.account) };
  const said = values.flatMap((value, index) => (isKnownStatus(value) ? [index] : []));
  const [found] = said;
  if (found !== undefined && said.length === 1) {
    // A comma in a caption moves only what follows it; what stands before is where it belongs.
    const whole = isAccountName(accountOf(row.account)) && /[\\/]|\.mp4$/i.test(String(row.video_path));
    const moved = {
      ...byColumn(values, header, found - at),
      ...(whole ? { job_id: row.job_id, account: row.account, video_path: row.video_path } : {}),
    };
    const status = values[found]?.trim().toLowerCase() ?? '';
    const taken = status === 'success' ? status : 'uncertain';
    reading.remark(number, `its values are shifted by ${found - at}; it said ${status} and is taken for ${taken}`);
    return { ...moved, account: accountOf(moved.account), status: taken };
  }
  if (values.length <= at) return reading.leave(number, `it has ${values.length} of ${header.length} values and no status`);
  return { ...row, account: accountOf(row.account) };
}

function byColumn(values: readonly string[], header: readonly string[], shift: number): Row {
  return Object.fromEntries(header.map((name, index) => [name, values[index + shift] ?? '']));
}

function accountOf(value: unknown): string {
  const name = String(value ?? '')
    .trim()
    .replace(/^@/, '');
  return isAccountName(name) ? name : '';
}

/** A name, and not a date or a state that slipped into its column. */
function isAccountName(name: string): boolean {
  return /^[^\s,/\\:]+$/.test(name) && !isKnownStatus(name) && !/^\d{4}-\d\d-\d\d/.test(name);
}

/** Those that have something to post; the others are only remembered with what they posted. */
function openAccounts(jobs: readonly Job[]): readonly ImportedAccount[] {
  const open = jobs.filter(({ status }) => status === 'pending' || status === 'retrying').flatMap(({ account }) => account ?? []);
  return [...new Set(open)].map((name) => ({ name, consecutiveFailures: 0, cooldownUntilMs: null }));
}
