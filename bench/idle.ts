/**
 * What a daemon takes while nothing is to be done: memory and processor time,
 * without Appium before its first session, and after a session on the real chain.
 *
 * Read from /proc, so Linux only. Memory is the highest resident size within the
 * window, processor time that of all threads. The window holds a tick of the
 * minute (the snapshot) and two rounds of the house. What Appium and adb take is
 * theirs and is not counted.
 *
 * Run: `node bench/idle.ts [seconds]` (about two and a half minutes).
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../src/runtime/clock.ts';
import { startChain } from '../test/phone/chain.ts';
import { below, besides, report } from './figures.ts';
import { makeVideos, openProgram, type Program } from './program.ts';

const WINDOW_S = Number(process.argv[2] ?? 60);
const LIMIT = { beforeMb: 130, afterMb: 200, cpuPercent: 0.5 };
/** The start itself, and the garbage of the start, are not idleness. */
const CALM_S = 10;
const LOOK_MS = 500;
const PATIENCE_MS = 120_000;
/** Linux: `getconf CLK_TCK` is 100 on every machine that Node runs on. */
const TICKS_PER_S = 100;
const WAITING = 200;

const clock = new SystemClock();

interface Idle {
  readonly mb: number;
  readonly cpuPercent: number;
}

async function watch(pid: number): Promise<Idle> {
  await clock.sleep(CALM_S * 1000, 'calm');
  const [ticks, startedMs] = [cpuTicks(pid), clock.monotonic()];
  let mb = 0;
  while (clock.monotonic() - startedMs < WINDOW_S * 1000) {
    mb = Math.max(mb, memoryMb(pid, 'VmRSS'));
    await clock.sleep(LOOK_MS, 'window');
  }
  const seconds = (clock.monotonic() - startedMs) / 1000;
  return { mb, cpuPercent: ((cpuTicks(pid) - ticks) / TICKS_PER_S / seconds) * 100 };
}

function memoryMb(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const kb = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}

/** User and system time of all threads; the fields after the name, which may hold anything, in brackets. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

async function until(what: string, answer: () => Promise<boolean> | boolean): Promise<void> {
  for (const startedMs = clock.monotonic(); !(await answer()); await clock.sleep(LOOK_MS, what)) {
    if (clock.monotonic() - startedMs > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
  }
}

async function start(program: Program): Promise<ChildProcess & { readonly pid: number }> {
  const daemon = program.spawn(['--home', program.home, '--run']);
  daemon.stderr?.pipe(process.stderr);
  daemon.stdout?.resume();
  const log = join(program.home, 'logs', 'scheduler.log');
  await until('start of the daemon', () => {
    if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}`);
    return said(log, 'Scheduler started');
  });
  return daemon as ChildProcess & { readonly pid: number };
}

function said(log: string, message: string): boolean {
  try {
    return readFileSync(log, 'utf8').includes(message);
  } catch {
    return false;
  }
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  daemon.kill('SIGTERM');
  await once(daemon, 'exit');
}

function configure(program: Program, lines: readonly string[]): void {
  writeFileSync(join(program.home, 'scheduler.yaml'), `${['timezone: UTC', ...lines].join('\n')}\n`);
}

async function order(program: Program, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await program.run(['--home', program.home, ...args]);
  if (code !== 0) throw new Error(`${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** A module publisher; 200 videos of 20 accounts that wait for a day far away. */
async function withoutAppium(program: Program): Promise<Idle & { readonly peakMb: number }> {
  const module = join(program.folder, 'nothing.mjs');
  writeFileSync(module, "export default { name: 'nothing', async publish(job, ctx) { await ctx.commit(); } };\n");
  configure(program, ['defaults: {app: demo}', 'devices: {usb: false}', `publisher: {module: ${module}}`]);
  const accounts = Array.from({ length: 20 }, (_, number) => `account_${number}`).join(',');
  const videos = makeVideos(join(program.folder, 'videos'), WAITING);
  await order(program, '--add-folder', videos, '--add-accounts', accounts, '--at', '2099-01-01 10:00');
  const daemon = await start(program);
  try {
    return { ...(await watch(daemon.pid)), peakMb: memoryMb(daemon.pid, 'VmHWM') };
  } finally {
    await stop(daemon);
  }
}

/** One post through the app on a simulated phone; Appium is there already and is not the daemon's. */
async function afterSession(program: Program): Promise<{ readonly before: number; readonly after: Idle; readonly peakMb: number }> {
  const chain = await startChain();
  try {
    const phone = await chain.phone({ name: 'phone-1', accounts: ['alice'] });
    configure(program, [
      'defaults: {app: demo, posts_per_day: 5}',
      `devices: {usb: false, simulated: [{name: phone-1, address: "${phone.adbAddress}"}]}`,
      `adb: {port: ${chain.adbPort}}`,
      `appium: {url: "${chain.appiumUrl}"}`,
    ]);
    await order(program, '--add-accounts', 'alice');
    const daemon = await start(program);
    try {
      await clock.sleep(CALM_S * 1000, 'calm');
      const before = memoryMb(daemon.pid, 'VmRSS');
      await order(program, '--add-folder', makeVideos(join(program.folder, 'videos'), 1, 3_000_000));
      await until('the post', async () => JSON.parse(await order(program, '--status', '--json')).jobs.success === 1);
      return { before, after: await watch(daemon.pid), peakMb: memoryMb(daemon.pid, 'VmHWM') };
    } finally {
      await stop(daemon);
    }
  } finally {
    await chain.stop();
  }
}

async function within<T>(work: (program: Program) => Promise<T>): Promise<T> {
  const program = openProgram();
  try {
    return await work(program);
  } finally {
    program.close();
  }
}

const mb = (value: number) => `${value.toFixed(0)} MB`;
const percent = (value: number) => `${value.toFixed(2)} %`;

async function main(): Promise<void> {
  const bare = await within(withoutAppium);
  const used = await within(afterSession);
  report(
    'idle',
    [
      below('memory without Appium, before the first session', mb(bare.mb), bare.mb, LIMIT.beforeMb, ' MB'),
      below('memory after a session', mb(used.after.mb), used.after.mb, LIMIT.afterMb, ' MB'),
      below(`of one core without Appium, over ${WINDOW_S} s`, percent(bare.cpuPercent), bare.cpuPercent, LIMIT.cpuPercent, ' %'),
      besides('of one core after a session, Appium watched', percent(used.after.cpuPercent)),
      besides('memory with the app publisher, before its session', mb(used.before)),
      besides('highest memory ever, without and with a session', `${mb(bare.peakMb)}, ${mb(used.peakMb)}`),
    ],
    { windowS: WINDOW_S, withoutAppium: bare, afterSession: used },
  );
}

await main();
