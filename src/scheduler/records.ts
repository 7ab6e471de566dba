/** Writes down what we start outside this process, before it is relied on, so that a later life can end it after a SIGKILL (reaper.ts). */
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

interface RecordsParts {
  readonly store: Pick<Store, 'recordResource' | 'forgetResource'>;
  readonly clock: Clock;
  readonly epoch: number;
}

/**
 * @param what `appium` or `adb`, for people
 * @param afterEnd done when the process is gone, such as taking back what it left elsewhere
 */
export function processRecords({ store, clock, epoch }: RecordsParts, what: string, afterEnd?: () => Promise<void>): ProcessRecords {
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

/** The local ports by which Appium's driver reaches phones: each is a forward in the adb server, which may outlive us. */
export function forwardRecords({ store, clock, epoch }: RecordsParts): (serial: string, port: number) => Promise<void> {
  return (serial, port) =>
    store.recordResource({ id: `forward:${serial}:${port}`, kind: 'forward', details: { serial, port }, epoch, startedMs: clock.now() });
}
