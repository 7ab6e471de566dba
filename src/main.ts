/**
 * The program's entry: argv -> what was ordered -> exit code. Looking
 * (`--status`) takes a short way that imports next to nothing; everything else
 * is composed. The flags run in their order: add, import, act, run, status.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkStore, namesItsStore, needOf, resolveHome } from './cli/home.ts';
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
  if (quick !== null && !namesItsStore(homeOf(quick.home, 'look'))) return look(homeOf(quick.home, 'look'), null, quick.json, false);
  const { parseArgv } = await import('./cli/options.ts');
  const options = parseArgv(argv, JSON.parse(readFileSync(join(around.root, 'package.json'), 'utf8')).version);
  if (options.print !== null) {
    terminal.write(options.print);
    return 0;
  }
  if (options.simulatePhone !== null) return (await import('./devices/simulated/phone-cli.ts')).main(options.simulatePhone);
  if (options.care !== null)
    return (await import('./compose-care.ts')).care(options.care, { ...around, options, terminal, homeOf, configure });
  const need = needOf(options);
  isWorking = need !== 'look';
  const home = homeOf(options.home, need);
  const line = { ...around, home, options, terminal };
  const read = () => configure(home, options);
  const isDone = need === 'look' || (await (await import('./cli/give-orders.ts')).giveOrders(line, read));
  const shows = options.show !== null && options.show !== 'status';
  let code = 0;
  if (!isDone || shows) {
    const { carryOut, show } = await import('./cli/carry-out.ts');
    const config = await read();
    if (need === 'create') await (await import('./compose-setup.ts')).lookAtOrder(config, around.root, options, terminal);
    const composition = (await import('./compose.ts')).compose(config, around, read);
    if (!isDone) code = await carryOut(line, composition);
    if (shows) await show(line, composition);
  }
  if (options.show === 'status') await look(home, options, options.json, options.watch);
  return code;
}

async function look(home: string, options: Options | null, json: boolean, watch: boolean): Promise<number> {
  const parts = { ...around, home, options, json, watch, terminal, configure: () => configure(home, options) };
  await (await import('./compose-status.ts')).status(parts);
  return 0;
}

async function configure(home: string, options: Options | null) {
  const config = (await import('./config.ts')).loadConfig({ home, file: options?.config ?? null, overrides: options?.overrides ?? {} });
  if (options !== null) checkStore(options, config.store);
  return config;
}

function homeOf(named: string | null, need: 'look' | 'order' | 'create'): string {
  return resolveHome({ home: named, fromEnvironment: environment().SCHEDULER_HOME, workingFolder: process.cwd(), need }).path;
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
