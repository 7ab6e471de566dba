/**
 * One row of somebody else's list of jobs, as a job: whatever file it came
 * from. What cannot be read is reported and left out; what may have been posted
 * becomes `uncertain`, never `retrying`. Stores nothing and reads no file.
 */
import { classify } from '../domain/classify.ts';
import { UPLOAD_MAY_RUN } from '../domain/error-sentences.ts';
import type { Failure } from '../domain/failure.ts';
import { canonicalType, failureOf, isCategory } from '../domain/failure-types.ts';
import { JOB_STATUSES, type Job, type JobStatus } from '../domain/job.ts';
import { parseTime } from '../domain/local-time.ts';
import type { RetryInput } from '../domain/retry.ts';
import { parseRetryText, RetryProblem } from '../runtime/retry-text.ts';
import { newJob } from './intake.ts';
import { fileStem, stemKey } from './key-tail.ts';
import { ALL_ACCOUNTS } from './pools.ts';
import type { NewJob } from './store.ts';

export interface ImportOptions {
  /** The file's name, for messages. */
  readonly file: string;
  /** Zone of times that name none; IANA. */
  readonly timezone: string;
  /** `--map 'C:\videos=/mnt/videos'`: rewrites the beginning of paths. */
  readonly map: readonly { readonly from: string; readonly to: string }[];
  /** Epoch milliseconds. */
  readonly now: number;
}

export interface ImportedAccount {
  readonly name: string;
  readonly consecutiveFailures: number;
  readonly cooldownUntilMs: number | null;
}

export interface ImportReport {
  /** Rows read, by the state in which they are imported. */
  readonly statuses: Readonly<Partial<Record<JobStatus, number>>>;
  /** What was odd, one line each, with the row (from 1). */
  readonly remarks: readonly { readonly row: number; readonly what: string }[];
  /** Rows that could not be imported at all. */
  readonly left: number;
}

export interface ImportedState {
  /** True when it is a snapshot of ours. */
  readonly own: boolean;
  readonly accounts: readonly ImportedAccount[];
  /** For Store.importJobs. Without bytes (`sha256: null`) where the file does not say; see `withBytes`. */
  readonly jobs: readonly Job[];
  readonly report: ImportReport;
}

export type Row = Readonly<Record<string, unknown>>;

/** Reads the rows of one file, and keeps what was odd about them. */
export class Reading {
  readonly remarks: { row: number; what: string }[] = [];
  left = 0;
  readonly #options: ImportOptions;
  readonly #ids = new Set<string>();

  constructor(options: ImportOptions) {
    this.#options = options;
  }

  leave(row: number, what: string): null {
    this.left += 1;
    this.remarks.push({ row, what: `left out: ${what}` });
    return null;
  }

  remark(row: number, what: string): void {
    this.remarks.push({ row, what });
  }

  /** A row of our own snapshot carries the job itself. */
  ownJob(row: Row, number: number): Job | null {
    const { whole } = row;
    if (!isRow(whole) || typeof whole.id !== 'string' || !isStatus(whole.status)) return this.foreignJob(row, number);
    const blank = newJob(
      { ...NO_JOB, id: whole.id, videoPath: '' },
      { batch: 'import', pool: ALL_ACCOUNTS, seq: number, now: this.#options.now },
    );
    const retry = whole.retry == null ? null : this.#policy(JSON.stringify(whole.retry), number);
    const job = { ...blank, ...whole, retry } as Job;
    return {
      ...job,
      id: this.#freeId(job.id),
      videoPath: this.#mapped(job.videoPath),
      pool: job.account === null ? (job.pool ?? ALL_ACCOUNTS) : job.pool,
    };
  }

  foreignJob(row: Row, number: number): Job | null {
    const videoPath = this.#mapped(text(row.video_path));
    const id = text(row.id) || text(row.job_id) || fileStem(videoPath);
    if (id === '') return this.leave(number, 'it has neither id nor video_path');
    const account = text(row.account) || null;
    const error = text(row.last_error) || text(row.error);
    const status = this.#status(row, number, account, error);
    const at = this.#time(row.completed_at) ?? this.#time(row.last_attempt) ?? this.#time(row.claimed_at);
    const posted = status === 'success' || status === 'uncertain';
    const attempts = count(row.attempts);
    const { now } = this.#options;
    const blank = newJob(
      {
        ...NO_JOB,
        id: this.#freeId(id),
        videoPath,
        sha256: sha256Of(row.video_id),
        account,
        caption: typeof row.caption === 'string' ? row.caption : '',
        ...this.#tries(row, number),
      },
      { batch: text(row.source_folder) || text(row.run_id) || this.#options.file, pool: ALL_ACCOUNTS, seq: number, now },
    );
    return {
      ...blank,
      status,
      attempts,
      dueMs: this.#due(row, now),
      deferrals: count(row.deferrals),
      passNumber: count(row.pass_number),
      postKey: posted && account !== null && blank.sha256 === null ? stemKey(account, blank) : null,
      failure: failureIn(row, error, blank, status === 'uncertain'),
      note: `imported from ${this.#options.file}`,
      claimedMs: this.#time(row.claimed_at),
      lastAttemptMs: this.#time(row.last_attempt),
      committedMs: posted ? (at ?? now) : null,
      uncertainMs: status === 'uncertain' ? (at ?? now) : null,
      finishedMs: status === 'success' || status === 'failed' || status === 'skipped' ? (at ?? now) : null,
    };
  }

  /** Our own exports say under `retry` what is the job's own; the ancestor had one number, and it was. */
  #tries(row: Row, number: number): Pick<NewJob, 'maxAttempts' | 'retry'> {
    if (row.retry === undefined) return { maxAttempts: count(row.max_attempts) || null };
    return { maxAttempts: null, retry: this.#policy(text(row.retry), number) };
  }

  /** A policy that cannot be read would stop every claim that comes upon its job. */
  #policy(written: string, number: number): RetryInput | null {
    if (written === '') return null;
    try {
      return parseRetryText(written);
    } catch (error) {
      if (!(error instanceof RetryProblem)) throw error;
      this.remark(number, `its retry policy ${error.message}; the settings decide`);
      return null;
    }
  }

  /** What may have been posted is uncertain; what nobody can be asked about, because no account is named, is skipped. */
  #status(row: Row, number: number, account: string | null, error: string): JobStatus {
    const said = text(row.status).toLowerCase();
    let status: JobStatus;
    if (said === 'pending' || said === 'success' || said === 'skipped') status = said;
    else if (said === 'retrying' || said === 'failed') status = mayHavePosted(row, error) ? 'uncertain' : said;
    else status = 'uncertain';
    if (!isKnownStatus(said))
      this.remarks.push({ row: number, what: `its status "${said.slice(0, 40)}" is none; it is taken for uncertain` });
    else if (status === 'uncertain' && said !== status)
      this.remarks.push({ row: number, what: `it was ${said} and may have been posted: uncertain` });
    if (account !== null || (status !== 'uncertain' && status !== 'success')) return status;
    this.remarks.push({ row: number, what: `it was ${said} without an account: skipped` });
    return 'skipped';
  }

  /** As the seeds' get_retry_jobs: a pause after the last attempt; an unreadable time means due now. */
  #due(row: Row, now: number): number {
    const last = this.#time(row.last_attempt);
    const paused = text(row.status).toLowerCase() === 'retrying' && last !== null ? last + FORMER_RETRY_DELAY_MS : now;
    return Math.max(now, this.#time(row.retry_at) ?? paused);
  }

  #time(value: unknown): number | null {
    return parseTime(text(value), this.#options.timezone);
  }

  /** Two rows of one id are two jobs: the second gets another id. */
  #freeId(id: string): string {
    let free = id;
    for (let n = 2; this.#ids.has(free); n += 1) free = `${id}-${n}`;
    this.#ids.add(free);
    return free;
  }

  #mapped(path: string): string {
    for (const { from, to } of this.#options.map) {
      if (!path.toLowerCase().startsWith(from.toLowerCase())) continue;
      const rest = path.slice(from.length);
      // `C:\vid` must not take `C:\videos` along.
      if (rest !== '' && !/^[\\/]/.test(rest) && !/[\\/]$/.test(from)) continue;
      return to.includes('\\') ? to + rest : to + rest.replaceAll('\\', '/');
    }
    return path;
  }
}

const NO_JOB = { sha256: null, caption: '', account: null, publishAtMs: null, priority: 0, maxAttempts: null, repeat: 0 } as const;

/** The seeds' `retry_delay_minutes` of 0.25. */
const FORMER_RETRY_DELAY_MS = 15_000;
const FORMER_ERROR_CHARACTERS = 500;
const NOTHING_KNOWN = { phase: 'prepare', account: '', committed: false, caption: '' } as const;
/** What the ancestors called theirs, and ours. */
const KNOWN_STATUSES: readonly string[] = [...JOB_STATUSES, 'in_progress', 'verification_pending'];

export function isKnownStatus(word: string): boolean {
  return KNOWN_STATUSES.includes(word.trim().toLowerCase());
}

/**
 * Its words say that the act had happened, or that an upload was running. `claude_stuck` is what the ancestor made of
 * "Post returned False": without its words nothing says that it was not that.
 */
function mayHavePosted(row: Row, error: string): boolean {
  if (UPLOAD_MAY_RUN.test(error) || (error === '' && text(row.error_type) === 'claude_stuck')) return true;
  return wasCut(row) && classify(error, NOTHING_KNOWN).category !== 'account';
}

/** The ancestor's file kept the first 500 characters of an error: what it said of Share may have stood behind them. Our own exports judged the whole. */
function wasCut(row: Row): boolean {
  return row.deferrals === undefined && text(row.error).length >= FORMER_ERROR_CHARACTERS;
}

/** What the row says about it goes before what its words say. */
function failureIn(row: Row, error: string, job: Job, uncertain: boolean): Failure | null {
  const type = text(row.error_type);
  const category = text(row.error_category).toLowerCase();
  const message = error || type || category;
  if (message === '') return null;
  const context = {
    phase: uncertain ? 'confirm' : 'prepare',
    account: job.account ?? '',
    committed: uncertain,
    caption: job.caption,
  } as const;
  const failure = classify(message, context);
  return isCategory(category) ? failureOf({ ...failure, category, type: canonicalType(type || failure.type) }) : failure;
}

/** Our own exports name the bytes here; the ancestor's ids are no hash. */
function sha256Of(value: unknown): string | null {
  const id = text(value);
  return /^[0-9a-f]{64}$/.test(id) ? id : null;
}

/** All that one file gave, with its report. */
export function imported(reading: Reading, state: Omit<ImportedState, 'report'>): ImportedState {
  const statuses: Partial<Record<JobStatus, number>> = {};
  for (const job of state.jobs) statuses[job.status] = (statuses[job.status] ?? 0) + 1;
  return { ...state, report: { statuses, remarks: reading.remarks, left: reading.left } };
}

export function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStatus(value: unknown): value is JobStatus {
  return JOB_STATUSES.some((status) => status === value);
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

/** A number of times; rows have been seen with text in this place. */
export function count(value: unknown): number {
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
