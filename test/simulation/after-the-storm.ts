/** Promise 2 at the end of a life: whatever is not finished waits for a time, for another job or for a person. */
import { CLAIMABLE, DEVICE_BUSY, type Job, type JobStatus } from '../../src/domain/job.ts';
import type { AccountStanding } from '../../src/stores/store.ts';

export function isSettledStatus(status: JobStatus): boolean {
  return status === 'success' || status === 'failed' || status === 'skipped';
}

export interface Scene {
  readonly jobs: readonly Job[];
  readonly accounts: readonly AccountStanding[];
  /** Ids of jobs at which a publisher is at work. */
  readonly flying: ReadonlySet<string>;
  /** Wall time. */
  readonly now: number;
}

/** A worker that is free takes a job within this time. */
const IDLE_MS = 120_000;

export function stuckJobs({ jobs, accounts, flying, now }: Scene): readonly string[] {
  const stuck: string[] = [];
  for (const job of jobs) {
    if (DEVICE_BUSY.includes(job.status) && !flying.has(job.id) && (job.leaseUntilMs ?? 0) + IDLE_MS < now) {
      stuck.push(`${job.id} is ${job.status}, but nobody is at work on it`);
    }
    if (!CLAIMABLE.includes(job.status) || job.dueMs + IDLE_MS > now) continue;
    const takers = accounts.filter((account) => job.account === null || job.account === account.name);
    const waits = takers.filter((account) => account.waitReason !== null);
    if (takers.length === 0) stuck.push(`${job.id} is ${job.status} for ${job.account}, an account that there is not`);
    const busyPhone = jobs.some((other) => DEVICE_BUSY.includes(other.status));
    if (waits.length < takers.length && !busyPhone) stuck.push(`${job.id} is ${job.status} and could be claimed, but nobody does`);
    for (const { name, waitReason, nextAtMs } of waits) {
      if (nextAtMs === null && TIMED.includes(waitReason ?? '')) stuck.push(`${job.id}: ${name} waits for ${waitReason} without a time`);
    }
  }
  return stuck;
}

const TIMED = ['cooldown', 'cap', 'window', 'gap'];
