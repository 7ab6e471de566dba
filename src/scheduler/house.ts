/** What the daemon opens at its start and closes at its end, in reverse order: adb, Appium, control socket, ticks. */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';

export interface Part {
  readonly name: string;
  readonly start?: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface HouseParts {
  readonly parts: readonly Part[];
  readonly clock: Clock;
  readonly logger: Logger;
}

const STOP_LIMIT_MS = 30_000;
/** All parts together; what the service manager grants for a stop must be more (service/systemd). */
export const CLOSE_LIMIT_MS = 45_000;
/** What is left for a part when those before it used up the time. */
const LEAST_MS = 1_000;

export class House {
  readonly #parts: HouseParts;
  readonly #opened: Part[] = [];

  constructor(parts: HouseParts) {
    this.#parts = parts;
  }

  /** @throws what a part's start throws; those before it, and it, are closed by `close` */
  async open(): Promise<void> {
    for (const part of this.#parts.parts) {
      this.#opened.push(part);
      await part.start?.();
    }
  }

  /** One that hangs or fails does not keep the others from being closed. */
  async close(): Promise<void> {
    const { clock, logger } = this.#parts;
    const until = clock.monotonic() + CLOSE_LIMIT_MS;
    for (const part of this.#opened.splice(0).reverse()) {
      const closed = new AbortController();
      const stopping = part
        .stop()
        .catch((error: unknown) => logger.error({ err: error }, `${part.name} could not be stopped`))
        .finally(() => closed.abort());
      const limitMs = Math.max(LEAST_MS, Math.min(STOP_LIMIT_MS, until - clock.monotonic()));
      const late = await clock.sleep(limitMs, `${part.name} stops`, closed.signal);
      if (late) logger.error(`${part.name} did not stop within ${limitMs / 1000} s`);
      else await stopping;
    }
  }
}
