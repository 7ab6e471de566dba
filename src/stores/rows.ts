/**
 * Rows of the database and the values of the domain, there and back. Knows the
 * columns of migrations/, and no rule.
 */
import type { Account, AccountPolicy, AccountState } from '../domain/account.ts';
import type { EventRecord, EventType } from '../domain/event.ts';
import type { Failure, FailureCategory, Phase } from '../domain/failure.ts';
import type { Job, JobStatus } from '../domain/job.ts';
import { DEFAULT_RETRY } from '../domain/retry.ts';
import type { WaitReason } from '../domain/select.ts';
import { keyTail } from './key-tail.ts';

export interface JobRow {
  readonly seq: number;
  readonly id: string;
  readonly status: JobStatus;
  readonly account: string | null;
  readonly device: string | null;
  readonly post_key: string | null;
  readonly due_ms: number;
  readonly priority: number;
  readonly pool: number | null;
  readonly lane: number;
  readonly crashes: number;
  readonly attempts: number;
  readonly max_attempts: number | null;
  readonly retry: string | null;
  readonly deferrals: number;
  readonly deferred_since_ms: number | null;
  readonly phase: Phase | null;
  readonly worker: string | null;
  readonly claim_token: string | null;
  readonly epoch: number;
  readonly lease_until_ms: number | null;
  readonly claimed_ms: number | null;
  readonly committed_ms: number | null;
  readonly uncertain_ms: number | null;
  readonly finished_ms: number | null;
  readonly last_attempt_ms: number | null;
  readonly pass_number: number;
  readonly note: string | null;
  readonly failures: string | null;
  readonly failure: string | null;
  readonly sha256: string | null;
  readonly repeat: number;
  readonly publish_at_ms: number | null;
  readonly created_ms: number;
  readonly batch: string;
  readonly video_path: string;
  readonly caption: string;
}

export interface AccountRow {
  readonly rank: number;
  readonly name: string;
  readonly policy: string | null;
  readonly state: AccountState;
  readonly reason: string | null;
  readonly device: string | null;
  readonly trouble: string | null;
  readonly cooldown_until_ms: number | null;
  readonly consecutive_failures: number;
  readonly last_commit_ms: number | null;
  readonly gap_jitter_ms: number;
  readonly ready: 0 | 1;
  readonly reconsider_at: number | null;
  readonly wait_reason: WaitReason | null;
  readonly next_due: number | null;
}

export interface EventRow {
  readonly seq: number;
  readonly at_ms: number;
  readonly type: EventType;
  readonly epoch: number;
  readonly job: string | null;
  readonly account: string | null;
  readonly device: string | null;
  readonly who: string;
  readonly phase: Phase | null;
  readonly category: FailureCategory | null;
  readonly details: string | null;
}

const NO_FAILURES: Job['failuresByCategory'] = Object.freeze({});
const NO_DETAILS: EventRecord['details'] = Object.freeze({});

/** @param pool name of the pool that `row.pool` numbers */
export function toJob(row: JobRow, pool: string | null): Job {
  return {
    id: row.id,
    videoPath: row.video_path,
    sha256: row.sha256,
    caption: row.caption,
    pool,
    account: row.account,
    device: row.device,
    postKey: row.post_key,
    repeat: row.repeat,
    status: row.status,
    dueMs: row.due_ms,
    publishAtMs: row.publish_at_ms,
    priority: row.priority,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    retry: row.retry === null ? null : JSON.parse(row.retry),
    deferrals: row.deferrals,
    deferredSinceMs: row.deferred_since_ms,
    crashes: row.crashes,
    failuresByCategory: row.failures === null ? NO_FAILURES : JSON.parse(row.failures),
    phase: row.phase,
    failure: row.failure === null ? null : (JSON.parse(row.failure) as Failure),
    note: row.note,
    worker: row.worker,
    claimToken: row.claim_token,
    epoch: row.epoch,
    leaseUntilMs: row.lease_until_ms,
    createdMs: row.created_ms,
    claimedMs: row.claimed_ms,
    committedMs: row.committed_ms,
    uncertainMs: row.uncertain_ms,
    finishedMs: row.finished_ms,
    lastAttemptMs: row.last_attempt_ms,
    passNumber: row.pass_number,
    batch: row.batch,
    seq: row.seq,
  };
}

/** The columns that a transition may change, in the order of `changingValues`. */
export const CHANGING_COLUMNS = [
  'status',
  'account',
  'device',
  'post_key',
  'due_ms',
  'publish_at_ms',
  'lane',
  'crashes',
  'attempts',
  'max_attempts',
  'deferrals',
  'deferred_since_ms',
  'phase',
  'worker',
  'claim_token',
  'epoch',
  'lease_until_ms',
  'claimed_ms',
  'committed_ms',
  'uncertain_ms',
  'finished_ms',
  'last_attempt_ms',
  'pass_number',
  'note',
  'failures',
  'failure',
] as const satisfies readonly (keyof JobRow)[];

type Value = string | number | null;

export function changingValues(job: Job, lane: number): Value[] {
  return [
    job.status,
    job.account,
    job.device,
    job.postKey,
    job.dueMs,
    job.publishAtMs,
    lane,
    job.crashes,
    job.attempts,
    job.maxAttempts,
    job.deferrals,
    job.deferredSinceMs ?? null,
    job.phase,
    job.worker,
    job.claimToken,
    job.epoch,
    job.leaseUntilMs,
    job.claimedMs,
    job.committedMs,
    job.uncertainMs,
    job.finishedMs,
    job.lastAttemptMs,
    job.passNumber,
    job.note,
    jsonUnlessEmpty(job.failuresByCategory),
    job.failure === null ? null : JSON.stringify(job.failure),
  ];
}

/** The columns that never change after a job was added, in the order of `lastingValues`. */
export const LASTING_COLUMNS = [
  'seq',
  'id',
  'priority',
  'pool',
  'key_tail',
  'sha256',
  'repeat',
  'retry',
  'created_ms',
  'batch',
  'video_path',
  'caption',
] as const;

export function lastingValues(job: Job, pool: number | null): Value[] {
  return [
    job.seq,
    job.id,
    job.priority,
    pool,
    keyTail(job),
    job.sha256,
    job.repeat,
    job.retry == null ? null : JSON.stringify(job.retry),
    job.createdMs,
    job.batch,
    job.videoPath,
    job.caption,
  ];
}

/** Policies are parsed once per distinct text: most accounts share one, and every claim looks. */
const policies = new Map<string, AccountPolicy>();

function parsedPolicy(text: string): AccountPolicy {
  let policy = policies.get(text);
  if (policy === undefined) {
    const written = JSON.parse(text) as AccountPolicy;
    // An older program left this to the whole config; the next start writes it.
    policy = { ...written, retry: written.retry ?? DEFAULT_RETRY };
    if (policies.size > 10_000) policies.clear();
    policies.set(text, policy);
  }
  return policy;
}

/** null for a name without a policy: mentioned by an import or a job, but not added yet. */
export function toAccount(row: AccountRow): Account | null {
  if (row.policy === null) return null;
  return {
    name: row.name,
    policy: parsedPolicy(row.policy),
    state: row.state,
    reason: row.reason,
    device: row.device,
    trouble: row.trouble,
    cooldownUntilMs: row.cooldown_until_ms,
    consecutiveFailures: row.consecutive_failures,
    lastCommitMs: row.last_commit_ms,
    gapJitterMs: row.gap_jitter_ms,
  };
}

export function toEvent(row: EventRow): EventRecord {
  return {
    seq: row.seq,
    atMs: row.at_ms,
    type: row.type,
    epoch: row.epoch,
    job: row.job,
    account: row.account,
    device: row.device,
    who: row.who,
    phase: row.phase,
    category: row.category,
    details: row.details === null ? NO_DETAILS : JSON.parse(row.details),
  };
}

export function jsonUnlessEmpty(value: Readonly<Record<string, unknown>>): string | null {
  for (const _ in value) return JSON.stringify(value);
  return null;
}
