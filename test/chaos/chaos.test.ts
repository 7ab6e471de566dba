/**
 * Guards promises 1, 2 and 3 on the built command line: whatever strikes it,
 * nothing is published twice, lost or stuck, and of several starters one acts.
 * The small version of `npm run chaos`, which repeats any seed that fails here.
 */
import { describe, expect, it } from 'vitest';
import { newWorld } from '../process/world.ts';
import { FAULTS } from './faults.ts';
import { canMount, starterRounds } from './run.ts';
import { chaosSeries, seriesFindings } from './series.ts';

/** As many as fit into half a minute on a machine that is not idle; the seeds are spread over all kinds of faults. */
const RUNS = 6;
const FIRST_SEED = 4;

describe.skipIf(process.platform !== 'linux')('a home under attack', () => {
  it.skipIf(!canMount())('is attacked by a full disk, too (NOT RUN without root, who alone may mount a small one)', () => {
    expect(FAULTS.some(({ smallDisk }) => smallDisk)).toBe(true);
  });

  it('publishes nothing twice, loses nothing, and comes to rest', { timeout: 180_000 }, async () => {
    const world = await newWorld();
    const results = await chaosSeries({ within: world.folder, env: world.env, runs: RUNS, seed: FIRST_SEED, parallel: 2, stride: 3 });
    expect(seriesFindings(results)).toEqual([]);
    expect(results.flatMap(({ struck }) => struck).length).toBeGreaterThanOrEqual(RUNS);
    expect(results.reduce((sum, { posts }) => sum + posts, 0)).toBeGreaterThan(RUNS);
  });

  it('lets exactly one of eight starters on a stale lock act', { timeout: 120_000 }, async () => {
    const world = await newWorld();
    expect(await starterRounds({ within: world.folder, env: world.env, seed: 1 }, 2, 8)).toEqual([]);
  });
});
