/** The daemon's own ticks, in UTC: they are about the machine, never about a post. */
import type { Clock } from '../runtime/clock.ts';
import { scheduleTick, stopTicks } from '../runtime/cron.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Part } from './house.ts';

/** Above this the snapshot is written at the end only: it is whole each time. */
const SNAPSHOT_JOBS = 10_000;

export interface TicksParts {
  readonly store: Store;
  readonly logger: Logger;
  readonly snapshot: () => Promise<void>;
  readonly clock: Pick<Clock, 'now'>;
  /** How long events are kept. */
  readonly eventsMs: number;
}

export function ticks({ store, logger, snapshot, clock, eventsMs }: TicksParts): Part {
  const total = async () => Object.values(await store.counts()).reduce((sum, n) => sum + n, 0);
  return {
    name: 'Ticks',
    start: async () => {
      scheduleTick('snapshot', '* * * * *', async () => ((await total()) < SNAPSHOT_JOBS ? snapshot() : undefined), logger);
      scheduleTick('housekeeping', '*/10 * * * *', () => store.maintain({ eventsBeforeMs: clock.now() - eventsMs }), logger);
    },
    stop: stopTicks,
  };
}
