/**
 * What is done to a home whose publisher is a module: one entry per kind of
 * fault. Each runs at least one life of the command line, strikes, and is over
 * when its processes are. Nothing here judges.
 */
import { copyFileSync, existsSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Visit } from '../process/stage.ts';
import type { SeededRandom } from '../support/fake-random.ts';
import { type ChaosHome, type Life, until } from './home.ts';
import { type ActGate, GATES, type Pace } from './pace.ts';

export interface Scene {
  readonly home: ChaosHome;
  readonly pace: Pace;
  readonly random: SeededRandom;
  /** A holder that hung was replaced by this life. */
  readonly replacedHung: (life: Life) => void;
  /** Something that must never be, whatever the ledger says. */
  readonly broken: (what: string) => void;
}

export interface Fault {
  readonly name: string;
  /** The home lies on a disk of a few megabytes. */
  readonly smallDisk?: true;
  /** A frozen holder may act after its successor looked: only a patient human may judge then, no look of the publisher. */
  readonly withoutLooks?: true;
  /** False when there was nothing to hit. */
  readonly strike: (scene: Scene) => Promise<boolean>;
}

/** How long a harness waits for what must come; then it strikes anyway. */
const COMES_MS = 20_000;
const SMALL_DISK_ENDS_MS = 20_000;
/** The lock's take-over ends a hung holder politely for 3 s before it kills. */
const WAKE_WITHIN_MS = 4_000;

function atGate(gate: ActGate, hit: (scene: Scene, life: Life, visit: Visit) => Promise<void>): Fault['strike'] {
  return async (scene) => {
    const life = scene.home.run();
    const visit = await scene.pace.meet(gate, life.ended);
    if (visit === null) return false;
    await sleep(scene.random.fraction() * 20);
    await hit(scene, life, visit);
    visit.go();
    await life.ended;
    return true;
  };
}

/** A life that has made some of its visits; `hit` at any moment of its work. */
function anywhere(hit: (scene: Scene, life: Life) => Promise<void>): Fault['strike'] {
  return async (scene) => {
    const { home, pace, random } = scene;
    const life = home.run();
    const visits = pace.visits + Math.floor(random.fraction() * 3 * home.options.videos);
    await until(() => life.over() || pace.visits >= visits, COMES_MS);
    await sleep(random.fraction() * 40);
    const hits = !life.over();
    await hit(scene, life);
    await life.ended;
    return hits;
  };
}

const kill = async (_: Scene, life: Life): Promise<void> => life.kill();
const term = async (_: Scene, life: Life): Promise<void> => life.signal('SIGTERM');

async function termTwice({ random }: Scene, life: Life): Promise<void> {
  life.signal('SIGTERM');
  await sleep(random.fraction() * 200);
  life.signal('SIGTERM');
}

async function freezeAndWake({ random }: Scene, life: Life): Promise<void> {
  life.signal('SIGSTOP');
  await sleep(random.fraction() * 1_500);
  life.signal('SIGCONT');
}

/** The successor ends the silent holder; half of them wake while that happens. */
async function freezeUntilReplaced(scene: Scene, life: Life): Promise<void> {
  const { home, random } = scene;
  life.signal('SIGSTOP');
  await sleep(20);
  home.growOld();
  const next = home.run();
  const wakes = random.fraction() < 0.5 ? sleep(random.fraction() * WAKE_WITHIN_MS).then(() => life.signal('SIGCONT')) : null;
  await next.ended;
  await wakes;
  if (!life.over()) scene.broken('a hung holder was neither ended nor respected');
  life.signal('SIGKILL');
  if (wakes === null) scene.replacedHung(next);
}

/** Its lock proves nothing and its guard is gone: both live, and both act as they see fit. */
async function freezeAndWakeBeside(scene: Scene, life: Life, visit: Visit): Promise<void> {
  const { home } = scene;
  life.signal('SIGSTOP');
  await sleep(20);
  home.growOld({ start_ticks: undefined });
  for (const end of ['', '-journal', '-wal', '-shm']) rmSync(home.path(`scheduler.guard.db${end}`), { force: true });
  const next = home.run();
  await until(() => next.over() || home.safeAtMs(next) !== null, COMES_MS);
  await sleep(scene.random.fraction() * 300);
  life.signal('SIGCONT');
  visit.go();
  await Promise.all([next.ended, life.ended]);
}

/** Another process keeps the write lock of the database for a while. */
async function lockDatabase({ home, random }: Scene): Promise<void> {
  if (!existsSync(home.path('scheduler_state.db'))) return;
  const db = new Database(home.path('scheduler_state.db'), { timeout: 0 });
  try {
    for (let tries = 0; tries < 200; tries++) {
      try {
        db.exec('BEGIN IMMEDIATE');
        break;
      } catch {
        await sleep(2);
      }
    }
    await sleep(100 + random.fraction() * 3_000);
    if (db.inTransaction) db.exec('ROLLBACK');
  } finally {
    db.close();
  }
}

async function fillDisk({ home, random }: Scene, life: Life): Promise<void> {
  const ballast = home.path('ballast');
  fill(ballast);
  const then = random.fraction();
  if (then < 0.4) await sleep(random.fraction() * 2_000);
  else if (then < 0.7) await until(life.over, SMALL_DISK_ENDS_MS);
  else {
    await sleep(random.fraction() * 2_000);
    await life.kill();
  }
  unlinkSync(ballast);
}

function fill(path: string): void {
  for (const bytes of [1_048_576, 65_536, 1_024, 1]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}

const DATABASE = ['scheduler_state.db', 'scheduler_state.db-wal', 'scheduler_state.db-shm'];

async function deleteDatabase(scene: Scene): Promise<boolean> {
  const hits = await anywhere(scene.random.fraction() < 0.5 ? kill : term)(scene);
  for (const name of DATABASE) rmSync(scene.home.path(name), { force: true });
  return hits;
}

/** What was done between the copy and its return is forgotten by the database. */
async function restoreDatabase(scene: Scene): Promise<boolean> {
  const { home } = scene;
  await anywhere(kill)(scene);
  const there = DATABASE.filter((name) => existsSync(home.path(name)) && !name.endsWith('-shm'));
  for (const name of there) copyFileSync(home.path(name), `${home.folder}/${name}.old`);
  const hits = await anywhere(scene.random.fraction() < 0.5 ? kill : term)(scene);
  for (const name of DATABASE) rmSync(home.path(name), { force: true });
  for (const name of there) copyFileSync(`${home.folder}/${name}.old`, home.path(name));
  return hits;
}

async function startTogether(scene: Scene): Promise<boolean> {
  await anywhere(kill)(scene);
  scene.home.addVideo();
  return raceOfStarters(scene, 2 + Math.floor(scene.random.fraction() * 3));
}

/** So many starters on the lock of a dead holder: exactly one may act. The lucky one is kept at work until all others have given up. */
export async function raceOfStarters({ home, pace, broken }: Scene, number: number): Promise<boolean> {
  const before = home.posts().length;
  const lives = Array.from({ length: number }, () => home.run());
  const visit = await pace.meet('before', Promise.all(lives.map(({ ended }) => ended)));
  const othersEnded = () => lives.filter((life) => !life.over()).length <= 1;
  if (visit !== null && !(await until(othersEnded, COMES_MS))) broken('more than one of the starters goes on');
  visit?.go();
  const codes = (await Promise.all(lives.map(({ ended }) => ended))).map(({ code }) => code);
  const actors = new Set(
    home
      .posts()
      .slice(before)
      .map(({ pid }) => pid),
  );
  const refused = codes.filter((code) => code === 3).length;
  if (actors.size > 1 || (visit !== null && refused !== number - 1)) {
    broken(`of ${number} starters ${actors.size} acted; exit codes ${codes.join(', ')}`);
  }
  return visit !== null;
}

/** The publisher ends with an error that says nothing about the act, after it or before it. */
function answerLost(message: string): (scene: Scene, life: Life, visit: Visit) => Promise<void> {
  return async (_, __, visit) => visit.go({ message });
}

export const FAULTS: readonly Fault[] = [
  {
    name: 'SIGKILL while starting',
    strike: async ({ home, random }) => {
      const life = home.run();
      await sleep(random.fraction() * 900);
      await life.kill();
      return true;
    },
  },
  ...GATES.map((gate): Fault => ({ name: `SIGKILL, ${whereIs(gate)}`, strike: atGate(gate, kill) })),
  { name: 'SIGKILL anywhere', strike: anywhere(kill) },
  ...GATES.map((gate): Fault => ({ name: `SIGTERM, ${whereIs(gate)}`, strike: atGate(gate, term) })),
  { name: 'SIGTERM twice', strike: anywhere(termTwice) },
  { name: 'SIGSTOP and SIGCONT', strike: anywhere(freezeAndWake) },
  ...GATES.map((gate): Fault => ({ name: `SIGSTOP past take-over, ${whereIs(gate)}`, strike: atGate(gate, freezeUntilReplaced) })),
  ...GATES.map(
    (gate): Fault => ({
      name: `woken beside its successor, ${whereIs(gate)}`,
      withoutLooks: true,
      strike: atGate(gate, freezeAndWakeBeside),
    }),
  ),
  { name: 'starters on one stale lock', strike: startTogether },
  { name: 'SQLITE_BUSY', strike: anywhere(lockDatabase) },
  { name: 'ENOSPC', smallDisk: true, strike: anywhere(fillDisk) },
  { name: 'database deleted', strike: deleteDatabase },
  { name: 'database restored from a copy', strike: restoreDatabase },
  { name: 'error before the commit point', strike: atGate('before', answerLost('socket hang up')) },
  { name: 'answer lost, not carried out', strike: atGate('committed', answerLost('socket hang up')) },
  { name: 'answer lost, carried out', strike: atGate('acted', answerLost('timeout of 8000ms exceeded')) },
];

function whereIs(gate: ActGate): string {
  return { before: 'before the commit point', committed: 'before the act', acted: 'after the act' }[gate];
}
