/**
 * Drains the queue in passes: one sweep over all that can be tried, a pause,
 * and again while something can be retried (seed 001's RetryPassManager). A
 * daemon needs no passes; it has the retry policy alone.
 */
import {
  countAttempt,
  newPass,
  type PassEvent,
  type PassResult,
  type PassStats,
  passDelayMs,
  passHeader,
  passResult,
  passSummary,
  waitingLine,
} from '../domain/pass.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { JobCounts, Store, WaitReason } from '../stores/store.ts';
import type { Ended } from './outcome.ts';
import type { Progress } from './progress.ts';

export interface OrchestratorParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly maxPasses: number;
  readonly delayMs: number;
  /** Tries every job that can be claimed, with all workers; ends when none can. */
  readonly sweep: (passNumber: number) => Promise<readonly Ended[]>;
  /** Between two passes: phones that we started are stopped, and what an earlier life left is ended. */
  readonly cleanUp: () => Promise<void>;
  /** Knows when uncertain jobs are looked at next; the looks themselves go on beside the passes. */
  readonly verifier: { nextLookMs(): Promise<number | null> };
  readonly stop: AbortSignal;
}

export interface DrainResult {
  readonly pass_count: number;
  readonly final_result: PassResult;
  readonly pass_history: readonly PassStats[];
}

/** A look that is due within this is waited for. */
const NEAR_LOOK_MS = 600_000;
/** While a look is under way it is asked this often whether it is over. */
const LOOK_POLL_MS = 1_000;
const LOOK_LIMIT_MS = 2 * NEAR_LOOK_MS;
/** Phones are stopped side by side, each within limits of its own. */
const CLEAN_UP_LIMIT_MS = 600_000;

/** These end by themselves within a drain; caps, windows, cooldowns and holds are listed, not waited for. */
const SHORT_WAITS: readonly (WaitReason | null)[] = [null, 'busy', 'gap'];

export class Orchestrator {
  readonly #parts: OrchestratorParts;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
  }

  async drain(): Promise<DrainResult> {
    const { logger, maxPasses, store, stop } = this.#parts;
    const history: PassStats[] = [];
    let result: PassResult = 'all_complete';
    for (let pass = 1; ; pass++) {
      for (const line of passHeader(pass, maxPasses)) logger.info({ pass }, line);
      const ends = [...(await this.#parts.sweep(pass))];
      // A look may free an account whose other videos then can be claimed: still this pass.
      while (await this.#waitForLooks()) ends.push(...(await this.#parts.sweep(pass)));
      const retries = await this.#retries();
      const counts = await store.counts();
      // A drain that was stopped has not come to the end of its queue.
      const claimable = stop.aborted ? counts.pending : 0;
      result = passResult({ pass, maxPasses, claimable, retrying: retries.length, failedOrHeld: await this.#failedOrHeld(counts) });
      if (ends.length > 0) {
        const stats = { ...ends.map(toPassEvent).reduce(countAttempt, newPass(pass)), result };
        history.push(stats);
        for (const line of passSummary(stats, result)) logger.info({ pass }, line);
        await store.setValue('pass_history', history);
      }
      if (result !== 'retryable_remaining' || stop.aborted) break;
      if (!(await this.#pause(Math.min(...retries)))) break;
    }
    await store.setValue('final_result', result);
    await store.setValue('pass_history', history);
    return { pass_count: history.length, final_result: result, pass_history: history };
  }

  async #failedOrHeld(counts: JobCounts): Promise<number> {
    const { store, clock } = this.#parts;
    const held = (await store.accounts(clock.now())).filter((account) => account.state === 'hold').length;
    return counts.failed + counts.uncertain + counts.retrying + held;
  }

  /** Waits while looks at uncertain jobs are due soon: they may bring a job back, or free its account. False when there was nothing to wait for. */
  async #waitForLooks(): Promise<boolean> {
    const { clock, stop, progress, verifier } = this.#parts;
    for (let waited = false; ; waited = true) {
      const next = await verifier.nextLookMs();
      const waitMs = next === null ? Number.POSITIVE_INFINITY : next - clock.now();
      if (waitMs > NEAR_LOOK_MS || stop.aborted) {
        progress.leave('orchestrator');
        return waited && !stop.aborted;
      }
      progress.enter('orchestrator', 'a look at an uncertain job', LOOK_LIMIT_MS);
      await clock.sleep(Math.max(waitMs, LOOK_POLL_MS), 'a look at an uncertain job', stop);
    }
  }

  /** When each retrying job falls due whose account may post; one that waits for a cap or a cooldown is not waited for. */
  async #retries(): Promise<readonly number[]> {
    const { store, clock } = this.#parts;
    const retrying = await store.jobs({ statuses: ['retrying'] });
    if (retrying.length === 0) return [];
    const standings = await store.accounts(clock.now());
    const open = new Set(standings.filter(({ waitReason }) => SHORT_WAITS.includes(waitReason)).map(({ name }) => name));
    return retrying.filter((job) => job.account !== null && open.has(job.account)).map((job) => job.dueMs);
  }

  /** False when the scheduler stops meanwhile. */
  async #pause(retryAtMs: number): Promise<boolean> {
    const { clock, logger, delayMs, stop, progress } = this.#parts;
    progress.enter('orchestrator', 'cleaning up between two passes', CLEAN_UP_LIMIT_MS);
    await this.#parts.cleanUp();
    const waitMs = passDelayMs(delayMs, retryAtMs, clock.now());
    logger.info(waitingLine(waitMs));
    progress.enter('orchestrator', 'pause between two passes', waitMs);
    const over = await clock.sleep(waitMs, 'pause between two passes', stop);
    progress.leave('orchestrator');
    return over;
  }
}

function toPassEvent({ end, job }: Ended): PassEvent {
  switch (end) {
    case 'published':
      return { type: 'success' };
    case 'uncertain':
      return { type: 'uncertain' };
    case 'deferred':
    case 'lost':
    case 'skipped':
      return { type: 'deferred' };
    case 'retrying':
    case 'failed':
      return { type: 'failed', category: job.failure?.category ?? 'unknown' };
  }
}
