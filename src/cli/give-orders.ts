/**
 * Orders that a running scheduler carries out by itself. They need nothing of
 * scheduler.yaml, so one that is broken keeps nobody from stopping or pausing:
 * it is read afterwards, and its trouble told.
 */
import { daemonListens, sendCommand } from '../control/client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Command, CommandHandler } from '../scheduler/commands.ts';
import { warnOfConfig } from './config-trouble.ts';
import { editsOf } from './edit.ts';
import { needOf } from './home.ts';
import { readLockView } from './lock-view.ts';
import type { Options } from './options.ts';
import { order } from './perform.ts';
import type { Terminal } from './terminal.ts';

export interface OrderLine {
  readonly home: string;
  readonly options: Options;
  readonly terminal: Terminal;
  readonly clock: Clock;
}

const COMMAND_LIMIT_MS = 30_000;
/** More than a stop may take: a post past its commit point has a minute to be confirmed. */
const STOPPED_LIMIT_MS = 120_000;
const STOPPED_POLL_MS = 100;

/**
 * False when it is not for a running scheduler alone: nothing was done then.
 *
 * @param readConfig throws what is wrong with scheduler.yaml
 * @throws OrderRefused, and what sendCommand throws
 */
export async function giveOrders(line: OrderLine, readConfig: () => Promise<unknown>): Promise<boolean> {
  const { home, options, terminal } = line;
  const commands = [...editsOf(options.edit), ...options.act];
  // A time without an offset is meant in the zone of the video's account.
  const asksTheFile = needOf({ ...options, act: [], edit: null }) !== 'look' || (options.edit?.at ?? null) !== null;
  if (commands.length === 0 || asksTheFile || !(await daemonListens(home))) return false;
  const office = { handle: handlerOf(line) };
  for (const command of commands) await order({ office, terminal }, command);
  await untilStopped(line);
  if (!options.json) await warnOfConfig(terminal, readConfig);
  return true;
}

/** The running scheduler's. */
export function handlerOf({ home, clock }: OrderLine): CommandHandler {
  return (command: Command) => sendCommand({ home, command, limitMs: COMMAND_LIMIT_MS, clock });
}

/** `--stop` ends when the scheduler has ended, so that what follows it finds the home free. */
export async function untilStopped({ home, options, terminal, clock }: OrderLine): Promise<void> {
  if (!options.act.some(({ do: what }) => what === 'stop')) return;
  const until = clock.monotonic() + STOPPED_LIMIT_MS;
  while ((await readLockView(home, clock.now())).state === 'held') {
    if (clock.monotonic() > until) {
      terminal.write('It has not ended yet; `scheduler --status` shows whether it still runs.\n');
      return;
    }
    await clock.sleep(STOPPED_POLL_MS, 'the scheduler stops');
  }
  terminal.write('Stopped.\n');
}
