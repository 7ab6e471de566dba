/** Accounts, jobs and failures with sensible values; a test names only what it is about. */

import type { Account, AccountPolicy } from '../../src/domain/account.ts';
import type { Failure } from '../../src/domain/failure.ts';
import type { Job } from '../../src/domain/job.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { MONDAY_NOON } from './virtual-clock.ts';

const ALWAYS: AccountPolicy['windows'] = [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }];

export function policy(overrides: Partial<AccountPolicy> = {}): AccountPolicy {
  return {
    app: 'demo',
    device: null,
    timezone: 'UTC',
    postsPerDay: 1,
    rolling24h: null,
    windows: ALWAYS,
    minGapMs: 0,
    jitterMs: 0,
    cooldown: { after: 3, stepMs: 600_000, maxMs: 3_600_000 },
    retry: DEFAULT_RETRY,
    ...overrides,
  };
}

export function account(overrides: Partial<Account> = {}): Account {
  return {
    name: 'alice',
    policy: policy(),
    state: 'active',
    reason: null,
    device: null,
    trouble: null,
    cooldownUntilMs: null,
    consecutiveFailures: 0,
    lastCommitMs: null,
    gapJitterMs: 0,
    ...overrides,
  };
}

export function job(overrides: Partial<Job> = {}): Job {
  return {
    id: 'job-1',
    videoPath: '/videos/one.mp4',
    sha256: 'a'.repeat(64),
    caption: 'a caption',
    pool: 'batch-1',
    account: null,
    device: null,
    postKey: null,
    repeat: 0,
    status: 'pending',
    dueMs: MONDAY_NOON,
    publishAtMs: null,
    priority: 0,
    attempts: 0,
    maxAttempts: null,
    deferrals: 0,
    crashes: 0,
    failuresByCategory: {},
    phase: null,
    failure: null,
    note: null,
    worker: null,
    claimToken: null,
    epoch: 0,
    leaseUntilMs: null,
    createdMs: MONDAY_NOON,
    claimedMs: null,
    committedMs: null,
    uncertainMs: null,
    finishedMs: null,
    lastAttemptMs: null,
    passNumber: 0,
    batch: 'batch-1',
    seq: 1,
    ...overrides,
  };
}

export function failure(overrides: Partial<Failure> = {}): Failure {
  return {
    scope: 'device',
    category: 'infrastructure',
    type: 'adb_timeout',
    phase: 'compose',
    retryable: true,
    message: 'adb did not answer',
    uncertain: false,
    evidence: null,
    ...overrides,
  };
}
