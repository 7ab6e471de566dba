/**
 * How the benchmarks speak: medians with their spread, a small table, one last
 * line of JSON, and exit code 1 when a goal was missed. Knows nothing of what
 * is measured.
 */
import { loadavg } from 'node:os';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly n: number;
}

export interface Figure {
  readonly what: string;
  /** As it is shown: `94 ms (88-131, n 15)`. */
  readonly measured: string;
  /** As it is shown, `< 150 ms`; null = shown for comparison only. */
  readonly goal: string | null;
  readonly met: boolean;
}

/** @param values at least one */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  const lower = sorted[Math.ceil(middle) - 1] ?? Number.NaN;
  return { median: (lower + upper) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN, n: sorted.length };
}

export function shown({ median, min, max, n }: Spread, unit: string, digits = 0): string {
  return `${median.toFixed(digits)}${unit} (${min.toFixed(digits)}-${max.toFixed(digits)}, n ${n})`;
}

/** A figure that must stay under `limit`. */
export function below(what: string, measured: string, value: number, limit: number, unit: string): Figure {
  return { what, measured, goal: `< ${limit}${unit}`, met: value < limit };
}

/** A figure for comparison, without a goal. */
export function besides(what: string, measured: string): Figure {
  return { what, measured, goal: null, met: true };
}

/** Prints the table and the JSON line, with the machine's load; a missed goal becomes exit code 1. */
export function report(bench: string, figures: readonly Figure[], data: Readonly<Record<string, unknown>>): void {
  const width = Math.max(...figures.map(({ what }) => what.length)) + 2;
  const middle = Math.max(...figures.map(({ measured }) => measured.length)) + 2;
  for (const { what, measured, goal, met } of figures) {
    const verdict = goal === null ? '' : `${goal}  ${met ? 'met' : 'MISSED'}`;
    process.stdout.write(`${`${what.padEnd(width)}${measured.padEnd(middle)}${verdict}`.trimEnd()}\n`);
  }
  const met = figures.every((figure) => figure.met);
  const load = loadavg().map((value) => Number(value.toFixed(2)));
  process.stdout.write(`${JSON.stringify({ bench, met, node: process.versions.node, load, ...data })}\n`);
  if (!met) process.exitCode = 1;
}
