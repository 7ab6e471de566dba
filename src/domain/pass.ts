/**
 * A drain's passes, as arithmetic: one pass is one sweep over all that can be
 * tried. What a pass did, whether another one makes sense, and the lines that
 * say so. The loop is the orchestrator's.
 */
import type { FailureCategory } from './failure.ts';

/** Why a drain goes on, or why it ended. */
export type PassResult = 'all_complete' | 'retryable_remaining' | 'only_non_retryable' | 'max_passes_reached';

/** What one pass did; the shape of `pass_history` in `--status --json`. */
export interface PassStats {
  /** From 1. */
  readonly pass: number;
  readonly jobs_processed: number;
  readonly success_count: number;
  readonly failed_account: number;
  readonly failed_infrastructure: number;
  readonly failed_unknown: number;
  readonly failed_content: number;
  readonly failed_configuration: number;
  readonly uncertain: number;
  readonly deferred: number;
  /** null while the pass runs. */
  readonly result: PassResult | null;
}

/** The end of one attempt, as a pass counts it. A retry counts as a failure of its category: the attempt failed. */
export type PassEvent =
  | { readonly type: 'success' | 'uncertain' | 'deferred' }
  | { readonly type: 'failed'; readonly category: FailureCategory };

export interface PassQuestion {
  /** Jobs that could be claimed now. */
  readonly claimable: number;
  /** Jobs that fall due by themselves: retrying ones, and uncertain ones whose next look is near. */
  readonly retrying: number;
  /** Jobs that nobody but a person can help: failed, held, uncertain. */
  readonly failedOrHeld: number;
  /** The pass that has just ended. */
  readonly pass: number;
  readonly maxPasses: number;
}

const RULE = '='.repeat(60);
const LINE = '-'.repeat(60);

export function newPass(pass: number): PassStats {
  return {
    pass,
    jobs_processed: 0,
    success_count: 0,
    failed_account: 0,
    failed_infrastructure: 0,
    failed_unknown: 0,
    failed_content: 0,
    failed_configuration: 0,
    uncertain: 0,
    deferred: 0,
    result: null,
  };
}

/** The pass after one more attempt ended. */
export function countAttempt(stats: PassStats, event: PassEvent): PassStats {
  const counted = { ...stats, jobs_processed: stats.jobs_processed + 1 };
  switch (event.type) {
    case 'success':
      return { ...counted, success_count: stats.success_count + 1 };
    case 'uncertain':
      return { ...counted, uncertain: stats.uncertain + 1 };
    case 'deferred':
      return { ...counted, deferred: stats.deferred + 1 };
    case 'failed': {
      const field = `failed_${event.category}` as const;
      return { ...counted, [field]: stats[field] + 1 };
    }
  }
}

/** Whether another pass makes sense. */
export function passResult({ claimable, retrying, failedOrHeld, pass, maxPasses }: PassQuestion): PassResult {
  if (claimable + retrying > 0) return pass >= maxPasses ? 'max_passes_reached' : 'retryable_remaining';
  return failedOrHeld > 0 ? 'only_non_retryable' : 'all_complete';
}

/** How long to wait before the next pass: the delay, or until the first job falls due, whichever is later; milliseconds. */
export function passDelayMs(delayMs: number, firstDueMs: number | null, now: number): number {
  return Math.max(delayMs, (firstDueMs ?? now) - now, 0);
}

export function passHeader(pass: number, maxPasses: number): readonly string[] {
  return [RULE, `=== PASS ${pass} OF ${maxPasses} ===`, RULE];
}

/** The seeds' block, with the categories that they did not know yet. */
export function passSummary(stats: PassStats, result: PassResult): readonly string[] {
  return [
    LINE,
    `PASS ${stats.pass} SUMMARY`,
    LINE,
    `  Jobs processed: ${stats.jobs_processed}`,
    `  Successes:      ${stats.success_count}`,
    `  Failed (account):        ${stats.failed_account}`,
    `  Failed (infrastructure): ${stats.failed_infrastructure}`,
    `  Failed (unknown):        ${stats.failed_unknown}`,
    `  Failed (content):        ${stats.failed_content}`,
    `  Failed (configuration):  ${stats.failed_configuration}`,
    `  Uncertain:               ${stats.uncertain}`,
    `  Deferred:                ${stats.deferred}`,
    `  Result: ${result}`,
    LINE,
  ];
}

/** `Waiting 30s before next pass...` */
export function waitingLine(ms: number): string {
  return `Waiting ${Math.ceil(ms / 1_000)}s before next pass...`;
}
