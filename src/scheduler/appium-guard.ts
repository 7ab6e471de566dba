/**
 * Keeps Appium usable: a check before every job, and a restart when the checks
 * say so. One guard for all workers, so that one dead server is counted once
 * and restarted once. When to restart is decided by domain/appium-health.ts.
 */
import type { AppiumServer } from '../appium/appium.ts';
import { type AppiumHealthState, type AppiumLimits, HEALTHY, observe } from '../domain/appium-health.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

export interface AppiumGuardParts {
  readonly server: AppiumServer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: AppiumLimits;
}

/** For the stall detector: one check, with the restart and the pause that may follow from it. */
export const READY_LIMIT_MS = 600_000;

export class AppiumGuard {
  readonly #parts: AppiumGuardParts;
  #state: AppiumHealthState = HEALTHY;
  #started = false;
  #checking: Promise<boolean> | null = null;
  readonly #looked = Promise.withResolvers<void>();
  #problem: string | null = 'not started yet';

  constructor(parts: AppiumGuardParts) {
    this.#parts = parts;
  }

  /** For `--status`: the last check's answer. */
  status(): { readonly url: string; readonly healthy: boolean; readonly problem: string | null } {
    return { url: this.#parts.server.url, healthy: this.#problem === null, problem: this.#problem };
  }

  /**
   * Resolves true when Appium is ready for a session, false when `stop` aborted first: it may be down for days. Workers
   * that ask at the same time share one answer. `alive` is called before each check, whose limit is its own.
   */
  async ready(stop: AbortSignal, alive: () => void = () => {}): Promise<boolean> {
    while (!stop.aborted) {
      alive();
      this.#checking ??= this.#round(stop).finally(() => {
        this.#checking = null;
      });
      if (await this.#checking) return true;
    }
    return false;
  }

  /** Brings Appium up whether there is work or not; resolves when a first check was made, whatever it said, or `stop` aborted. */
  async firstCheck(stop: AbortSignal): Promise<void> {
    await Promise.race([this.#looked.promise, this.ready(stop)]);
  }

  /** One check with what follows from it; true = healthy. */
  async #round(stop: AbortSignal): Promise<boolean> {
    const { server, clock, logger, limits } = this.#parts;
    if (!this.#started) {
      this.#started = true;
      await this.#attempt(() => server.start(stop), stop);
    }
    const health = await server.check(stop);
    if (stop.aborted) return false;
    this.#looked.resolve();
    this.#problem = health.healthy ? null : (health.problem ?? 'it does not answer');
    const seen = observe(this.#state, health, clock.now(), limits);
    this.#state = seen.state;
    for (const line of seen.lines) logger.warn({ url: health.url, problem: health.problem }, line);
    if (seen.action === 'go') return true;
    if (seen.waitMs > 0) await clock.sleep(seen.waitMs, 'Appium is down', stop);
    if (seen.action === 'restart' && !stop.aborted) await this.#attempt(() => server.restart(stop), stop);
    return false;
  }

  /** A start that fails is not the end: the next check counts it. */
  async #attempt(act: () => Promise<void>, stop: AbortSignal): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!stop.aborted) this.#parts.logger.error({ err: error }, '[APPIUM] Start failed');
    }
  }
}
