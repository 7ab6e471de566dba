/**
 * The daemon: one per home, under its lock. Brings home what an earlier life
 * left, lets the crew work until it is told to stop, and closes what it opened
 * in reverse order. Knows no concrete class: compose.ts hands it all it needs.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { PostedEntry, Store } from '../stores/store.ts';
import { Crew, type CrewParts } from './crew.ts';
import { House, type Part } from './house.ts';
import type { LiveBoard } from './live-board.ts';
import { type DrainResult, Orchestrator } from './orchestrator.ts';
import type { Phones } from './phones.ts';
import type { Reaper } from './reaper.ts';
import type { Rescuer } from './rescuer.ts';
import type { Verifier } from './verifier.ts';

export interface PostingSchedulerParts extends Omit<CrewParts, 'workers'> {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly phones: Phones;
  readonly reaper: Reaper;
  readonly rescuer: Rescuer;
  readonly verifier: Verifier;
  readonly board: LiveBoard;
  /** The workers for so many reachable phones. */
  readonly hire: (phones: number) => Promise<CrewParts['workers']>;
  /** Opened in this order (adb, Appium, control socket, cron ticks), closed in reverse. */
  readonly parts: readonly Part[];
  readonly bootId: string | null;
  /** What posted.jsonl knows of and the store does not. */
  readonly missingPosts: () => Promise<readonly PostedEntry[]>;
  readonly passes: { readonly maxPasses: number; readonly delayMs: number };
  /** Aborts at the hard end. */
  readonly hard: AbortSignal;
}

/** Phones and expired leases are looked at this often. */
const ROUNDS_MS = 30_000;
/** Of a round with its wait: providers have limits of their own for each phone. */
const ROUND_LIMIT_MS = 300_000;

export class PostingScheduler {
  readonly #parts: PostingSchedulerParts;
  readonly #house: House;

  constructor(parts: PostingSchedulerParts) {
    this.#parts = parts;
    this.#house = new House(parts);
  }

  /** Until it is told to stop. */
  async run(): Promise<void> {
    await this.#during((crew) => crew.work());
  }

  /** Until nothing more can be done now. */
  async drain(): Promise<DrainResult> {
    const { passes, phones, reaper, hard } = this.#parts;
    const cleanUp = async () => {
      await phones.stopStarted(hard);
      await reaper.reap();
    };
    return this.#during((crew) => new Orchestrator({ ...this.#parts, ...passes, cleanUp, sweep: (pass) => crew.sweep(pass) }).drain());
  }

  async #during<T>(work: (crew: Crew) => Promise<T>): Promise<T> {
    const { board, logger, phones, verifier, hard } = this.#parts;
    const ended = new AbortController();
    let besides: Promise<unknown> = Promise.resolve();
    try {
      const crew = await this.#begin();
      besides = Promise.all([board.run(ended.signal), verifier.run(ended.signal), this.#rounds(ended.signal)]);
      return await work(crew);
    } finally {
      ended.abort();
      await besides;
      await phones.close(hard);
      await this.#house.close();
      await board.close();
      logger.info('Scheduler stopped');
    }
  }

  async #begin(): Promise<Crew> {
    const { store, reaper, rescuer, phones, bootId, missingPosts, logger, stop, hire, progress } = this.#parts;
    progress.enter('scheduler', 'starting', ROUND_LIMIT_MS);
    const before = await store.value('boot_id');
    await rescuer.rescue((before ?? bootId) === bootId);
    await rescuer.reconcile(await missingPosts());
    await store.setValue('boot_id', bootId);
    await this.#house.open();
    await reaper.reap();
    await phones.refresh(stop);
    const workers = await hire(phones.list().filter(({ state }) => state !== 'offline' && state !== 'expired').length);
    logger.info({ workers: workers.length }, 'Scheduler started');
    progress.leave('scheduler');
    return new Crew({ ...this.#parts, workers });
  }

  /** What a long life needs besides work: phones that came or went, leases that ran out. */
  async #rounds(stop: AbortSignal): Promise<void> {
    const { clock, phones, rescuer, logger, wake, progress } = this.#parts;
    progress.enter('rounds', 'waiting', ROUND_LIMIT_MS);
    while (await clock.sleep(ROUNDS_MS, 'next round of the house', stop)) {
      progress.enter('rounds', 'a round of the house', ROUND_LIMIT_MS);
      try {
        await phones.refresh(stop);
        if ((await rescuer.rescue(true)) > 0) wake.notify();
      } catch (error) {
        if (!stop.aborted) logger.error({ err: error }, 'A round of the house failed');
      }
    }
    progress.leave('rounds');
  }
}
