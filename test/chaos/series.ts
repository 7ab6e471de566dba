/**
 * Many runs after one another, some side by side, and the table that sums them
 * up. Knows neither what a fault does nor how a run is judged.
 */
import { FAULTS } from './faults.ts';
import { chaosRun, type Measure, type RunOptions, type RunResult } from './run.ts';

export interface SeriesOptions extends Pick<RunOptions, 'within' | 'env'> {
  readonly runs: number;
  /** Of the first run; the others follow it. The same seed gives the same worlds and faults; what the machine does meanwhile is its own. */
  readonly seed: number;
  readonly parallel: number;
  /** From one seed to the next. */
  readonly stride?: number;
  /** Ends the series after the runs that are under way. */
  readonly stop?: AbortSignal;
  readonly onRun?: (result: RunResult) => void;
}

/** Every kind of fault comes in turn as the first of a run; further ones are drawn by its seed. */
export async function chaosSeries(options: SeriesOptions): Promise<readonly RunResult[]> {
  const results: RunResult[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < options.runs && options.stop?.aborted !== true) {
      const seed = options.seed + (options.stride ?? 1) * next++;
      const result = await chaosRun({ ...options, seed, first: seed % FAULTS.length });
      results.push(result);
      options.onRun?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, lane));
  return results;
}

const TIMES: readonly { readonly measure: Measure; readonly what: string; readonly targetMs: number | null }[] = [
  { measure: 'safe', what: 'time to safe state (start to all of earlier lives brought home)', targetMs: null },
  { measure: 'dead', what: 'dead holder replaced (start to first claim)', targetMs: 3_000 },
  { measure: 'hung', what: 'hung holder replaced (start to first claim, its heartbeat being too old)', targetMs: 5_000 },
];

/** Lines for people; exact counts. */
export function seriesTable(results: readonly RunResult[]): readonly string[] {
  const sum = (count: (result: RunResult) => number): number => results.reduce((total, result) => total + count(result), 0);
  const rows: [string, string | number][] = [
    ['runs', results.length],
    ['faults that struck', sum(({ struck }) => struck.length)],
    ...FAULTS.map(({ name }): [string, number] => [`  ${name}`, sum(({ struck }) => struck.filter((other) => other === name).length)]),
    ['faults that found nothing to hit', sum(({ missed }) => missed)],
    ['videos accepted', sum(({ accepted }) => accepted)],
    ['published', sum(({ posts }) => posts)],
    ['settled by a human who looked', sum(({ settled }) => settled)],
    ['failed or skipped with a reason', sum(({ withReason }) => withReason)],
    ['published twice', sum(({ verdict }) => verdict.twice)],
    ['lost', sum(({ verdict }) => verdict.lost)],
    ['stuck', sum(({ verdict }) => verdict.stuck)],
    ['broken (a clean start failed, more than one acted, …)', sum(({ broken }) => broken.length)],
  ];
  const times = TIMES.map(({ measure, what, targetMs }): [string, string] => [
    what,
    timesText(
      results.flatMap(({ measured }) => measured[measure]),
      targetMs,
    ),
  ]);
  return [...rows, ...times].map(([what, value]) => `${what.padEnd(76)} ${value}`);
}

/** What went wrong, one line each, with the command that repeats it. */
export function seriesFindings(results: readonly RunResult[]): readonly string[] {
  return results.flatMap(({ seed, verdict, broken, struck }) =>
    [...verdict.findings, ...broken].map((what) => `${what} [${struck.join(' | ')}]; npm run chaos -- --runs 1 --seed ${seed}`),
  );
}

export function timesText(timesMs: readonly number[], targetMs: number | null): string {
  if (timesMs.length === 0) return 'not measured';
  const sorted = timesMs.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const over = targetMs === null ? '' : `, ${sorted.filter((ms) => ms > targetMs).length} over ${seconds(targetMs)}`;
  return `median ${seconds(median)}, max ${seconds(sorted.at(-1) ?? 0)} (n = ${sorted.length}${over})`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
