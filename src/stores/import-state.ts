/**
 * Reads a `scheduler_state.json`, the ancestor's or our own, into data: nothing
 * is stored here. Row by row: what cannot be read is reported and left out, what
 * may have been posted becomes `uncertain`, never `retrying`.
 */
import type { Job } from '../domain/job.ts';
import { parseTime } from '../domain/local-time.ts';
import { SchedulerError } from '../errors.ts';
import {
  count,
  type ImportedAccount,
  type ImportedState,
  type ImportOptions,
  imported,
  isRow,
  Reading,
  type Row,
  text,
} from './import-rows.ts';
import { WRITTEN_BY } from './snapshot.ts';

/** @throws SchedulerError BAD_IMPORT when it is no state file at all */
export function parseState(content: string, options: ImportOptions): ImportedState {
  const state = readObject(content, options.file);
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
  return imported(reading, { own, accounts, jobs });
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
