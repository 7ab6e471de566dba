/**
 * What is done to a home on the real chain: one entry per kind of fault. Each
 * strikes a life that has a session on its phone. Nothing here judges.
 */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Fault } from '../../src/devices/simulated/faults.ts';
import type { SeededRandom } from '../support/fake-random.ts';
import { HOLDS, type Hold, TAP_CARRIED_OUT } from '../support/phone-holds.ts';
import type { ChainPhone } from './chain-phone.ts';
import { type ChaosHome, type Life, until } from './home.ts';

export interface Scene {
  readonly home: ChaosHome;
  readonly phone: ChainPhone;
  readonly random: SeededRandom;
  readonly adbPort: number;
  readonly life: Life;
}

/** When it struck, by `performance.now()`; null = there was nothing to hit. */
export type Strike = (scene: Scene) => Promise<number | null>;

type Named = readonly [string, Strike];

const COMES_MS = 60_000;
/** A flow on the simulated phone takes about this long. */
const FLOW_MS = 2_500;
const POLL_MS = 10;
const SILENT_MS = 5_000;
const FROZEN_MS = 20;
/** A successor starts within this: some wake before it takes over, some are gone by then. */
const WAKE_WITHIN_MS = 2_000;

const anywhere =
  (hit: (scene: Scene) => Promise<unknown>): Strike =>
  async (scene) => {
    await sleep(scene.random.fraction() * FLOW_MS);
    if (scene.life.over()) return null;
    const atMs = performance.now();
    await hit(scene);
    return atMs;
  };

const whenPosted =
  (hit: (scene: Scene) => Promise<unknown>): Strike =>
  async (scene) => {
    await until(() => scene.life.over() || scene.home.posts().length > 0, COMES_MS);
    if (scene.life.over()) return null;
    await hit(scene);
    return performance.now();
  };

const fault =
  (switched: Fault): Strike =>
  async ({ phone, life }) => {
    await phone.fault(switched);
    await life.ended;
    return (await phone.struckBy(switched)) ? performance.now() : null;
  };

const held =
  (hold: Hold, hit: (scene: Scene) => Promise<unknown>): Strike =>
  async (scene) => {
    const { phone, life } = scene;
    await phone.fault(hold.fault);
    while (!life.over() && !(await phone.struckBy(hold.fault))) await sleep(POLL_MS);
    if (life.over()) return null;
    await hit(scene);
    return performance.now();
  };

const killAdb = ({ adbPort }: Scene): Promise<unknown> => promisify(execFile)('adb', ['-P', String(adbPort), 'kill-server']);

const kill = ({ life }: Scene): Promise<void> => life.kill();

/** The successor ends the frozen holder, or respects it when it wakes in time. */
async function freezeUntilReplaced({ home, life, random, phone }: Scene): Promise<void> {
  life.signal('SIGSTOP');
  await sleep(FROZEN_MS);
  home.growOld();
  await phone.clearFaults();
  const next = home.run();
  await sleep(random.fraction() * WAKE_WITHIN_MS);
  life.signal('SIGCONT');
  await next.ended;
  await life.ended;
}

const signalAppium =
  (name: NodeJS.Signals) =>
  async ({ home }: Scene): Promise<void> => {
    const pid = home.appiumPid();
    if (pid !== null) process.kill(pid, name);
  };

export const CHAIN_FAULTS: readonly Named[] = [
  ['Appium SIGKILL', anywhere(signalAppium('SIGKILL'))],
  ['Appium SIGKILL at the tap', held(TAP_CARRIED_OUT, signalAppium('SIGKILL'))],
  ['Appium SIGSTOP', anywhere(signalAppium('SIGSTOP'))],
  ['adb server killed', anywhere(killAdb)],
  ['adb server killed at the tap', held(TAP_CARRIED_OUT, killAdb)],
  ['phone dropped before the tap', fault({ name: 'drop', on: 'tap:Post' })],
  ['phone dropped during the tap', fault({ name: 'drop', on: 'tap:Post', carried_out: true })],
  ['phone dropped after the tap', whenPosted(({ phone }) => phone.fault({ name: 'drop' }))],
  ['answer lost, tap carried out', fault({ name: 'uia2_answer_lost', on: 'tap:Post', once: true })],
  ['server on the phone dies at the tap', fault({ name: 'uia2_die', on: 'tap:Post', carried_out: true })],
  ['answer never comes, tap carried out', fault(TAP_CARRIED_OUT.fault)],
  ['phone silent from the tap on', fault({ name: 'silent', on: 'tap:Post', carried_out: true, ms: SILENT_MS })],
  ['phone restarts at the tap', fault({ name: 'reboot', on: 'tap:Post', carried_out: true })],
  ['scheduler SIGKILL', anywhere(kill)],
  ['scheduler SIGKILL after the tap', whenPosted(kill)],
  ...HOLDS.map((hold): Named => [`scheduler SIGKILL, ${hold.where}`, held(hold, kill)]),
  ...HOLDS.map((hold): Named => [`scheduler SIGSTOP past take-over, ${hold.where}`, held(hold, freezeUntilReplaced)]),
];
