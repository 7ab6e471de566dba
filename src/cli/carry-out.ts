/**
 * A command line that changes something: a running daemon is told what to do;
 * without one we take the lock ourselves, do it, and run if that was ordered.
 * What it is made of comes from compose.ts.
 */
import { daemonListens, sendCommand } from '../control/client.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Command, CommandHandler, StateMover, StoreReader } from '../scheduler/commands.ts';
import { buildPlan } from '../scheduler/plan.ts';
import type { AttemptWatcher } from '../scheduler/watcher.ts';
import { LiveLines } from './live.ts';
import type { Options } from './options.ts';
import { perform } from './perform.ts';
import { renderPlan } from './render-plan.ts';
import { type Runnable, run } from './run.ts';
import type { Terminal } from './terminal.ts';

/** What the whole program shares. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** The program's own folder. */
  readonly root: string;
}

export interface RunRequest {
  readonly watcher: AttemptWatcher;
  /** Limits this run; null = all accounts. */
  readonly onlyAccounts: readonly string[] | null;
}

/** A home under our own lock. */
export interface OpenHome {
  readonly handle: CommandHandler;
  readonly reader: StoreReader;
  readonly files: StateMover;
  compose(request: RunRequest): Promise<Runnable>;
  close(): Promise<void>;
}

/** What compose.ts offers. */
export interface Composition {
  /** IANA zone of an account's local times; null = of a job that any account may take. */
  zoneOf(account: string | null): string;
  openReader(): StoreReader;
  openHome(): Promise<OpenHome>;
}

export interface CommandLine extends Surroundings {
  readonly home: string;
  readonly options: Options;
  readonly terminal: Terminal;
}

const COMMAND_LIMIT_MS = 30_000;

/** Answers the exit code. @throws SchedulerError LOCK_HELD and whatever is wrong with the order */
export async function carryOut(line: CommandLine, composition: Composition): Promise<number> {
  const { home, options, terminal, clock } = line;
  const zoneOf = (account: string | null) => composition.zoneOf(account);
  if (options.run === null && (await daemonListens(home))) {
    const reader = composition.openReader();
    const handle = (command: Command) => sendCommand({ home, command, limitMs: COMMAND_LIMIT_MS, clock });
    try {
      await perform({ ...line, zoneOf, office: { handle, reader, files: null } });
    } finally {
      await reader.close();
    }
    return 0;
  }
  const own = await composition.openHome();
  try {
    await perform({ ...line, zoneOf, office: { handle: own.handle, reader: own.reader, files: own.files } });
    if (options.run === null) return 0;
    const total = await open(own.reader);
    const composed = await own.compose({ watcher: new LiveLines(terminal, () => total), onlyAccounts: options.onlyAccounts });
    return await run({ ...composed, mode: options.run, reader: own.reader, terminal, clock });
  } finally {
    await own.close();
  }
}

/** Shows who posts what, when and where, and why not. */
export async function showPlan({ options, terminal, clock }: CommandLine, composition: Composition): Promise<void> {
  const reader = composition.openReader();
  try {
    const now = clock.now();
    const plan = await buildPlan(reader, now);
    terminal.write(options.json ? `${JSON.stringify(plan, null, 2)}\n` : renderPlan(plan, now));
  } finally {
    await reader.close();
  }
}

async function open(reader: StoreReader): Promise<number> {
  const { pending, retrying } = await reader.counts();
  return pending + retrying;
}
