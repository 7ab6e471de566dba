/**
 * `--status` and `--status --json` with 100,000 jobs, as whole processes, beside
 * a Node that does nothing; and which packages they load.
 *
 * Half of the looks find a store at rest, half one that another process has open
 * and has just written to, as beside a running scheduler.
 *
 * Run: `node bench/status.ts` (about half a minute).
 */

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountPolicy } from '../src/domain/account.ts';
import { DEFAULT_RETRY } from '../src/domain/retry.ts';
import { SystemClock } from '../src/runtime/clock.ts';
import { SystemRandom } from '../src/runtime/random.ts';
import { SqliteStore } from '../src/stores/sqlite.ts';
import { below, besides, type Figure, report, shown, spreadOf } from './figures.ts';
import { finished, openProgram, type Program } from './program.ts';

const JOBS = 100_000;
const ACCOUNTS = 200;
const ROWS = 500;
const RUNS = 15;
const LIMIT_MS = 150;
/** What a look may not load: each costs more than the rest of it together. */
const TOO_HEAVY = ['webdriverio', 'kysely', 'zod', 'pino', 'appium', 'undici'];
/** Proof that the ear hears: without this one there is no look. */
const NEEDED = 'better-sqlite3';

const POLICY: AccountPolicy = {
  app: 'demo',
  device: null,
  timezone: 'Europe/Berlin',
  postsPerDay: 1,
  rolling24h: null,
  windows: [{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 540, toMinute: 1260 }],
  minGapMs: 3_600_000,
  jitterMs: 0,
  cooldown: { after: 3, stepMs: 600_000, maxMs: 3_600_000 },
  retry: DEFAULT_RETRY,
};

/** A store after some months: half of the jobs were published, a few are in doubt, the rest waits. */
async function fill(store: SqliteStore, nowMs: number): Promise<void> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, number) => `account_${number}`);
  await store.putAccounts(accounts.map((name) => ({ name, policy: POLICY })));
  for (let first = 0; first < JOBS; first += ROWS) {
    const rows = Array.from({ length: ROWS }, (_, number) => newJob(first + number, accounts[(first + number) % ACCOUNTS] as string));
    if (first % (2 * ROWS) === 0) {
      await store.addJobs({ id: 'bench', source: 'bench', accounts: null }, rows);
      continue;
    }
    const [model] = await store.jobs({ limit: 1 });
    if (model === undefined) throw new Error('the store is empty');
    const posted = rows.map((row, number) => {
      const committedMs = nowMs - (JOBS - first - number) * 60_000;
      const status = first + number >= JOBS - 20 ? ('uncertain' as const) : ('success' as const);
      return { ...model, ...row, status, postKey: null, committedMs, finishedMs: committedMs };
    });
    await store.importJobs(posted, 'bench');
  }
  await store.setValue('pass_history', [{ pass: 1, jobs_processed: 12, success_count: 11 }]);
}

function newJob(number: number, account: string) {
  return {
    id: `video-${number}`,
    videoPath: `/srv/videos/2026-11/video-${number}.mp4`,
    sha256: number.toString(16).padStart(64, '0'),
    caption: `The caption of video ${number}, as long as captions often are, with a few #words at its end`,
    account,
    publishAtMs: null,
    priority: 0,
    maxAttempts: null,
    repeat: 0,
  };
}

/** Packages that one command line loads, heard by hooks that see `import` and `require` alike. */
async function packagesOf(program: Program, args: readonly string[]): Promise<readonly string[]> {
  const ear = join(program.folder, 'ear.mjs');
  writeFileSync(
    ear,
    `import { registerHooks } from 'node:module';
     const heard = new Set();
     registerHooks({ load(url, context, next) {
       const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url)?.[1];
       if (name) heard.add(name);
       return next(url, context);
     } });
     process.on('exit', () => process.stderr.write(JSON.stringify([...heard])));`,
  );
  const { code, stderr } = await program.run(args, { NODE_OPTIONS: `--import=${ear}` });
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stderr) as string[]).sort();
}

const LOOKS = { text: ['--status'], json: ['--status', '--json'] } as const;
type Times = Record<'bare' | 'text' | 'json', number[]>;

/** In turns, so that a slow moment of the machine meets all of them. */
async function measure(program: Program, runs: number): Promise<Times> {
  const times: Times = { bare: [], text: [], json: [] };
  for (let run = 0; run < runs; run += 1) {
    times.bare.push((await finished(() => spawn(process.execPath, ['-e', '0'], { env: program.env }))).ms);
    for (const [name, args] of Object.entries(LOOKS) as ['text' | 'json', readonly string[]][]) {
      const { code, stdout, stderr, ms } = await program.run([...args, '--home', program.home]);
      if (code !== 0 || !stdout.includes(name === 'json' ? `"total": ${JOBS}` : `${JOBS} in all`)) throw new Error(`${stdout}${stderr}`);
      times[name].push(ms);
    }
  }
  return times;
}

function ratios(times: Times, name: 'text' | 'json'): number[] {
  return times[name].map((ms, run) => ms / (times.bare[run] ?? Number.NaN));
}

function figuresOf(where: string, times: Times): Figure[] {
  return (['text', 'json'] as const).flatMap((name) => {
    const spread = spreadOf(times[name]);
    return [
      below(`${LOOKS[name].join(' ')}, ${where}`, shown(spread, ' ms'), spread.median, LIMIT_MS, ' ms'),
      besides('  times a bare `node -e 0`', shown(spreadOf(ratios(times, name)), '', 2)),
    ];
  });
}

async function main(): Promise<void> {
  const program = openProgram();
  const clock = new SystemClock();
  const store = new SqliteStore({ path: join(program.home, 'scheduler_state.db'), clock, random: new SystemRandom() });
  try {
    await fill(store, clock.now());
    const packages = await packagesOf(program, ['--status', '--home', program.home]);
    const heavy = packages.filter((name) => TOO_HEAVY.some((one) => name === one || name.startsWith(`${one}-`)));
    // Once for the compile cache, which every run but the first finds.
    await measure(program, 1);
    const open = await measure(program, RUNS);
    await store.close();
    const closed = await measure(program, RUNS);
    report(
      'status',
      [
        ...figuresOf('store at rest', closed),
        ...figuresOf('store in use', open),
        besides('bare `node -e 0`', shown(spreadOf([...closed.bare, ...open.bare]), ' ms')),
        {
          what: 'packages loaded',
          measured: packages.join(' '),
          goal: `none of ${TOO_HEAVY.join(' ')}`,
          met: heavy.length === 0 && packages.includes(NEEDED),
        },
      ],
      {
        jobs: JOBS,
        textMs: spreadOf(closed.text),
        jsonMs: spreadOf(closed.json),
        inUse: { textMs: spreadOf(open.text), jsonMs: spreadOf(open.json) },
        timesBareNode: { text: spreadOf(ratios(closed, 'text')).median, json: spreadOf(ratios(closed, 'json')).median },
        packages,
      },
    );
  } finally {
    await store.close().catch(() => undefined);
    program.close();
  }
}

await main();
