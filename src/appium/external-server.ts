/**
 * An Appium server that is not ours (`appium: {url: …}`): looked at and waited
 * for, never started, never ended.
 */
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AppiumHealth, AppiumServer } from './appium.ts';
import { askStatus } from './status-probe.ts';

const ASK_EVERY_MS = 1_000;
const WAIT_LIMIT_MS = 60_000;

export interface ExternalAppiumOptions {
  readonly url: string;
  readonly healthTimeoutMs: number;
  readonly clock: Clock;
  /** How long `start` and `restart` wait for it, milliseconds. */
  readonly waitLimitMs?: number;
}

export class ExternalAppium implements AppiumServer {
  readonly url: string;
  readonly #options: ExternalAppiumOptions;

  constructor(options: ExternalAppiumOptions) {
    this.url = options.url;
    this.#options = options;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock, waitLimitMs = WAIT_LIMIT_MS } = this.#options;
    const until = clock.monotonic() + waitLimitMs;
    for (;;) {
      signal.throwIfAborted();
      const { healthy, problem } = await this.check(signal);
      if (healthy) return;
      signal.throwIfAborted();
      if (clock.monotonic() >= until) throw new SchedulerError('APPIUM_DOWN', { details: { url: this.url, text: problem } });
      await clock.sleep(ASK_EVERY_MS, 'appium', signal);
    }
  }

  async check(signal: AbortSignal): Promise<AppiumHealth> {
    const { healthTimeoutMs, clock } = this.#options;
    try {
      const { ready, problem, refused } = await askStatus(this.url, healthTimeoutMs, clock, signal);
      return { healthy: ready, url: this.url, problem, gone: refused };
    } catch {
      return { healthy: false, url: this.url, problem: 'the check was given up', gone: false };
    }
  }

  async restart(signal: AbortSignal): Promise<void> {
    await this.start(signal);
  }

  async stop(): Promise<void> {
    // Not ours to end.
  }
}
