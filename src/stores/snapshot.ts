/**
 * `scheduler_state.json`: the whole state as one readable file, in the shape of
 * the seeds' programs plus `written_by`. It is an export: nothing reads it back
 * but `--import`, and `uncertain` and `committing` keep those names, so that no
 * reader takes them for something to be posted.
 */
import { evidencePath } from '../domain/failure.ts';
import type { Job, JobStatus } from '../domain/job.ts';
import { attemptLimit, type RetryPolicy } from '../domain/retry.ts';
import { localDay } from '../domain/window.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import { replaceFile } from '../runtime/replace-file.ts';
import type { AccountStanding, StoreReader } from './store.ts';

/** How a snapshot of ours is told from a foreign state file. */
export const WRITTEN_BY = 'posting-scheduler';

export interface SnapshotRequest {
  readonly store: Pick<StoreReader, 'jobs' | 'accounts'>;
  readonly path: string;
  readonly clock: Pick<Clock, 'now'>;
  /** What the seeds call settings. */
  readonly config: {
    readonly delayBetweenPostsMs: number;
    readonly defaults: { readonly postsPerDay: number; readonly retry: RetryPolicy };
  };
}

/** Atomic: the old snapshot stays until the new one is whole. Mode 0600, captions are the team's business. */
export async function writeSnapshot({ store, path, clock, config }: SnapshotRequest): Promise<void> {
  const now = clock.now();
  const [jobs, accounts] = [await store.jobs({}), await store.accounts(now)];
  const policies = new Map(accounts.map(({ name, policy }) => [name, policy.retry]));
  const limitOf = (job: Job) => attemptLimit(job, policies.get(job.account ?? '') ?? config.defaults.retry);
  const state = {
    written_by: WRITTEN_BY,
    saved_at: isoTime(now),
    jobs: jobs.map((job) => jobInShape(job, limitOf(job))),
    accounts: accounts.map((account) => accountInShape(account, jobs)),
    settings: {
      max_retries: config.defaults.retry.maxAttempts,
      retry_delay_minutes: config.defaults.retry.initialDelayMs / 60_000,
      posts_per_account_per_day: config.defaults.postsPerDay,
      delay_between_posts: config.delayBetweenPostsMs / 1000,
    },
  };
  await replaceFile(path, `${JSON.stringify(state, null, 1)}\n`, 0o600);
}

/** The seeds' keys for people and tools, and the job itself for `--import`. */
function jobInShape(job: Job, maxAttempts: number) {
  return {
    id: job.id,
    video_path: job.videoPath,
    caption: job.caption,
    account: job.account ?? '',
    status: statusInShape(job.status),
    attempts: job.attempts,
    max_attempts: maxAttempts,
    last_error: job.failure?.message ?? '',
    last_attempt: isoOrNull(job.lastAttemptMs),
    completed_at: job.status === 'success' ? isoOrNull(job.finishedMs) : null,
    source_folder: job.batch,
    error_type: job.failure?.type ?? '',
    error_category: job.failure?.category ?? '',
    deferrals: job.deferrals,
    next_attempt_at: job.status === 'pending' || job.status === 'retrying' ? isoTime(job.dueMs) : null,
    pass_number: job.passNumber,
    screenshot_path: evidencePath(job.failure) ?? '',
    whole: { ...job, claimToken: null },
  };
}

function statusInShape(status: JobStatus): string {
  return status === 'claimed' ? 'in_progress' : status;
}

function accountInShape(account: AccountStanding, jobs: readonly Job[]) {
  const own = jobs.filter((job) => job.account === account.name);
  return {
    name: account.name,
    last_post_date: account.lastCommitMs === null ? '' : localDay(account.policy.timezone, account.lastCommitMs).day,
    posts_today: account.postedToday,
    total_posts: own.filter((job) => job.status === 'success').length,
    total_failures: own.filter((job) => job.status === 'failed').length,
    consecutive_failures: account.consecutiveFailures,
    cooldown_until: isoOrNull(account.cooldownUntilMs) ?? '',
    state: account.state,
    reason: account.reason,
  };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
