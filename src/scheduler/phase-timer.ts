/**
 * The budget of each phase of an attempt. One signal for the whole attempt:
 * it aborts with PHASE_TIMEOUT when the phase in progress has used up its time.
 */
import type { Phase } from '../domain/failure.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';

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

export class PhaseTimer {
  readonly #clock: Clock;
  readonly #limitsMs: Readonly<Record<Phase, number>>;
  readonly #controller = new AbortController();
  #running = new AbortController();
  #current: Phase = 'prepare';

  constructor(clock: Clock, limitsMs: Readonly<Record<Phase, number>>) {
    this.#clock = clock;
    this.#limitsMs = limitsMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get current(): Phase {
    return this.#current;
  }

  /** Begins a phase with its full budget; the one before is over. */
  enter(phase: Phase): void {
    this.#running.abort();
    const running = new AbortController();
    this.#running = running;
    this.#current = phase;
    const limitMs = this.#limitsMs[phase];
    void this.#clock.sleep(limitMs, `limit of phase ${phase}`, running.signal).then((over) => {
      if (over) this.#controller.abort(new SchedulerError('PHASE_TIMEOUT', { details: { phase, limitMs } }));
    });
  }

  stop(): void {
    this.#running.abort();
  }
}
