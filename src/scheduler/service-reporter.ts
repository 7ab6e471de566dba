/**
 * What the service manager is told: ready once the home is ours and Appium was
 * looked at, one line that follows the work, a sign of life while every loop
 * gets somewhere, and that we stop. A loop that hangs ends the signs of life;
 * then the manager ends and restarts us, which is safe at any instant. Without
 * a manager only a person can, who is called in the same words.
 */
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Supervisor } from '../runtime/service-notify.ts';
import { callPerson } from './alarm.ts';
import type { Part } from './house.ts';
import type { Progress } from './progress.ts';

export interface ServiceReporterParts {
  /** null = there is none. */
  readonly manager: Supervisor | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Pick<Progress, 'stalled'>;
  /** Resolves when a first look at Appium was made, whatever it showed; at once where none is needed. */
  readonly firstCheck: (stop: AbortSignal) => Promise<void>;
  /** What happens now, for a person. */
  readonly line: () => Promise<string>;
  /** Aborts when the stop begins. */
  readonly stop: AbortSignal;
}

/** A new line is shown at most so often: each costs a small process. */
const LINE_EVERY_MS = 5_000;
/** Of the watchdog's time; systemd advises half, and one sign of life may get lost. */
const FED_EARLY = 3;

/** What is told to nobody is not made: what is left is the look for loops that hang. */
const NOBODY: Supervisor = { watchdogMs: null, notify: async () => true };
const UNTOLD = { firstCheck: async () => undefined, line: async () => '' };

export function serviceReporter(given: ServiceReporterParts): Part {
  const manager = given.manager ?? NOBODY;
  const parts = given.manager === null ? { ...given, ...UNTOLD } : given;
  const ended = new AbortController();
  let reporting: Promise<void> = Promise.resolve();
  return {
    name: 'Service manager',
    start: async () => {
      const announceStop = () => void manager.notify('STOPPING=1', 'STATUS=Stopping: a post under way may finish');
      parts.stop.addEventListener('abort', announceStop, { once: true });
      let isReady = false;
      const stop = AbortSignal.any([parts.stop, ended.signal]);
      const ready = announceReady(manager, { ...parts, stop }).then(() => {
        isReady = true;
      });
      const line = async () => (isReady ? parts.line() : 'Starting: looks at Appium');
      reporting = Promise.all([ready, report(manager, { ...parts, line }, ended.signal)]).then(() => undefined);
    },
    stop: async () => {
      ended.abort();
      await reporting;
      await manager.notify('STOPPING=1', 'STATUS=Stopping: the home is closed');
    },
  };
}

async function announceReady(manager: Supervisor, { firstCheck, stop, logger }: ServiceReporterParts): Promise<void> {
  await firstCheck(stop);
  if (stop.aborted) return;
  if (!(await manager.notify('READY=1'))) logger.warn('The service manager could not be told that the scheduler is ready');
}

async function report(manager: Supervisor, parts: ServiceReporterParts, ended: AbortSignal): Promise<void> {
  const { clock, progress, logger, stop } = parts;
  const feedMs = manager.watchdogMs === null ? null : manager.watchdogMs / FED_EARLY;
  let told: string | null = null;
  let fedMs = Number.NEGATIVE_INFINITY;
  let stalled: string | null = null;
  do {
    const before: string | null = stalled;
    stalled = progress.stalled();
    if (stalled !== null && stalled !== before)
      callPerson(logger, 'stalled', { stalled }, `No progress: ${stalled}; no sign of life is given`);
    const lines: string[] = [];
    const line: string | null = stop.aborted ? told : await lineOf(parts, stalled);
    if (line !== null && line !== told) lines.push(`STATUS=${line}`);
    const isDue = feedMs !== null && clock.monotonic() - fedMs >= feedMs;
    if (isDue && stalled === null) {
      lines.push('WATCHDOG=1');
      fedMs = clock.monotonic();
    }
    if (lines.length > 0 && (await manager.notify(...lines))) told = line;
  } while (await clock.sleep(Math.min(LINE_EVERY_MS, feedMs ?? LINE_EVERY_MS), 'next word to the service manager', ended));
}

async function lineOf({ line, logger }: ServiceReporterParts, stalled: string | null): Promise<string | null> {
  if (stalled !== null) return `No progress: ${stalled}`;
  try {
    return await line();
  } catch (error) {
    logger.warn({ err: error }, 'The line for the service manager could not be made');
    return null;
  }
}
