/**
 * `npm run simulate -- --lives 200000`: many simulated lives, on all cores, with
 * one line of figures at the end. `--first N` begins at another seed. Stops at
 * the first life that goes wrong, and says how to replay it.
 */
import { parseArgs } from 'node:util';
import { onAllCores, runInThread } from '../test/simulation/run-in-thread.ts';

const BATCH = 500;
const { values } = parseArgs({ options: { lives: { type: 'string', default: '10000' }, first: { type: 'string', default: '1' } } });
const lives = Number(values.lives);
const first = Number(values.first);

const batches = Array.from({ length: Math.ceil(lives / BATCH) }, (_, index) => ({
  first: first + index * BATCH,
  count: Math.min(BATCH, lives - index * BATCH),
}));
const sum = { lives: 0, posts: 0, jobs: 0, starts: 0 };
let failures = 0;
const startedMs = performance.now();
await onAllCores(batches, async (batch) => {
  if (failures > 0) return;
  const { result } = await runInThread(batch);
  for (const figure of ['lives', 'posts', 'jobs', 'starts'] as const) sum[figure] += result[figure];
  if (result.failed === null) return;
  failures += 1;
  const { seed, violation } = result.failed;
  process.stdout.write(
    `life ${seed}: ${violation?.kind}: ${violation?.text}\nreplay: SIMULATION_SEED=${seed} npx vitest run test/simulation\n`,
  );
});
const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
process.stdout.write(
  `${sum.lives} lives, ${sum.starts} starts, ${sum.jobs} jobs, ${sum.posts} posts, ${failures} violations, ${seconds} s\n`,
);
process.exitCode = failures > 0 ? 1 : 0;
