/**
 * Reads a `scheduler_state.json`, the ancestor's or our own, into data: nothing
 * is stored here. Row by row: what cannot be read is reported and left out, what
 * may have been posted becomes `uncertain`, never `retrying`.
 */
import { classify } from '../domain/classify.ts';
import { UPLOAD_MAY_RUN } from '../domain/error-sentences.ts';
import { JOB_STATUSES, type Job, type JobStatus } from '../domain/job.ts';
import { parseTime } from '../domain/local-time.ts';
import { SchedulerError } from '../errors.ts';
import { newJob } from './intake.ts';
import { fileStem, stemKey } from './key-tail.ts';
import { ALL_ACCOUNTS } from './pools.ts';
import { WRITTEN_BY } from './snapshot.ts';

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

type Row = Readonly<Record<string, unknown>>;

/** @throws SchedulerError BAD_IMPORT when it is no state file at all */
export function parseState(text: string, options: ImportOptions): ImportedState {
  const state = readObject(text, options.file);
  const own = state.written_by === WRITTEN_BY;
  const rows = Array.isArray(state.jobs) ? state.jobs : [];
  const reading = new Reading(options);
  const jobs = rows.flatMap((row: unknown, index) => {
    const job = isRow(row)
      ? own
        ? reading.ownJob(row, index + 1)
        : reading.foreignJob(row, index + 1)
      : reading.leave(index + 1, 'it is no object');
    return job === null ? [] : [job];
  });
  const accounts = (Array.isArray(state.accounts) ? state.accounts : []).flatMap((row: unknown) => accountOf(row, options));
  const statuses: Partial<Record<JobStatus, number>> = {};
  for (const job of jobs) statuses[job.status] = (statuses[job.status] ?? 0) + 1;
  return { own, accounts, jobs, report: { statuses, remarks: reading.remarks, left: reading.left } };
}

/**
 * Fills in the bytes' hash where the file is there, so that posts are guarded by it and open jobs can be published.
 *
 * @param hash sha256 (64 hex digits) of the file, null when it cannot be read
 */
export async function withBytes(jobs: readonly Job[], hash: (path: string) => Promise<string | null>): Promise<readonly Job[]> {
  const filled: Job[] = [];
  for (const job of jobs) {
    const sha256 = job.sha256 ?? (await hash(job.videoPath));
    // The key is made anew from the bytes when the job is stored.
    filled.push(job.sha256 === null && sha256 !== null ? { ...job, sha256, postKey: null } : job);
  }
  return filled;
}

class Reading {
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

  /** A row of our own snapshot carries the job itself. */
  ownJob(row: Row, number: number): Job | null {
    const { whole } = row;
    if (!isRow(whole) || typeof whole.id !== 'string' || !isStatus(whole.status)) return this.foreignJob(row, number);
    const blank = newJob(
      { ...NO_JOB, id: whole.id, videoPath: '' },
      { batch: 'import', pool: ALL_ACCOUNTS, seq: number, now: this.#options.now },
    );
    const job = { ...blank, ...whole } as Job;
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
    const at = this.#time(row.completed_at) ?? this.#time(row.last_attempt);
    const posted = status === 'success' || status === 'uncertain';
    const attempts = count(row.attempts);
    const { now } = this.#options;
    const blank = newJob(
      {
        ...NO_JOB,
        id: this.#freeId(id),
        videoPath,
        account,
        caption: typeof row.caption === 'string' ? row.caption : '',
        maxAttempts: count(row.max_attempts) || null,
      },
      { batch: text(row.source_folder) || this.#options.file, pool: ALL_ACCOUNTS, seq: number, now },
    );
    return {
      ...blank,
      status,
      attempts,
      postKey: posted && account !== null ? stemKey(account, blank) : null,
      failure: error === '' ? null : failureOf(error, blank, status === 'uncertain'),
      note: `imported from ${this.#options.file}`,
      lastAttemptMs: this.#time(row.last_attempt),
      committedMs: posted ? (at ?? now) : null,
      uncertainMs: status === 'uncertain' ? (at ?? now) : null,
      finishedMs: status === 'success' || status === 'failed' || status === 'skipped' ? (at ?? now) : null,
    };
  }

  /** What may have been posted is uncertain; what nobody can be asked about, because no account is named, is skipped. */
  #status(row: Row, number: number, account: string | null, error: string): JobStatus {
    const said = text(row.status).toLowerCase();
    let status: JobStatus;
    if (said === 'pending' || said === 'success' || said === 'skipped') status = said;
    else if (said === 'retrying' || said === 'failed') status = mayHavePosted(error) ? 'uncertain' : said;
    else status = 'uncertain';
    const known = [
      'pending',
      'success',
      'skipped',
      'retrying',
      'failed',
      'in_progress',
      'claimed',
      'verification_pending',
      'committing',
      'uncertain',
    ];
    if (!known.includes(said))
      this.remarks.push({ row: number, what: `its status "${said.slice(0, 40)}" is none; it is taken for uncertain` });
    else if (status === 'uncertain') this.remarks.push({ row: number, what: `it was ${said} and may have been posted: uncertain` });
    if (account !== null || (status !== 'uncertain' && status !== 'success')) return status;
    this.remarks.push({ row: number, what: `it was ${said} without an account: skipped` });
    return 'skipped';
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

/** Its words say that the act had happened, or that an upload was running. */
function mayHavePosted(error: string): boolean {
  return UPLOAD_MAY_RUN.test(error);
}

function failureOf(error: string, job: Job, uncertain: boolean) {
  return classify(error, {
    phase: uncertain ? 'confirm' : 'prepare',
    account: job.account ?? '',
    committed: uncertain,
    caption: job.caption,
  });
}

function accountOf(row: unknown, options: ImportOptions): ImportedAccount[] {
  if (!isRow(row) || text(row.name) === '') return [];
  const cooldownUntilMs = parseTime(text(row.cooldown_until), options.timezone);
  return [{ name: text(row.name), consecutiveFailures: count(row.consecutive_failures), cooldownUntilMs }];
}

function readObject(content: string, file: string): Row {
  try {
    const state: unknown = JSON.parse(content.replace(/^\uFEFF/, ''));
    if (isRow(state) && (Array.isArray(state.jobs) || Array.isArray(state.accounts))) return state;
  } catch (error) {
    throw new SchedulerError('BAD_IMPORT', { cause: error, details: { file, what: `it is no JSON (${(error as Error).message})` } });
  }
  throw new SchedulerError('BAD_IMPORT', { details: { file, what: 'it has neither jobs nor accounts' } });
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStatus(value: unknown): value is JobStatus {
  return JOB_STATUSES.some((status) => status === value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

/** A number of times; rows have been seen with text in this place. */
function count(value: unknown): number {
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : 0;
}
