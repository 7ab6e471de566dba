/**
 * Promises 1, 2 and 3: whole lives of a home, seeded, with the production
 * scheduler in a storm of crashes, frozen and woken daemons, lost answers, slow
 * uploads, set clocks, broken disks, lost databases and people who press retry.
 *
 * `SIMULATION_SEED=n npx vitest run test/simulation` replays one life and shows
 * what happened in it; `npm run simulate -- --lives 200000` runs many.
 */
import { describe, expect, it } from 'vitest';
import type { BatchResult } from './lives.ts';
import { onAllCores, runInThread } from './run-in-thread.ts';

const LIVES = 8_000;
const BATCH = 500;

function story(result: BatchResult): string {
  const { failed } = result;
  if (failed === null) return 'all is well';
  return `life ${failed.seed}: ${failed.violation?.kind}: ${failed.violation?.text}; replay: SIMULATION_SEED=${failed.seed} npx vitest run test/simulation`;
}

describe('a simulated home', () => {
  const seed = process.env.SIMULATION_SEED;

  it.runIf(seed !== undefined)('replays the life that was asked for', async () => {
    const { result, lines } = await runInThread({ first: Number(seed), count: 1 }, { traced: true });
    process.stdout.write(`${lines.join('\n')}\n`);
    expect(story(result)).toBe('all is well');
  });

  it.skipIf(seed !== undefined)(
    'publishes nothing twice and loses nothing, whatever happens',
    async () => {
      const batches = Array.from({ length: LIVES / BATCH }, (_, index) => ({ first: 1 + index * BATCH, count: BATCH }));
      const results = await onAllCores(batches, async (batch) => (await runInThread(batch)).result);
      for (const result of results) expect(story(result)).toBe('all is well');
      // A storm in which nobody posts would prove nothing.
      const sum = (count: (result: BatchResult) => number) => results.reduce((total, result) => total + count(result), 0);
      expect(sum(({ posts }) => posts)).toBeGreaterThan(LIVES);
      expect(sum(({ starts }) => starts)).toBeGreaterThan(2 * LIVES);
    },
    300_000,
  );

  it('lives the same life again from the same seed', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => runInThread({ first: 7, count: 3 }, { traced: true })));
    expect(one?.lines.length).toBeGreaterThan(10);
    expect(one).toEqual(two);
  });
});
