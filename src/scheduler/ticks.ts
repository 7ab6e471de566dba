/** The daemon's own ticks, in UTC: they are about the machine, never about a post. */
import type { Clock } from '../runtime/clock.ts';
import { scheduleTick, stopTicks } from '../runtime/cron.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Part } from './house.ts';
import type { Progress } from './progress.ts';

/** Above this the snapshot is written at the end only: it is whole each time. */
const SNAPSHOT_JOBS = 10_000;
/** Of any of them; removing much old evidence from a slow disk takes longest. */
export const TICK_LIMIT_MS = 600_000;

export interface TicksParts {
  readonly store: Store;
  readonly logger: Logger;
  readonly snapshot: () => Promise<void>;
  /** Tries again to end what an earlier life left and could not be ended at the start. */
  readonly reap: () => Promise<void>;
  readonly clock: Pick<Clock, 'now'>;
  readonly progress: Progress;
  /** How long events are kept. */
  readonly eventsMs: number;
}

export function ticks(parts: TicksParts): Part {
  const { store, logger, snapshot, progress } = parts;
  const total = async () => Object.values(await store.counts()).reduce((sum, n) => sum + n, 0);
  const tick = (name: string, expression: string, work: () => Promise<void>) =>
    scheduleTick(name, expression, () => progress.during(`tick ${name}`, TICK_LIMIT_MS, work), logger);
  return {
    name: 'Ticks',
    start: async () => {
      tick('snapshot', '* * * * *', async () => ((await total()) < SNAPSHOT_JOBS ? snapshot() : undefined));
      tick('sweep', '30 * * * *', parts.reap);
      tick('housekeeping', '*/10 * * * *', () => housekeep(parts));
    },
    stop: stopTicks,
  };
}

/** Forgets what happened too long ago, and folds the write-ahead log into the database. */
export function housekeep({ store, clock, eventsMs }: Pick<TicksParts, 'store' | 'clock' | 'eventsMs'>): Promise<void> {
  return store.maintain({ eventsBeforeMs: clock.now() - eventsMs });
}
