/** Whether an account of the store in memory may post: the same question as in domain/select.ts, asked of all jobs there are. */
import type { Account } from '../../src/domain/account.ts';
import { ACCOUNT_BUSY } from '../../src/domain/job.ts';
import { type Eligibility, eligibility } from '../../src/domain/select.ts';
import { localDay } from '../../src/domain/window.ts';
import type { ClaimRequest } from '../../src/stores/store.ts';
import type { MemoryJobs } from './memory-jobs.ts';

const DAY_MS = 24 * 60 * 60_000;

/** An account that was just added. */
export const FRESH = {
  state: 'active',
  reason: null,
  device: null,
  trouble: null,
  cooldownUntilMs: null,
  consecutiveFailures: 0,
  lastCommitMs: null,
  gapJitterMs: 0,
} as const;

/** @param except a job that does not count: the one that asks */
export function standingOf(jobs: MemoryJobs, account: Account, now: number, except: string | null = null): Eligibility {
  const busy = jobs.all().filter((job) => job.account === account.name && job.id !== except && ACCOUNT_BUSY.includes(job.status));
  const recent = jobs.posts(account.name).filter((atMs) => atMs > now - DAY_MS);
  const leaves = recent[(account.policy.rolling24h ?? 0) - 1];
  return eligibility({
    account,
    postedToday: postsToday(jobs, account, now),
    postedIn24h: recent.length,
    busy: busy.length === 0 ? null : busy.every((job) => job.status === 'uncertain') ? 'uncertain' : 'busy',
    now,
    rollingFreeAtMs: leaves === undefined ? null : leaves + DAY_MS,
  });
}

export function postsToday(jobs: MemoryJobs, account: Account, now: number): number {
  const { startMs, endMs } = localDay(account.policy.timezone, now);
  return jobs.posts(account.name).filter((atMs) => atMs >= startMs && atMs < endMs).length;
}

/** Its app rests, everywhere or on its phone. */
export function isExcepted({ exceptApps = [] }: ClaimRequest, { policy: { app }, device }: Account): boolean {
  return exceptApps.includes(app) || exceptApps.includes(`${app}@${device}`);
}
