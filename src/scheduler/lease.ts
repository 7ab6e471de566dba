/**
 * A worker's trust in its own claim: renewed often, and believed for less time
 * than the store grants it.
 *
 * Trust is counted on two clocks: monotonic time, from the *start* of the
 * renewing call, so that a slow answer never extends it; and wall time, up to
 * the very instant that the store wrote down, because others go by that one.
 * Monotonic time stands still while a machine sleeps, wall time can be set: each
 * covers for the other (the trust window of River's leader election, with the
 * sleep detection added).
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Claim, Store } from '../stores/store.ts';

/** How long a claim is granted; renewed after a third of it. */
export const LEASE_MS = 60_000;
/** Trust ends this much before the lease does. */
const MARGIN_MS = 5_000;

export interface LeaseParts {
  readonly store: Pick<Store, 'renew'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Lease {
  readonly #parts: LeaseParts;
  readonly #claim: Claim;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();
  #trustedMonotonic: number;
  #trustedWall: number;
  #renewing: Promise<void> | null = null;

  /** @param granted monotonic time before the claim was asked for; wall time until which the store granted it */
  constructor(parts: LeaseParts, claim: Claim, granted: { readonly askedMonotonic: number; readonly untilMs: number }) {
    this.#parts = parts;
    this.#claim = claim;
    this.#trustedMonotonic = granted.askedMonotonic + LEASE_MS - MARGIN_MS;
    this.#trustedWall = granted.untilMs - MARGIN_MS;
  }

  /** Aborts when the claim is not ours any more, or can no longer be trusted to be. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Renews until `end()`. */
  start(): void {
    this.#renewing ??= this.#renewLoop();
  }

  /** Milliseconds for which the claim can be trusted without asking again; negative when it cannot. */
  remainingMs(): number {
    const { clock } = this.#parts;
    return Math.min(this.#trustedMonotonic - clock.monotonic(), this.#trustedWall - clock.now());
  }

  /**
   * Asks the store now. False = the claim is lost.
   *
   * @throws what the store throws: the trust stays as it was, which is no ground to act on. The renewal may have been written while the wall
   *   clock was set back, so that the claim ends before the one that is trusted.
   */
  async renew(): Promise<boolean> {
    const { clock, store } = this.#parts;
    const askedMonotonic = clock.monotonic();
    const untilMs = await store.renew(this.#claim, LEASE_MS);
    if (untilMs === null) {
      this.#lost.abort(new Error(`the claim on ${this.#claim.jobId} is lost`));
      return false;
    }
    this.#trustedMonotonic = askedMonotonic + LEASE_MS - MARGIN_MS;
    this.#trustedWall = untilMs - MARGIN_MS;
    return true;
  }

  end(): void {
    this.#ended.abort();
  }

  async #renewLoop(): Promise<void> {
    const { clock, logger } = this.#parts;
    while (await clock.sleep(LEASE_MS / 3, 'next renewal of the lease', this.#ended.signal)) {
      const ours = await this.renew().catch((error: unknown) => {
        logger.warn({ err: error, job: this.#claim.jobId }, 'The lease could not be renewed');
        return true;
      });
      if (!ours || this.remainingMs() <= 0) {
        this.#lost.abort(new Error(`the claim on ${this.#claim.jobId} cannot be trusted any more`));
        return;
      }
    }
  }
}
