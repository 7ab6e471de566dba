/** Writes down which processes we start, before they are relied on, so that a later life can end them after a SIGKILL. */
import type { Clock } from '../runtime/clock.ts';
import type { Store } from '../stores/store.ts';

interface Started {
  readonly pid: number;
  readonly startTicks: number;
  readonly port: number;
}

export interface ProcessRecords {
  onStarted(started: Started): Promise<void>;
  onEnded(ended: Started): Promise<void>;
}

export interface ProcessRecordsParts {
  readonly store: Pick<Store, 'recordResource' | 'forgetResource'>;
  readonly clock: Clock;
  readonly epoch: number;
}

/**
 * @param what `appium` or `adb`, for people
 * @param afterEnd done when the process is gone, such as taking back what it left elsewhere
 */
export function processRecords({ store, clock, epoch }: ProcessRecordsParts, what: string, afterEnd?: () => Promise<void>): ProcessRecords {
  const idOf = ({ pid, startTicks }: Started) => `process:${what}:${pid}:${startTicks}`;
  return {
    onStarted: (started) =>
      store.recordResource({ id: idOf(started), kind: 'process', details: { what, ...started }, epoch, startedMs: clock.now() }),
    onEnded: async (ended) => {
      await store.forgetResource(idOf(ended));
      await afterEnd?.();
    },
  };
}
