/**
 * The same attack on the real chain: the built command line, its own Appium with
 * the UiAutomator2 driver, a real adb server, and a simulated phone whose ledger
 * of posts is the judge. Slower, so there are fewer of these runs.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SeededRandom } from '../support/fake-random.ts';
import { CHAIN_FAULTS } from './chain-faults.ts';
import { ChainPhone } from './chain-phone.ts';
import { ChaosHome, until } from './home.ts';
import { judge, type Verdict } from './judge.ts';
import { finish, type Measure } from './run.ts';
import { timesText } from './series.ts';

export interface ChainResult {
  readonly seed: number;
  readonly fault: string;
  readonly struck: boolean;
  readonly verdict: Verdict;
  readonly posts: number;
  readonly settled: number;
  /** From the start of the command line to the first session on the phone. */
  readonly coldMs: number | null;
  /** From the end of Appium to the next session on the phone. */
  readonly recoveredMs: number | null;
  readonly findings: readonly string[];
}

const COMES_MS = 60_000;
/** Forwards of a killed life, and its Appium, are gone at the end of the next one; the kernel may need a moment. */
const GONE_MS = 5_000;
const VIDEOS = 2;

/** Recovery after the end of Appium, against a cold start of the same run. */
const RECOVERY = { plusMs: 1_000, times: 1.5 };

export interface ChainOptions {
  readonly within: string;
  readonly env: NodeJS.ProcessEnv;
  readonly runs: number;
  readonly seed: number;
  /** Ends the series after the run that is under way. */
  readonly stop?: AbortSignal;
}

/** One after the other: each has an Appium of its own, which is heavy. */
export async function chainSeries(options: ChainOptions): Promise<readonly ChainResult[]> {
  const results: ChainResult[] = [];
  for (let run = 0; run < options.runs && options.stop?.aborted !== true; run++) {
    results.push(await chainRun({ ...options, seed: options.seed + run }));
  }
  return results;
}

async function chainRun(options: Omit<ChainOptions, 'runs' | 'stop'>): Promise<ChainResult> {
  const { seed } = options;
  const random = new SeededRandom(seed);
  const [name, strike] = CHAIN_FAULTS[seed % CHAIN_FAULTS.length] as (typeof CHAIN_FAULTS)[number];
  const [adbPort, appiumPort] = [await freePort(), await freePort()];
  const marker = `${options.within}#${seed}`;
  const env = { ...options.env, ANDROID_ADB_SERVER_PORT: String(adbPort), CHAOS_WORLD: marker };
  const home = new ChaosHome({ ...options, env, accounts: ['alice', 'bob'], videos: VIDEOS, ledger: 'phone/ledger.jsonl', yaml: [] });
  const phone = await ChainPhone.start(join(home.folder, 'phone'), env);
  try {
    home.writeConfig('appium', yamlFor(phone, appiumPort));
    const life = home.run();
    await until(() => life.over() || home.appiumPid() !== null, COMES_MS);
    const first = await phone.nextSession(null, life);
    const coldMs = first === null ? null : Date.now() - life.startedMs;
    const struckMs = await strike({ home, phone, random, adbPort, life });
    const again = name === 'Appium SIGKILL' && struckMs !== null ? await phone.nextSession(await phone.session(), life) : null;
    const recoveredMs = again === null || struckMs === null ? null : performance.now() - struckMs;
    await life.ended;
    await phone.clearFaults();
    const measured: Record<Measure, number[]> = { safe: [], dead: [], hung: [] };
    const broken: string[] = [];
    const settled = await finish(home, measured, broken);
    const verdict = judge(home.accepted(), home.posts(), home.jobs(), Date.now());
    const left = await leftOvers(marker, phone.pid);
    const wrong = [...verdict.findings, ...broken, ...left.map((process) => `left behind: ${process}`)];
    const findings = wrong.map((what) => `${what} [${name}]; npm run chaos -- --runs 0 --chain 1 --seed ${seed}`);
    return { seed, fault: name, struck: struckMs !== null, verdict, posts: home.posts().length, settled, coldMs, recoveredMs, findings };
  } finally {
    await phone.stop();
    await promisify(execFile)('adb', ['-P', String(adbPort), 'kill-server']).catch(() => undefined);
    await home.close();
  }
}

export function chainTable(results: readonly ChainResult[]): readonly string[] {
  const count = (met: (result: ChainResult) => boolean): number => results.filter(met).length;
  const sum = (of: (result: ChainResult) => number): number => results.reduce((total, result) => total + of(result), 0);
  const recovered = results.filter((result) => result.recoveredMs !== null && result.coldMs !== null);
  const late = recovered.filter(({ recoveredMs, coldMs }) => (recoveredMs ?? 0) > RECOVERY.plusMs + RECOVERY.times * (coldMs ?? 0));
  const rows: [string, string | number][] = [
    ['runs on the real chain', results.length],
    ...CHAIN_FAULTS.map(([name]): [string, number] => [`  ${name}`, count((result) => result.fault === name && result.struck)]),
    ['published', sum(({ posts }) => posts)],
    ['settled by a human who looked', sum(({ settled }) => settled)],
    ['published twice', sum(({ verdict }) => verdict.twice)],
    ['lost', sum(({ verdict }) => verdict.lost)],
    ['stuck', sum(({ verdict }) => verdict.stuck)],
    ['cold start: from the command to the first session', timesText(times(results, 'coldMs'), null)],
    [
      'Appium killed: until a session works again',
      `${timesText(times(results, 'recoveredMs'), null)}, ${late.length} over 1 s + 1.5 x cold start`,
    ],
  ];
  return rows.map(([what, value]) => `${what.padEnd(76)} ${value}`);
}

function times(results: readonly ChainResult[], field: 'coldMs' | 'recoveredMs'): readonly number[] {
  return results.flatMap((result) => result[field] ?? []);
}

/** Processes that carry the run's mark; the phone is the harness's own, and an adb server may be somebody's still. */
async function leftOvers(marker: string, phonePid: number): Promise<readonly string[]> {
  const find = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== phonePid)
      .filter((pid) => readProc(pid, 'environ').split('\0').includes(`CHAOS_WORLD=${marker}`))
      .map((pid) => `PID ${pid}: ${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()}`);
  await until(() => find().length === 0, GONE_MS);
  return find();
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function yamlFor(phone: ChainPhone, appiumPort: number): readonly string[] {
  return [
    'accounts: [{name: alice, device: phone-1}, {name: bob, device: phone-1}]',
    `devices: {usb: false, simulated: [{name: phone-1, address: "${phone.address}"}]}`,
    `appium: {base_port: ${appiumPort}, health_timeout: 2s, failures_before_restart: 2, retry_every: 0.5s, restart_pause: 1s}`,
    'phases: {prepare: 40s, push: 20s, open: 20s, identify: 20s, compose: 20s, commit: 15s, confirm: 20s, cleanup: 10s}',
  ];
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
