/**
 * The program's entry: argv -> what was ordered -> exit code. Looking
 * (`--status`) takes a short way that imports next to nothing; everything else
 * is composed. The flags run in their order: add, import, act, run, status.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { namesItsStore, needOf, resolveHome } from './cli/home.ts';
import type { Options } from './cli/options.ts';
import { quickStatus } from './cli/quick-status.ts';
import type { Terminal } from './cli/terminal.ts';
import { SystemClock } from './runtime/clock.ts';
import { environment } from './runtime/environment.ts';
import { SystemRandom } from './runtime/random.ts';

const around = { clock: new SystemClock(), random: new SystemRandom(), root: resolve(import.meta.dirname, '..') };
const terminal: Terminal = {
  write: (text) => void process.stdout.write(text),
  isTty: process.stdout.isTTY === true,
  columns: process.stdout.columns ?? 100,
};

let isWorking = false;

async function main(argv: readonly string[]): Promise<number> {
  const quick = quickStatus(argv);
  if (quick !== null && !namesItsStore(homeOf(quick.home, 'look'))) return status(homeOf(quick.home, 'look'), null, quick.json, false);
  const { parseArgv } = await import('./cli/options.ts');
  const options = parseArgv(argv, JSON.parse(readFileSync(join(around.root, 'package.json'), 'utf8')).version);
  if (options.print !== null) {
    terminal.write(options.print);
    return 0;
  }
  if (options.simulatePhone !== null) return (await import('./devices/simulated/phone-cli.ts')).main(options.simulatePhone);
  if (options.care !== null) return (await import('./compose-care.ts')).care(options.care, { ...around, options, terminal, homeOf });
  const need = needOf(options);
  isWorking = need !== 'look';
  const home = homeOf(options.home, need);
  let code = 0;
  const shows = options.show !== null && options.show !== 'status';
  if (need !== 'look' || shows) {
    const { carryOut, show } = await import('./cli/carry-out.ts');
    const config = await configure(home, options);
    if (need === 'create') await (await import('./compose-setup.ts')).lookAtOrder(config, around.root, options, terminal);
    const composition = (await import('./compose.ts')).compose(config, around, () => configure(home, options));
    if (need !== 'look') code = await carryOut({ ...around, home, options, terminal }, composition);
    if (shows) await show({ ...around, home, options, terminal }, composition);
  }
  if (options.show === 'status') await status(home, options, options.json, options.watch);
  return code;
}

async function configure(home: string, options: Options | null) {
  return (await import('./config.ts')).loadConfig({ home, file: options?.config ?? null, overrides: options?.overrides ?? {} });
}

function homeOf(named: string | null, need: 'look' | 'order' | 'create'): string {
  return resolveHome({ home: named, fromEnvironment: environment().SCHEDULER_HOME, workingFolder: process.cwd(), need }).path;
}

async function status(home: string, options: Options | null, json: boolean, watch: boolean): Promise<number> {
  const plain = options === null || (options.config === null && options.overrides.store === undefined && !namesItsStore(home));
  const store = plain ? join(home, 'scheduler_state.db') : (await configure(home, options)).store;
  const { SqliteReader } = await import('./stores/sqlite-reader.ts');
  const { showStatus, watchStatus } = await import('./cli/show-status.ts');
  const openReader = async () => (existsSync(store) ? new SqliteReader({ path: store }) : null);
  const request = { home, store, json, terminal, clock: around.clock, openReader, checkConfig: () => configure(home, options) };
  await (watch ? watchStatus(request, new AbortController().signal) : showStatus(request));
  return 0;
}

const argv = process.argv.slice(2);
// `--status | head` closes the pipe: a look ends then, and it is no error of ours. Work that was begun goes on without its reader.
process.stdout.on('error', (error: NodeJS.ErrnoException) => isWorking || process.exit(error.code === 'EPIPE' ? 0 : 1));
process.stderr.on('error', () => undefined);
const code = await main(argv).catch(async (error: unknown) =>
  (await import('./cli/explain.ts')).complain(error, argv.includes('--json'), process),
);
// What is still open (a client's idle sockets) must not keep a finished command alive; output must have left first.
process.stdout.write('', () => process.exit(code));
