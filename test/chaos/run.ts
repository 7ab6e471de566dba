/**
 * One run: a seed decides the world, the faults and their moments; then a clean
 * start is allowed to finish, and a truthful person who looks at the ledger
 * settles what is uncertain. Judged by judge.ts.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStage } from '../process/stage.ts';
import { SeededRandom } from '../support/fake-random.ts';
import { FAULTS, type Fault, raceOfStarters, type Scene } from './faults.ts';
import { ChaosHome, type Life } from './home.ts';
import { type JobView, judge, type Verdict } from './judge.ts';
import { Pace } from './pace.ts';

export interface RunOptions {
  readonly seed: number;
  readonly within: string;
  readonly env: NodeJS.ProcessEnv;
  /** Index into FAULTS of the first fault; null = the seed decides. */
  readonly first: number | null;
}

export interface RunResult {
  readonly seed: number;
  /** Faults that struck, by name. */
  readonly struck: readonly string[];
  readonly missed: number;
  readonly verdict: Verdict;
  /** Milliseconds, by what was measured. */
  readonly measured: Readonly<Record<Measure, readonly number[]>>;
  readonly settled: number;
  readonly accepted: number;
  readonly posts: number;
  readonly withReason: number;
  /** What must never be, besides the three that the verdict counts. */
  readonly broken: readonly string[];
}

/** `safe`: from the clean start to "everything of earlier lives is brought home". `dead`, `hung`: from the start to the first claim. */
export type Measure = 'safe' | 'dead' | 'hung';

const MOST_FAULTS = 3;
const CLEAN_STARTS = 8;
/** A job that falls due within this is waited for. */
const NEAR_MS = 5_000;
const SMALL_DISK = 'size=24m';

/** @throws Error when the harness itself cannot go on */
export async function chaosRun(options: RunOptions): Promise<RunResult> {
  const random = new SeededRandom(options.seed);
  const faults = chooseFaults(random, options.first);
  const accounts = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].slice(0, faults.length + 1 + Math.floor(random.fraction() * 3));
  const home = new ChaosHome({ ...options, accounts, videos: 2 + Math.floor(random.fraction() * 5), yaml: [] });
  const stage = await openStage();
  const unmount = faults.some(({ smallDisk }) => smallDisk) ? mountSmallDisk(home) : () => undefined;
  try {
    const looks = random.fraction() < 0.5 && !faults.some(({ withoutLooks }) => withoutLooks);
    const module = looks ? join(import.meta.dirname, 'looking-ledger.mjs') : join(import.meta.dirname, '..', 'process', 'ledger.mjs');
    home.writeConfig(`{module: ${module}, options: ${JSON.stringify({ url: stage.url, ledger: home.ledgerFile })}}`);
    return await attack(options.seed, faults, { home, random, pace: new Pace(stage, random) });
  } finally {
    await stage.close();
    await home.close(unmount);
  }
}

function chooseFaults(random: SeededRandom, first: number | null): readonly Fault[] {
  const number = 1 + Math.floor(random.fraction() * MOST_FAULTS);
  const drawn = Array.from({ length: number }, () => Math.floor(random.fraction() * FAULTS.length));
  if (first !== null) drawn[0] = first % FAULTS.length;
  const faults = drawn.map((index) => FAULTS[index] as Fault);
  return canMount() ? faults : faults.map((fault) => (fault.smallDisk ? (FAULTS[0] as Fault) : fault));
}

async function attack(seed: number, faults: readonly Fault[], parts: Pick<Scene, 'home' | 'random' | 'pace'>): Promise<RunResult> {
  const { home } = parts;
  const measured: Record<Measure, number[]> = { safe: [], dead: [], hung: [] };
  const broken: string[] = [];
  const scene: Scene = {
    ...parts,
    replacedHung: (life) => push(measured.hung, home.firstClaimMs(life.startedMs), life),
    broken: (what) => broken.push(what),
  };
  const struck: string[] = [];
  for (const fault of faults) {
    home.addVideo();
    if (await fault.strike(scene)) struck.push(fault.name);
  }
  home.addVideo();
  const settled = await finish(home, measured, broken);
  const jobs = home.jobs();
  return {
    seed,
    struck,
    missed: faults.length - struck.length,
    verdict: judge(home.accepted(), home.posts(), jobs, Date.now()),
    measured,
    settled,
    accepted: home.accepted().length,
    posts: home.posts().length,
    withReason: jobs.filter(({ status }) => status === 'failed' || status === 'skipped').length,
    broken,
  };
}

/** Clean starts until nothing can be done any more; answers how many jobs the human settled. */
export async function finish(home: ChaosHome, measured: Record<Measure, number[]>, broken: string[]): Promise<number> {
  let settled = 0;
  let orders: readonly string[] = [];
  for (let start = 0; start < CLEAN_STARTS; start++) {
    const life = home.run(...orders);
    const { code, signal, stderr } = await life.ended;
    if (code !== 0 && code !== 4) broken.push(`a clean start ended with ${code ?? signal}: ${stderr.slice(0, 500)}`);
    if (start === 0) {
      push(measured.safe, home.safeAtMs(life), life);
      push(measured.dead, home.firstClaimMs(life.startedMs), life);
    }
    const jobs = home.jobs();
    const uncertain = jobs.filter(({ status }) => status === 'uncertain');
    orders = uncertain.flatMap((job) => ['--settle', job.id, isPublic(home, job) ? 'published' : 'absent']);
    settled += uncertain.length;
    const waits = jobs.filter(({ status }) => status === 'retrying' || status === 'pending').map(({ dueMs }) => dueMs - Date.now());
    const near = waits.filter((ms) => ms > 0 && ms < NEAR_MS);
    if (uncertain.length === 0 && near.length === 0) return settled;
    await sleep(Math.max(0, ...near));
  }
  broken.push(`not at rest after ${CLEAN_STARTS} clean starts`);
  return settled;
}

function isPublic(home: ChaosHome, job: JobView): boolean {
  return home.posts().some(({ account, sha256 }) => account === job.account && sha256 === job.sha256);
}

function push(times: number[], atMs: number | null, life: Life): void {
  if (atMs !== null) times.push(atMs - life.startedMs);
}

/** Rounds of `starters` on the lock that a killed holder left; answers what was wrong, one line a round. */
export async function starterRounds(options: Omit<RunOptions, 'first'>, rounds: number, starters: number): Promise<readonly string[]> {
  const random = new SeededRandom(options.seed);
  const home = new ChaosHome({ ...options, accounts: ['alice', 'bob', 'carol'], videos: 1, yaml: ['workers: 3'] });
  const stage = await openStage();
  const wrong: string[] = [];
  try {
    const module = join(import.meta.dirname, '..', 'process', 'ledger.mjs');
    home.writeConfig(`{module: ${module}, options: ${JSON.stringify({ url: stage.url, ledger: home.ledgerFile })}}`);
    const pace = new Pace(stage, random);
    const scene: Scene = { home, pace, random, replacedHung: () => undefined, broken: (what) => wrong.push(what) };
    for (let round = 0; round < rounds; round++) {
      home.addVideo();
      home.leaveStaleLock();
      if (!(await raceOfStarters(scene, starters))) wrong.push(`round ${round}: nobody acted`);
    }
    const { findings } = judge(home.accepted(), home.posts(), home.jobs(), Date.now());
    return [...wrong, ...findings];
  } finally {
    await stage.close();
    await home.close();
  }
}

/** A full disk needs a disk that can be filled: a small one in memory, which only root may mount. */
export function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

function mountSmallDisk(home: ChaosHome): () => void {
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', SMALL_DISK, 'chaos', home.home], { encoding: 'utf8' });
  if (mounted.status !== 0) throw new Error(`no small disk could be mounted: ${mounted.stderr}`);
  return () => void spawnSync('umount', ['-l', home.home]);
}
