/** What went wrong, for whoever typed the command: one message, what to do next, and the exit code. */
import { type ErrorCode, SchedulerError } from '../errors.ts';
import { OrderRefused } from './perform.ts';

interface Explained {
  readonly code: string;
  readonly message: string;
  /** null when there is nothing to do about it. */
  readonly next: string | null;
  readonly exitCode: number;
  /** Who is in the way, for `orchestrator_conflict`. */
  readonly conflicts?: unknown;
}

/** The seeds' names of errors, for programs that know them. */
const SEED_NAMES: Readonly<Partial<Record<string, string>>> = { LOCK_HELD: 'orchestrator_conflict' };
/** Orders that were understood but could not be done: an error, not a wrong command line. */
const NOT_USAGE: readonly string[] = ['NO_ACCOUNTS', 'NO_JOBS', 'REFUSED', 'NO_DAEMON', 'ORCHESTRATOR_CONFLICT'] satisfies ErrorCode[];

function explained(error: unknown): Explained {
  if (error instanceof OrderRefused) return { ...pick(error), exitCode: error.usage && !NOT_USAGE.includes(error.code) ? 2 : 1 };
  if (!(error instanceof SchedulerError)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { code: 'DEFECT', message, next: 'This is a defect of the program: please report it.', exitCode: 1 };
  }
  if (error.code === 'LOCK_HELD' || error.code === 'STORE_TAKEN') return { ...pick(error), exitCode: 3, conflicts: [error.details] };
  const usage = error.category === 'usage' || error.category === 'configuration';
  return { ...pick(error), exitCode: usage && !NOT_USAGE.includes(error.code) ? 2 : 1, conflicts: error.details.conflicts };
}

/** For a person, or for a program that asked by `--json`. */
function explanation({ code, message, next, conflicts }: Explained, json: boolean): string {
  if (json) return `${JSON.stringify({ error: SEED_NAMES[code] ?? code.toLowerCase(), message, next, conflicts })}\n`;
  const first = code === 'LOCK_HELD' ? '[LOCK ERROR] Another scheduler instance is already running!\n' : '';
  return `${first}scheduler: ${message}\n${next === null || next === '' ? '' : `  ${next}\n`}`;
}

function pick({
  code,
  message,
  next,
}: {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}): Omit<Explained, 'exitCode'> {
  return { code, message, next };
}

interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Tells whoever typed the command, and answers the exit code. */
export function complain(error: unknown, json: boolean, { stdout, stderr }: Streams): number {
  const why = explained(error);
  (json ? stdout : stderr).write(explanation(why, json));
  return why.exitCode;
}
