/**
 * `--export FILE.csv`: every job as a row of the seeds' progress file. An
 * export, not the queue: nothing reads it back but `--import`. States keep our
 * names, so that no reader takes `uncertain` for something to be posted.
 */
import type { Job } from '../domain/job.ts';
import { attemptLimit, ownPolicy, type RetryPolicy } from '../domain/retry.ts';
import { isoTime } from '../runtime/clock.ts';
import { csvLine } from '../runtime/csv-text.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import { fileStem } from './key-tail.ts';
import type { StoreReader } from './store.ts';

/**
 * Fixed: people and programs rely on the names and on their order. `max_attempts` is the number in force, wherever it
 * comes from; `retry` is what the job says itself, so that only this comes back with it.
 */
export const CSV_COLUMNS = [
  'job_id',
  'account',
  'video_path',
  'caption',
  'status',
  'worker_id',
  'claimed_at',
  'completed_at',
  'error',
  'attempts',
  'max_attempts',
  'last_attempt',
  'retry_at',
  'error_type',
  'error_category',
  'pass_number',
  'run_id',
  'video_id',
  'deferrals',
  'retry',
] as const;

const ERROR_CHARACTERS = 500;

export interface CsvExportRequest {
  readonly store: Pick<StoreReader, 'jobs' | 'accounts' | 'events'>;
  readonly path: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** In force for a job that has no account yet. */
  readonly retry: RetryPolicy;
}

/** Atomic: the old file stays until the new one is whole. Mode 0600, captions are the team's business. */
export async function writeProgressCsv({ store, path, now, retry }: CsvExportRequest): Promise<void> {
  const policies = new Map((await store.accounts(now)).map(({ name, policy }) => [name, policy.retry]));
  // A job forgets its worker when it lets go of it; the events do not.
  const workers = new Map((await store.events({ types: ['claimed'] })).map(({ job, who }) => [job, who]));
  const lines = (await store.jobs({})).map((job) => {
    const limit = attemptLimit(job, policies.get(job.account ?? '') ?? retry);
    return csvLine(valuesOf(job, workers.get(job.id) ?? job.worker ?? '', limit));
  });
  await replaceFile(path, csvLine(CSV_COLUMNS) + lines.join(''), 0o600);
}

/** In the order of the columns. */
function valuesOf(job: Job, worker: string, maxAttempts: number): readonly (string | number)[] {
  const own = ownPolicy(job);
  const waits = job.status === 'pending' || job.status === 'retrying';
  return [
    job.id,
    job.account ?? '',
    job.videoPath,
    job.caption,
    job.status,
    worker.replace(/^worker /, ''),
    iso(job.claimedMs),
    iso(job.finishedMs),
    Array.from(errorOf(job)).slice(0, ERROR_CHARACTERS).join(''),
    job.attempts,
    maxAttempts,
    iso(job.lastAttemptMs),
    waits ? iso(job.dueMs) : '',
    job.failure?.type ?? '',
    job.failure?.category ?? '',
    job.passNumber,
    job.batch,
    job.sha256 ?? fileStem(job.videoPath),
    job.deferrals,
    own === null ? '' : JSON.stringify(own),
  ];
}

function errorOf(job: Job): string {
  return job.failure?.message ?? (job.status === 'skipped' ? (job.note ?? '') : '');
}

function iso(ms: number | null): string {
  return ms === null ? '' : isoTime(ms);
}
