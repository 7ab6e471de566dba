/**
 * The jobs that failed or were put off, as `--status` lists them: how often,
 * why, and when they come to their turn again. Part of a published format;
 * programs rely on its keys.
 */
import { evidencePath } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import { attemptLimit } from '../domain/retry.ts';
import { isoTime } from '../runtime/clock.ts';
import type { AccountStanding, JobCounts, StoreReader } from '../stores/store.ts';

/** A job that failed, for good or until its next attempt, or that was put off (`pending`). */
export interface TroubledJobView {
  readonly job: string;
  readonly account: string | null;
  readonly status: 'retrying' | 'failed' | 'pending';
  readonly attempts: number;
  /** null = nobody has added its account. */
  readonly max_attempts: number | null;
  readonly deferrals: number;
  /** When its account may post by then, too; ISO. null = there is none, or time alone does not bring it. */
  readonly next_attempt_at: string | null;
  readonly error_category: string | null;
  readonly error_type: string | null;
  readonly error: string | null;
  /** Folder with screenshot, page source and log lines, from the home; null = there is none. */
  readonly evidence: string | null;
  readonly pass_number: number;
}

/** As many of each kind as anybody reads. */
export const TROUBLED_SHOWN = 50;
const ERROR_CHARACTERS = 500;

export interface Troubles {
  readonly reader: StoreReader | null;
  readonly counts: JobCounts;
  readonly standings: readonly AccountStanding[];
  /** As many as are shown, in any state. */
  readonly putOff: readonly Job[];
}

/** Those to be retried, those that failed, those that were put off. */
export async function troubledJobs({ reader, counts, standings, putOff }: Troubles): Promise<readonly TroubledJobView[]> {
  const accounts = new Map(standings.map((account) => [account.name, account]));
  const some = async (status: 'retrying' | 'failed') =>
    counts[status] === 0 ? [] : ((await reader?.jobs({ statuses: [status], limit: TROUBLED_SHOWN })) ?? []);
  const waiting = putOff.filter(({ status }) => status === 'pending');
  const jobs = [...(await some('retrying')), ...(await some('failed')), ...waiting];
  return jobs.map((job) => troubledView(job, accounts.get(job.account ?? '') ?? null));
}

function troubledView(job: Job, holder: AccountStanding | null): TroubledJobView {
  const { id, account, status, attempts, deferrals, failure, note, passNumber } = job;
  return {
    job: id,
    account,
    status: status as TroubledJobView['status'],
    attempts,
    max_attempts: holder === null ? job.maxAttempts : attemptLimit(job, holder.policy.retry),
    deferrals,
    next_attempt_at: nextAttemptAt(job, holder),
    error_category: failure?.category ?? null,
    error_type: failure?.type ?? null,
    error: (failure?.message ?? note)?.slice(0, ERROR_CHARACTERS) ?? null,
    evidence: evidencePath(failure),
    pass_number: passNumber,
  };
}

/** A job that is due waits for its account all the same. */
function nextAttemptAt({ status, dueMs }: Job, holder: AccountStanding | null): string | null {
  if (status === 'failed') return null;
  if (holder === null || holder.waitReason === null) return isoTime(dueMs);
  return holder.nextAtMs === null ? null : isoTime(Math.max(dueMs, holder.nextAtMs));
}
