/**
 * The program's entry: argv -> what was ordered -> exit code. Looking
 * (`--status`) takes a short way that imports next to nothing; everything else
 * is composed. The flags run in their order: add, import, act, run, status.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { resolveHome } from './cli/home.ts';
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
  const changes =
    options.add.folders.length > 0 || options.add.accounts.length > 0 || options.import.files.length > 0 || options.run !== null;
  const orders = options.act.length > 0 || options.exportFile !== null;
  const home = homeOf(options.home, changes ? 'create' : orders ? 'order' : 'look');
  const code = changes || orders ? await (await import('./compose.ts')).carryOut({ home, options, terminal, around }) : 0;
  if (options.show === 'plan') await (await import('./compose.ts')).showPlan({ home, options, terminal, around });
  if (options.show === 'status') await status(home, options, options.json, options.watch);
  return code;
}

function homeOf(named: string | null, need: 'look' | 'order' | 'create'): string {
  return resolveHome({ home: named, fromEnvironment: environment()['SCHEDULER_HOME'], workingFolder: process.cwd(), need }).path;
}

/** A `store:` in scheduler.yaml; only then the configuration must be read to look. */
function namesItsStore(home: string): boolean {
  const file = join(home, 'scheduler.yaml');
  return existsSync(file) && /^store:/m.test(readFileSync(file, 'utf8'));
}

async function status(home: string, options: Options | null, json: boolean, watch: boolean): Promise<number> {
  const plain = options === null || (options.config === null && options.overrides.store === undefined && !namesItsStore(home));
  const store = plain ? join(home, 'scheduler_state.db') : (await import('./compose.ts')).configure(home, options).store;
  const { SqliteReader } = await import('./stores/sqlite-reader.ts');
  const { showStatus, watchStatus } = await import('./cli/show-status.ts');
  const request = {
    home,
    store,
    json,
    terminal,
    clock: around.clock,
    openReader: async () => (existsSync(store) ? new SqliteReader({ path: store }) : null),
  };
  await (watch ? watchStatus(request, new AbortController().signal) : showStatus(request));
  return 0;
}

async function complain(error: unknown, json: boolean): Promise<number> {
  const { explained, explanation } = await import('./cli/explain.ts');
  const why = explained(error);
  (json ? process.stdout : process.stderr).write(explanation(why, json));
  return why.exitCode;
}

const argv = process.argv.slice(2);
// `--status | head` closes the pipe: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const code = await main(argv).catch((error: unknown) => complain(error, argv.includes('--json')));
// What is still open (a client's idle sockets) must not keep a finished command alive; output must have left first.
process.stdout.write('', () => process.exit(code));
