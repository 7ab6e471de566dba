/**
 * What went wrong in one attempt, as a value.
 *
 * A Failure is data: it is stored with the job, shown to people and decides
 * whom the trouble is charged to. How foreign errors become a Failure is
 * `classify.ts`; what follows from one is `retry.ts` and `cooldown.ts`.
 */

/** Whose trouble it is. Only `account` ever puts an account on hold. */
export type FailureCategory = 'account' | 'infrastructure' | 'content' | 'configuration' | 'unknown';

/** What is charged: a failure that belongs to a phone or a server must not cool the account. */
export type FailureScope = 'account' | 'device' | 'server' | 'job' | 'configuration';

/** The steps of an attempt, in the order in which they happen. */
export const PHASES = [
  'prepare', // the phone and the server are made ready
  'push', // the video goes to the phone and is hashed there
  'open', // the app comes to the front
  'identify', // the signed-in handle is read, and switched when it must be
  'compose', // video picked, caption written
  'commit', // the last moment before the irreversible tap
  'confirm', // positive proof is awaited
  'cleanup',
] as const;
export type Phase = (typeof PHASES)[number];

/** Enough for a cloud phone that boots and a slow upload; `phases:` in scheduler.yaml overrides each. */
export const DEFAULT_PHASE_LIMITS_MS: Readonly<Record<Phase, number>> = {
  prepare: 240_000,
  push: 180_000,
  open: 120_000,
  identify: 90_000,
  compose: 180_000,
  commit: 60_000,
  confirm: 300_000,
  cleanup: 20_000,
};

export interface Failure {
  readonly scope: FailureScope;
  readonly category: FailureCategory;
  /** One of the words of the catalogue in failure-types.ts, such as `adb_timeout` or `captcha`; '' when unknown. */
  readonly type: string;
  readonly phase: Phase;
  /** Another attempt may go well by itself. Whether there is one is the retry policy's business. */
  readonly retryable: boolean;
  /** The raw error: at most its first 8,000 and last 2,000 characters, without secrets, and without our caption where that would mislead. */
  readonly message: string;
  /** True when the evidence says that the post may have gone out, or may still be uploading. */
  readonly uncertain: boolean;
  /** Folder below `evidence/` with screenshot, page source and log lines; null when nothing could be taken. */
  readonly evidence: string | null;
}

/** Where a person finds what was kept of it: a folder, from the home; null = nothing could be taken. */
export function evidencePath(failure: Failure | null): string | null {
  return failure === null || failure.evidence === null ? null : `evidence/${failure.evidence}`;
}
