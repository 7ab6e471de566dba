/**
 * Seven days of a home as a service: folders of videos every morning, restarts
 * in order and by SIGKILL, an Appium that dies, configurations that change in
 * between. What was published, and how big everything grew, is noted; whether
 * it was allowed is for the test to say.
 */
import { getEventListeners } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Job } from '../../src/domain/job.ts';
import type { Reply } from '../../src/scheduler/commands.ts';
import { SeededRandom } from '../support/fake-random.ts';
import { ServiceHome } from './service-home.ts';

export interface WeekRequest {
  readonly startMs: number;
  readonly seed: number;
  /** scheduler.yaml at the start, and what it is changed to; hours since the start. */
  readonly configs: readonly { readonly atHour: number; readonly text: string }[];
  readonly videosADay: number;
}

/** How big everything is at the end of a day. */
export interface Sizes {
  readonly day: number;
  readonly logs: readonly { readonly name: string; readonly bytes: number }[];
  readonly storeBytes: number;
  readonly events: number;
  readonly oldestEventMs: number;
  readonly evidence: { readonly bytes: number; readonly oldestMs: number };
  readonly heapBytes: number;
  /** On the signals that live as long as the daemon. */
  readonly listeners: number;
}

export interface WeekReport {
  readonly home: ServiceHome;
  readonly sizes: readonly Sizes[];
  readonly jobs: readonly Job[];
  readonly reloads: readonly Reply[];
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FAULTS = { adbNeverAppears: 0.05, connectionDrops: 0.05, navigationStuck: 0.05, account: 0, content: 0.01, afterCommit: 0.03 };
/** Since the start; the last life lasts for more than two days, so that whatever grows in one has time to. */
const RESTARTS_AT = [9.8, 33.5, 60.1, 74.9, 103.4] as const;
const KILLS_AT = [10.1, 26.7, 38.4, 61.3, 85.5, 110.2] as const;
const APPIUM_DEATHS = 20;
const LONG_OUTAGES = 3;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

export async function simulateWeek({ startMs, seed, configs, videosADay }: WeekRequest): Promise<WeekReport> {
  const [first] = configs;
  const home = new ServiceHome({ startMs, seed, phones: 4, faults: FAULTS, config: first?.text ?? '' });
  const random = new SeededRandom(seed);
  const reloads: Reply[] = [];
  const sizes: Sizes[] = [];
  let jobs: readonly Job[] = [];
  const deaths = Array.from({ length: APPIUM_DEATHS }, (_, index) => {
    const outageMs = index < LONG_OUTAGES ? HOUR : 0;
    return { atMs: random.fraction() * 7 * DAY, act: async () => home.appium.die(outageMs) };
  });
  const plan = [
    ...deaths,
    ...RESTARTS_AT.map((hour) => ({ atMs: hour * HOUR, act: () => home.restart() })),
    ...KILLS_AT.map((hour) => ({ atMs: hour * HOUR, act: () => home.kill() })),
    ...configs.slice(1).map(({ atHour, text }) => ({ atMs: atHour * HOUR, act: async () => void reloads.push(await home.reload(text)) })),
    ...[0, 1, 2, 3, 4, 5, 6].map((day) => ({ atMs: day * DAY + 1, act: () => home.addJobs(videosADay) })),
    ...[1, 2, 3, 4, 5, 6, 7].map((day) => ({ atMs: day * DAY - 1, act: async () => void sizes.push(await sizesOf(home, day)) })),
  ].sort((a, b) => a.atMs - b.atMs);
  const live = async () => {
    await home.start();
    for (const { atMs, act } of plan) {
      await home.clock.sleep(startMs + atMs - home.clock.now(), 'the next thing that happens');
      await act();
    }
    await home.clock.sleep(5_000, 'the end');
    jobs = await home.life.own.store.jobs({});
    await home.life.stop();
  };
  await home.clock.run(live(), 8 * DAY);
  return { home, sizes, jobs, reloads };
}

async function sizesOf(home: ServiceHome, day: number): Promise<Sizes> {
  const { store } = home.life.own;
  // First, while nothing that is looked at below is held.
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  const heapBytes = process.memoryUsage().heapUsed;
  const logs = filesIn(join(home.folder, 'logs', 'daily')).map(({ name, bytes }) => ({ name, bytes }));
  const evidence = filesIn(join(home.folder, 'evidence')).filter(({ name }) => name.endsWith('.png'));
  const events = await store.events({});
  const { shutdown } = home.life;
  return {
    day,
    logs,
    storeBytes: filesIn(home.folder, false).reduce((sum, { name, bytes }) => sum + (name.startsWith('scheduler_state.db') ? bytes : 0), 0),
    events: events.length,
    oldestEventMs: Math.min(...events.filter(({ type }) => type !== 'settled').map(({ atMs }) => atMs)),
    evidence: { bytes: evidence.reduce((sum, { bytes }) => sum + bytes, 0), oldestMs: Math.min(...evidence.map(({ atMs }) => atMs)) },
    heapBytes,
    listeners: shutdown === null ? 0 : [shutdown.signal, shutdown.hard].flatMap((signal) => getEventListeners(signal, 'abort')).length,
  };
}

function filesIn(folder: string, recursive = true): readonly { readonly name: string; readonly bytes: number; readonly atMs: number }[] {
  return readdirSync(folder, { recursive, encoding: 'utf8' }).flatMap((name) => {
    const stat = statSync(join(folder, name));
    return stat.isFile() ? [{ name, bytes: stat.size, atMs: stat.mtimeMs }] : [];
  });
}
