/**
 * `npm run chaos`: the built program under attack, many short runs of it, and a
 * table of what came of them. `-- --runs 1000` is the full run (with 200 rounds
 * of eight starters, 50 runs on the real chain and 1000 power cuts); `--runs 1 --seed S`
 * repeats one, `--starters`, `--chain` and `--copies` say how many of the rest. Exit code
 * 0 means: nothing twice, lost, stuck or broken. Run by bootstrap.mjs.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chainSeries, chainTable } from '../test/chaos/chain-series.ts';
import { powerLoss } from '../test/chaos/power-loss.ts';
import { canMount, starterRounds } from '../test/chaos/run.ts';
import { chaosSeries, seriesFindings, seriesTable } from '../test/chaos/series.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '40' },
    seed: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '2' },
    starters: { type: 'string' },
    chain: { type: 'string' },
    copies: { type: 'string' },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
const rounds = Number(values.starters ?? Math.floor(runs / 5));
const chainRuns = Number(values.chain ?? Math.floor(runs / 20));
const copies = Number(values.copies ?? runs);
const STARTERS = 8;

const stopping = new AbortController();
// What is mounted and running is taken down by its own run: those under way end first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());

const say = (text: string) => process.stdout.write(`${text}\n`);

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function attack(within: string): Promise<boolean> {
  const startedMs = performance.now();
  mkdirSync(join(within, 'home'));
  const env = { PATH: process.env.PATH, HOME: join(within, 'home'), TZ: 'UTC', ANDROID_ADB_SERVER_PORT: String(await freePort()) };
  const place = { within, env, seed, stop: stopping.signal };
  if (!canMount()) say('NOT RUN: a full disk (it needs root, to mount a small one); another fault takes its place.');
  const results = await chaosSeries({ ...place, runs, parallel: Number(values.parallel), onRun: progress });
  const wrong = [...seriesFindings(results)];
  if (runs > 0) say(seriesTable(results).join('\n'));
  if (rounds > 0 && !stopping.signal.aborted) {
    const findings = await starterRounds(place, rounds, STARTERS);
    wrong.push(...findings);
    say(`${STARTERS} starters on one stale lock: ${rounds} rounds, ${findings.length} findings (0: exactly one acted in each)`);
  }
  if (chainRuns > 0 && !stopping.signal.aborted) {
    const chain = await chainSeries({ ...place, runs: chainRuns });
    wrong.push(...chain.flatMap(({ findings }) => findings));
    say(chainTable(chain).join('\n'));
  }
  if (copies > 0 && !stopping.signal.aborted) {
    const { torn, walRounds, acts, findings } = await powerLoss({ ...place, copies });
    wrong.push(...findings);
    const tails = `${torn.wal} with a torn WAL, ${torn.posted} with a torn posted.jsonl, ${torn.pages} with torn pages, ${walRounds} rounds of the WAL`;
    say(`power cuts: ${copies} copies (${tails}), ${acts} acts judged, ${findings.length} findings`);
  }
  const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
  say(
    `seed ${seed}, ${minutes} min, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  for (const line of wrong) say(`WRONG: ${line}`);
  return wrong.length === 0;
}

let done = 0;
function progress(): void {
  done += 1;
  if (done % 50 === 0) process.stderr.write(`${done} runs\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'chaos-runs-'));
try {
  process.exitCode = (await attack(folder)) ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
