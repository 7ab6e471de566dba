/**
 * `--force-kill-ports` and `--stop-all`: ends what an earlier life of this home
 * left running. Only what is provably ours: a process that was written down, by
 * pid and start time, or the listener on one of our ports that carries this
 * home's mark in its environment. Everything else is named and left alone.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { carriesMarker, endTree, listenerPid, startTicks } from '../runtime/processes.ts';
import type { Resource, Store } from '../stores/store.ts';

export interface LeftoversParts {
  readonly store: Pick<Store, 'resources' | 'forgetResource'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: number;
  /** Marks, as `SCHED_INSTANCE`, every process that this home starts. */
  readonly instance: string;
  /** The first port that our Appium takes; the next ones when it is not free. */
  readonly basePort: number;
  /** A daemon runs here: what carries the mark is its own and at work. */
  readonly isDaemon: boolean;
}

const GRACE_MS = 5_000;
/** As many ports as appium/ports.ts tries. */
const PORTS = 20;

/** Answers one line for each thing that was found. */
export async function endLeftovers(parts: LeftoversParts): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const resource of await parts.store.resources()) {
    if (resource.epoch < parts.epoch && resource.kind === 'process') lines.push(...(await endRecorded(resource, parts)));
  }
  for (let port = parts.basePort; port < parts.basePort + PORTS; port += 1) lines.push(...(await endListener(port, parts)));
  for (const line of lines) parts.logger.warn({}, line);
  return lines;
}

async function endRecorded({ id, details }: Resource, { store, clock, instance }: LeftoversParts): Promise<readonly string[]> {
  const { pid, startTicks: ticks, what } = details;
  if (typeof pid !== 'number' || typeof ticks !== 'number') return [];
  const result = await endTree({ pid, startTicks: ticks }, { graceMs: GRACE_MS, clock, marker: markOf(instance) });
  await store.forgetResource(id);
  return result === 'ended' ? [`Ended ${what} (PID ${pid}) that an earlier life left behind.`] : [];
}

async function endListener(port: number, { clock, instance, basePort, isDaemon }: LeftoversParts): Promise<readonly string[]> {
  const pid = await listenerPid(port);
  if (pid === null) return [];
  if (!(await carriesMarker(pid, markOf(instance)))) {
    const foreign = `Port ${port} is held by PID ${pid}, which is not ours: it is left alone, and the next free port is used.`;
    return port === basePort ? [foreign] : [];
  }
  const ticks = isDaemon ? null : await startTicks(pid);
  if (ticks === null) return [];
  const result = await endTree({ pid, startTicks: ticks }, { graceMs: GRACE_MS, clock, marker: markOf(instance) });
  return result === 'ended' ? [`Ended PID ${pid} on port ${port}, which this home had started.`] : [];
}

function markOf(instance: string): string {
  return `SCHED_INSTANCE=${instance}`;
}
