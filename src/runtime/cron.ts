/**
 * The daemon's own ticks (snapshot, WAL checkpoint, retention, reaper), in UTC.
 * The only file that knows node-cron.
 *
 * Never for posts: node-cron skips a tick at 02:30 in spring and a whole hour in
 * autumn in zones with daylight saving. Posts have due times in the store.
 */
import cron, { type ScheduledTask } from 'node-cron';
import type { Logger } from './logger.ts';

const tasks = new Map<string, ScheduledTask>();
const running = new Set<Promise<void>>();

/**
 * Runs `work` at every tick of a cron expression (UTC). A tick that comes while the last one still works is left out;
 * a failing one is logged and changes nothing for the next. A name that is known already gets the new work.
 *
 * @throws Error when the expression is none
 */
export function scheduleTick(name: string, expression: string, work: () => Promise<void>, logger: Logger): void {
  void tasks.get(name)?.destroy();
  const task = cron.schedule(expression, () => follow(name, work, logger), {
    name,
    timezone: 'UTC',
    noOverlap: true,
    unref: true,
    // A machine that slept has missed ticks; that is no news worth a line each.
    suppressMissedWarning: true,
    logger: ours(logger),
  });
  tasks.set(name, task);
}

/** No tick begins any more; resolves when those under way have ended. */
export async function stopTicks(): Promise<void> {
  for (const task of tasks.values()) await task.destroy();
  tasks.clear();
  await Promise.all(running);
}

async function follow(name: string, work: () => Promise<void>, logger: Logger): Promise<void> {
  const run = work().catch((err: unknown) => logger.warn({ err, tick: name }, `The tick "${name}" failed`));
  running.add(run);
  await run;
  running.delete(run);
}

/** node-cron writes coloured lines to the terminal by itself unless it is given somebody to tell. */
function ours(logger: Logger): {
  info(m: string): void;
  warn(m: string): void;
  error(m: string | Error): void;
  debug(m: string | Error): void;
} {
  return {
    info: (message) => logger.debug(message),
    warn: (message) => logger.warn(message),
    error: (message) => logger.error(String(message)),
    debug: (message) => logger.debug(String(message)),
  };
}
