/**
 * `--doctor`: is everything in order for a good night? Each finding names its
 * remedy. What is looked at, and how, comes from compose-doctor.ts; nothing is
 * changed and nothing is started that is not ended again.
 */
import { SchedulerError } from '../errors.ts';
import { type Clock, LimitExceeded, withLimit } from '../runtime/clock.ts';
import { painter, type Terminal } from './terminal.ts';

/** `bad`: no good night like this. `warn`: it works, but somebody should look. */
export type State = 'ok' | 'warn' | 'bad';

export interface Finding {
  readonly what: string;
  readonly state: State;
  readonly text: string;
  /** What to do about it; null = nothing. */
  readonly remedy: string | null;
}

/** One look. What it throws is a finding too. */
export interface Probe {
  readonly what: string;
  readonly look: (signal: AbortSignal) => Promise<Omit<Finding, 'what'> | readonly Omit<Finding, 'what'>[]>;
}

const PROBE_LIMIT_MS = 60_000;
const MARKS = { ok: ['ok  ', 'green'], warn: ['LOOK', 'yellow'], bad: ['BAD ', 'red'] } as const;

export const fine = (text: string) => ({ state: 'ok', text, remedy: null }) as const;
export const look = (text: string, remedy: string) => ({ state: 'warn', text, remedy }) as const;
export const bad = (text: string, remedy: string) => ({ state: 'bad', text, remedy }) as const;

/** One after the other: some of them use the same phones and ports. */
export async function examine(probes: readonly Probe[], clock: Clock): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const { what, look: take } of probes) {
    try {
      const seen = await withLimit(clock, { ms: PROBE_LIMIT_MS, reason: what }, take);
      for (const one of Array.isArray(seen) ? seen : [seen]) findings.push({ what, ...one });
    } catch (error) {
      findings.push({ what, ...trouble(error) });
    }
  }
  return findings;
}

function trouble(error: unknown): Omit<Finding, 'what'> {
  if (error instanceof SchedulerError) return bad(error.message, error.next);
  if (error instanceof LimitExceeded)
    return bad(`no answer within ${PROBE_LIMIT_MS / 1_000} s`, 'Look at what the machine is busy with, and ask again.');
  return bad(error instanceof Error ? error.message : String(error), 'Report it as a defect if the text does not say what to do.');
}

export function renderFindings(findings: readonly Finding[], terminal: Pick<Terminal, 'isTty'>): string {
  const paint = painter(terminal);
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.flatMap(({ what, state, text, remedy }) => {
    const [mark, style] = MARKS[state];
    const first = `${paint(style, mark)}  ${what.padEnd(width)}  ${text.replace(/\s+/g, ' ')}`;
    return remedy === null ? [first] : [first, `${' '.repeat(width + 8)}→ ${remedy}`];
  });
  return `${lines.join('\n')}\n\n${verdict(findings)}\n`;
}

export function verdict(findings: readonly Finding[]): string {
  const bads = findings.filter(({ state }) => state === 'bad').length;
  const warns = findings.filter(({ state }) => state === 'warn').length;
  if (bads > 0) return `${bads} of ${findings.length} are bad: correct them before the night.`;
  return warns > 0 ? `In order; ${warns} of ${findings.length} ${warns === 1 ? 'deserves' : 'deserve'} a look.` : 'Everything is in order.';
}

/** 0 = in order, perhaps with something to look at; 1 = something is bad. */
export function exitCode(findings: readonly Finding[]): number {
  return findings.some(({ state }) => state === 'bad') ? 1 : 0;
}
