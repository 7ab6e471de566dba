/**
 * 10,000 videos come in by the command line: what their rows cost, and what it
 * costs besides to check and hash 10,000 small real files.
 *
 * Whole commands of the built program. The rows are what is left of a command
 * from the moment when its progress bar says that the last video is checked:
 * into the store without a daemon, through a running daemon's control socket,
 * and as a whole state by `--import`. Each way has a home of its own each time.
 *
 * Run: `node bench/import.ts [videos]` (about two minutes).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { SqliteReader } from '../src/stores/sqlite-reader.ts';
import { below, besides, report, shown, spreadOf } from './figures.ts';
import { makeVideos, openProgram, type Program } from './program.ts';

const VIDEOS = Number(process.argv[2] ?? 10_000);
const RUNS = 3;
const LIMIT_MS = 10_000;
/** Rows a transaction, as src/cli/intake.ts has it. */
const BATCH_ROWS = 500;
const ACCOUNTS = Array.from({ length: 20 }, (_, number) => `account_${number}`).join(',');

interface Added {
  /** From the last video checked to the end of the command. */
  readonly rowsMs: number;
  /** The whole command. */
  readonly wholeMs: number;
  /** Times that the progress was told. */
  readonly told: number;
}

function newHome(program: Program, name: string): string {
  const home = join(program.folder, name);
  mkdirSync(home);
  const module = join(program.folder, 'nothing.mjs');
  writeFileSync(module, "export default { name: 'nothing', async publish(job, ctx) { await ctx.commit(); } };\n");
  writeFileSync(join(home, 'scheduler.yaml'), `timezone: UTC\ndevices: {usb: false}\npublisher: {module: ${module}}\n`);
  return home;
}

/** The videos wait for a day far away, so that a running daemon has nothing else to do. */
async function addFolder(program: Program, home: string, videos: string): Promise<Added> {
  const startedMs = performance.now();
  const child = program.spawn(['--home', home, '--add-folder', videos, '--add-accounts', ACCOUNTS, '--at', '2099-01-01 10:00']);
  let [checkedMs, text] = [Number.NaN, ''];
  child.stdout?.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8');
    if (Number.isNaN(checkedMs) && text.includes(`${VIDEOS}/${VIDEOS} videos checked`)) checkedMs = performance.now();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    text += bytes.toString('utf8');
  });
  const [code] = await once(child, 'close');
  const endedMs = performance.now();
  if (code !== 0 || !text.includes(`Queued ${VIDEOS} of ${VIDEOS} videos`)) throw new Error(text);
  return { rowsMs: endedMs - checkedMs, wholeMs: endedMs - startedMs, told: text.split('videos checked').length - 1 };
}

async function intoStore(program: Program, videos: string): Promise<{ readonly added: Added[]; readonly transactions: number }> {
  const added: Added[] = [];
  let transactions = Number.NaN;
  for (let run = 0; run < RUNS; run += 1) {
    const home = newHome(program, `store-${run}`);
    added.push(await addFolder(program, home, videos));
    const reader = new SqliteReader({ path: join(home, 'scheduler_state.db') });
    // Each transaction writes one such event.
    transactions = (await reader.events({ types: ['added'] })).length;
    await reader.close();
  }
  return { added, transactions };
}

async function throughDaemon(program: Program, videos: string): Promise<Added> {
  const home = newHome(program, 'daemon');
  await program.run(['--home', home, '--add-accounts', ACCOUNTS]);
  const daemon = program.spawn(['--home', home, '--run']);
  daemon.stdout?.resume();
  try {
    await listening(program, home);
    return await addFolder(program, home, videos);
  } finally {
    await stop(daemon);
  }
}

async function listening(program: Program, home: string): Promise<void> {
  for (let looks = 0; looks < 100; looks += 1) {
    const { stdout } = await program.run(['--home', home, '--status', '--json']);
    if (JSON.parse(stdout).running === true) return;
  }
  throw new Error('the daemon does not run');
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill('SIGTERM');
  await once(daemon, 'exit');
}

/** A whole state out of one home and into new ones; whole processes. */
async function importState(program: Program): Promise<number[]> {
  const file = join(program.folder, 'state.json');
  const times: number[] = [];
  await program.run(['--home', join(program.folder, 'store-0'), '--export', file]);
  for (let run = 0; run < RUNS; run += 1) {
    const home = newHome(program, `import-${run}`);
    const { code, stdout, stderr, ms } = await program.run(['--home', home, '--import', file, '--status', '--json']);
    if (code !== 0 || !stdout.includes(`"pending": ${VIDEOS}`)) throw new Error(stdout + stderr);
    times.push(ms);
  }
  return times;
}

/** What every program would have to do: read and hash the same files, by coreutils. */
async function hashOnly(videos: string): Promise<number> {
  const startedMs = performance.now();
  const child = spawn('sh', ['-c', 'find "$1" -name "*.mp4" -print0 | xargs -0 sha256sum > /dev/null', 'sh', videos], { stdio: 'inherit' });
  await once(child, 'close');
  return performance.now() - startedMs;
}

async function main(): Promise<void> {
  const program = openProgram();
  try {
    const videos = makeVideos(join(program.folder, 'videos'), VIDEOS);
    const { added, transactions } = await intoStore(program, videos);
    const daemon = await throughDaemon(program, videos);
    const imported = spreadOf(await importState(program));
    const hashMs = await hashOnly(videos);
    const rows = spreadOf(added.map(({ rowsMs }) => rowsMs));
    const whole = spreadOf(added.map(({ wholeMs }) => wholeMs));
    const told = Math.min(...added.map((one) => one.told));
    const expected = Math.ceil(VIDEOS / BATCH_ROWS);
    report(
      'import',
      [
        below(`rows of ${VIDEOS} videos, into the store`, shown(rows, ' ms'), rows.median, LIMIT_MS, ' ms'),
        below('rows, through a running daemon', shown(spreadOf([daemon.rowsMs]), ' ms'), daemon.rowsMs, LIMIT_MS, ' ms'),
        below('a whole state of as many, by --import', shown(imported, ' ms'), imported.median, LIMIT_MS, ' ms'),
        { what: 'transactions', measured: String(transactions), goal: String(expected), met: transactions === expected },
        { what: 'progress told in a pipe, times', measured: String(told), goal: '>= 10', met: told >= 10 },
        besides('the whole --add-folder: check, hash, rows', shown(whole, ' ms')),
        besides('sha256sum of the same files, for comparison', `${hashMs.toFixed(0)} ms`),
      ],
      { videos: VIDEOS, rowsMs: rows, daemonRowsMs: daemon.rowsMs, importMs: imported, wholeMs: whole, transactions, hashMs },
    );
  } finally {
    program.close();
  }
}

await main();
