/**
 * A command line that changes something: a running daemon is told what to do;
 * without one we take the lock ourselves, do it, and run if that was ordered.
 * What it is made of comes from compose.ts.
 */
import { daemonListens } from '../control/client.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { CommandHandler, StateMover, StoreReader } from '../scheduler/commands.ts';
import { buildPlan } from '../scheduler/plan.ts';
import type { AttemptWatcher } from '../scheduler/watcher.ts';
import { handlerOf, type OrderLine, untilStopped } from './give-orders.ts';
import { LiveLines } from './live.ts';
import { refuseBesideOthers } from './other-orchestrators.ts';
import { perform } from './perform.ts';
import { renderPlan } from './render-plan.ts';
import { type Runnable, run } from './run.ts';
import { showEvents } from './show-events.ts';

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
  /** Writes what a reader sees as `.json` or `.csv`. */
  write(reader: StoreReader, path: string): Promise<void>;
  /** Every setting in force, and where those come from that are not at their default. */
  settings(): readonly ShownSetting[];
}

interface ShownSetting {
  readonly setting: string;
  readonly value: unknown;
  readonly from: string;
  readonly otherwise?: string;
}

export interface CommandLine extends Surroundings, OrderLine {}

/** Answers the exit code. @throws SchedulerError LOCK_HELD and whatever is wrong with the order */
export async function carryOut(line: CommandLine, composition: Composition): Promise<number> {
  const { home, options, terminal, clock } = line;
  const zoneOf = (account: string | null) => composition.zoneOf(account);
  if (options.run === null && (await daemonListens(home))) {
    const reader = composition.openReader();
    try {
      await perform({
        ...line,
        zoneOf,
        office: { handle: handlerOf(line), reader, files: null, write: (path) => composition.write(reader, path) },
      });
    } finally {
      await reader.close();
    }
    await untilStopped(line);
    return 0;
  }
  if (options.run !== null) await refuseBesideOthers();
  const own = await composition.openHome();
  try {
    await refuseUnknownAccounts(line, own.reader);
    await perform({ ...line, zoneOf, office: { ...own, write: (path) => composition.write(own.reader, path) } });
    if (options.run === null) return 0;
    // A daemon is given more as it goes; only a drain has an end to count towards.
    const total = options.run === 'drain' ? await open(own.reader) : 0;
    const composed = await own.compose({ watcher: new LiveLines(terminal, () => total), onlyAccounts: options.onlyAccounts });
    return await run({ ...composed, mode: options.run, reader: own.reader, terminal, clock });
  } finally {
    await own.close();
  }
}

/** A mistyped `--accounts` would look like a queue in which nothing can be done. What is imported in the same line is not known yet. */
async function refuseUnknownAccounts({ options, clock }: CommandLine, reader: StoreReader): Promise<void> {
  const { onlyAccounts, add, import: imports } = options;
  if (onlyAccounts === null || imports.files.length > 0) return;
  const known = new Set([...add.accounts, ...(await reader.accounts(clock.now())).map(({ name }) => name)]);
  const unknown = onlyAccounts.find((name) => !known.has(name));
  if (unknown !== undefined) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: unknown } });
}

/** What `--plan`, `--events` and `--show-config` show. */
export async function show({ options, terminal, clock }: CommandLine, composition: Composition): Promise<void> {
  if (options.show === 'config') {
    terminal.write(renderSettings(composition.settings(), options.json));
    return;
  }
  const reader = composition.openReader();
  try {
    if (options.show === 'events') {
      await showEvents({ ...options.events, reader, json: options.json, terminal, clock }, new AbortController().signal);
      return;
    }
    const now = clock.now();
    const plan = await buildPlan(reader, now);
    terminal.write(options.json ? `${JSON.stringify(plan, null, 2)}\n` : renderPlan(plan, now, terminal));
  } finally {
    await reader.close();
  }
}

function renderSettings(settings: readonly ShownSetting[], json: boolean): string {
  if (json) return `${JSON.stringify({ settings }, null, 2)}\n`;
  const lines = settings.map(({ setting, value, from, otherwise }) => {
    const text = value === null ? (otherwise ?? '-') : typeof value === 'string' ? value : JSON.stringify(value);
    return `${setting.padEnd(30)}  ${from === 'default' ? text : `${text.padEnd(20)}  (${from})`}`;
  });
  return `${lines.join('\n')}\n\nWhat has no remark is at its default; docs/configuration.md says what each means.\n`;
}

async function open(reader: StoreReader): Promise<number> {
  const { pending, retrying } = await reader.counts();
  return pending + retrying;
}
