/**
 * The budget of each phase of an attempt, and of the attempt as a whole. One
 * signal: it aborts with PHASE_TIMEOUT when the phase in progress has used up
 * its time, with ATTEMPT_TIMEOUT when a publisher that goes from phase to phase
 * and back has used up the time of them all.
 */
import type { Phase } from '../domain/failure.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';

/** An attempt may take as long as each phase once; also the publisher's letting go is in it. */
export function attemptLimitMs(limitsMs: Readonly<Record<Phase, number>>): number {
  return Object.values(limitsMs).reduce((sum, limitMs) => sum + limitMs, 0);
}

/** Records of an attempt's end that wait for a disk. */
const RECORDS_MS = 120_000;

/** When an attempt hangs, for the stall detector: a publisher that is broken off at the limit has to let go, and the end to be recorded. */
export function stalledAfterMs(limitsMs: Readonly<Record<Phase, number>>): number {
  return attemptLimitMs(limitsMs) + limitsMs.cleanup + RECORDS_MS;
}

export class PhaseTimer {
  readonly #clock: Clock;
  readonly #limitsMs: Readonly<Record<Phase, number>>;
  readonly #controller = new AbortController();
  readonly #over = new AbortController();
  #running = new AbortController();
  #current: Phase = 'prepare';

  constructor(clock: Clock, limitsMs: Readonly<Record<Phase, number>>) {
    this.#clock = clock;
    this.#limitsMs = limitsMs;
    const limitMs = attemptLimitMs(limitsMs);
    this.#limit(limitMs, 'limit of the attempt', this.#over.signal, () => new SchedulerError('ATTEMPT_TIMEOUT', { details: { limitMs } }));
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
    const error = () => new SchedulerError('PHASE_TIMEOUT', { details: { phase, limitMs } });
    this.#limit(limitMs, `limit of phase ${phase}`, running.signal, error);
  }

  stop(): void {
    this.#running.abort();
    this.#over.abort();
  }

  #limit(limitMs: number, reason: string, until: AbortSignal, error: () => SchedulerError): void {
    void this.#clock.sleep(limitMs, reason, until).then((over) => {
      if (over) this.#controller.abort(error());
    });
  }
}
