/**
 * The budget of each phase of an attempt. One signal for the whole attempt:
 * it aborts with PHASE_TIMEOUT when the phase in progress has used up its time.
 */
import type { Phase } from '../domain/failure.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';

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
