/**
 * A daemon that does nothing but hold a home: `node hold-lock.ts HOME [flags]`.
 *
 * Says `LOCKED epoch` or `REFUSED code message` on standard output and then obeys
 * lines on standard input: `release`. With `--fast` its heartbeat beats without waiting
 * for 30 s; with `--no-progress` its loops stand still.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SchedulerError } from '../../src/errors.ts';
import { type Clock, SystemClock } from '../../src/runtime/clock.ts';
import { acquireInstanceLock } from '../../src/runtime/instance-lock.ts';
import type { Logger } from '../../src/runtime/logger.ts';

const [home = '', ...flags] = process.argv.slice(2);

/** The heartbeat every 50 ms instead of 30 s. */
class FastClock extends SystemClock implements Clock {
  override sleep(ms: number, reason: string, signal?: AbortSignal): Promise<boolean> {
    return super.sleep(reason === 'heartbeat' ? 50 : ms, reason, signal);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const write = (first: object | string, message?: string) => say(`LOG ${typeof first === 'string' ? first : message}`);
const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };

try {
  const clock = flags.includes('--fast') ? new FastClock() : new SystemClock();
  const lock = await acquireInstanceLock({
    home,
    store: join(home, 'scheduler_state.db'),
    instance: 'test',
    clock,
    logger,
    progress: () => !flags.includes('--no-progress'),
  });
  lock.lost.addEventListener('abort', () => say(`LOST held=${lock.held()}`), { once: true });
  lock.startHeartbeat(new AbortController().signal);
  say('LOCKED');
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'release') {
      await lock.release();
      break;
    }
    if (line === 'held') say(`HELD ${lock.held()}`);
  }
  say('RELEASED');
  process.stdin.destroy();
} catch (error) {
  if (!(error instanceof SchedulerError)) throw error;
  say(`REFUSED ${error.code} ${error.message} ${String(error.details.why ?? '')}`);
  process.exitCode = 3;
}
