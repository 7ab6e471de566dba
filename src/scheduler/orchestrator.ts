/**
 * Drains the queue in passes: one sweep over all that can be tried, a pause,
 * and again while something can be retried (seed 001's RetryPassManager). A
 * daemon needs no passes; it has the retry policy alone.
 */
import { type PassResult, type PassStats, passHeader, passResult, passStats, passSummary } from '../domain/pass.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store, WaitReason } from '../stores/store.ts';
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
  /** Between two passes: phones that we started are stopped. */
  readonly cleanUp: () => Promise<void>;
  readonly stop: AbortSignal;
}

export interface DrainResult {
  readonly pass_count: number;
  readonly final_result: PassResult;
  readonly pass_history: readonly PassStats[];
}

/** These end by themselves within a drain; caps, windows, cooldowns and holds are listed, not waited for. */
const SHORT_WAITS: readonly (WaitReason | null)[] = [null, 'busy', 'gap'];

export class Orchestrator {
  readonly #parts: OrchestratorParts;

  constructor(parts: OrchestratorParts) {
    this.#parts = parts;
  }

  async drain(): Promise<DrainResult> {
    const { logger, maxPasses, stop } = this.#parts;
    const history: PassStats[] = [];
    let result: PassResult = 'all_complete';
    for (let pass = 1; pass <= maxPasses; pass++) {
      for (const line of passHeader(pass, maxPasses)) logger.info({ pass }, line);
      const ends = await this.#parts.sweep(pass);
      const retryAtMs = await this.#nextRetry();
      result = await this.#result(pass, retryAtMs !== null);
      if (ends.length > 0) {
        const stats = passStats(
          pass,
          ends.map(({ end, job }) => ({ end, category: job.failure?.category ?? null })),
          result,
        );
        history.push(stats);
        for (const line of passSummary(stats)) logger.info({ pass }, line);
        await this.#parts.store.setValue('pass_history', history);
      }
      if (result !== 'retryable_remaining' || retryAtMs === null || stop.aborted) break;
      if (!(await this.#pause(retryAtMs))) break;
    }
    const drained = { pass_count: history.length, final_result: result, pass_history: history };
    await this.#parts.store.setValue('final_result', result);
    await this.#parts.store.setValue('pass_history', history);
    return drained;
  }

  async #result(pass: number, retryable: boolean): Promise<PassResult> {
    const { store, clock, maxPasses } = this.#parts;
    const counts = await store.counts();
    const held = (await store.accounts(clock.now())).some((account) => account.state === 'hold');
    return passResult({ pass, maxPasses, retryable, leftOver: counts.failed + counts.uncertain + counts.retrying > 0 || held });
  }

  /** When the first retrying job falls due whose account may post; null = no retry is worth waiting for. */
  async #nextRetry(): Promise<number | null> {
    const { store, clock } = this.#parts;
    const retrying = await store.jobs({ statuses: ['retrying'] });
    if (retrying.length === 0) return null;
    const open = new Set(
      (await store.accounts(clock.now())).filter((account) => SHORT_WAITS.includes(account.waitReason)).map((account) => account.name),
    );
    const due = retrying.filter((job) => job.account !== null && open.has(job.account)).map((job) => job.dueMs);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** False when the scheduler stops meanwhile. */
  async #pause(retryAtMs: number): Promise<boolean> {
    const { clock, logger, delayMs, stop, progress } = this.#parts;
    await this.#parts.cleanUp();
    const waitMs = Math.max(delayMs, retryAtMs - clock.now());
    logger.info(`Waiting ${Math.ceil(waitMs / 1000)}s before next pass...`);
    progress.enter('orchestrator', 'pause between two passes', waitMs);
    const over = await clock.sleep(waitMs, 'pause between two passes', stop);
    progress.leave('orchestrator');
    return over;
  }
}
