/**
 * Guards promise 7: a look costs little more than Node itself. Its processor
 * time is compared with that of a bare Node in turns, so that neither a slow
 * machine nor a busy one decides; bench/status.ts has the milliseconds.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { POLICY } from '../stores/subject.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { newWorld, ROOT, type World } from './world.ts';

const PROGRAM = join(ROOT, 'bin', 'scheduler.js');
const ROUNDS = 8;
/** Measured at load 27, twice: 2.48 and 2.56, 3.60 and 3.66, 3.40 and 3.40 times a bare Node. zod alone would add 1 or more. */
const LOOKS = [
  { look: '--help', limit: 3.2, packages: ['commander'] },
  { look: '--status', limit: 4.4, packages: ['better-sqlite3', 'cli-table3', 'luxon'] },
  { look: '--status --json', limit: 4.1, packages: ['better-sqlite3', 'luxon'] },
];
/** What cli-table3 draws its cells with. */
const OF_THE_TABLE = ['ansi-regex', 'emoji-regex', 'is-fullwidth-code-point', 'string-width', 'strip-ansi'];

/** Loaded before the program: at its end it says what it took; and which packages it loaded, when asked to listen. */
const METER = `
  import { registerHooks } from 'node:module';
  const packages = new Set();
  if (process.env.METER_LISTENS) registerHooks({ load(url, context, next) {
    const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url)?.[1];
    if (name) packages.add(name);
    return next(url, context);
  } });
  process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    process.stderr.write(JSON.stringify({ cpuMs: (user + system) / 1000, packages: [...packages] }));
  });`;

let world: World;
beforeAll(async () => {
  world = await newWorld();
  mkdirSync(world.home);
  writeFileSync(join(world.folder, 'meter.mjs'), METER);
  const store = new SqliteStore({ path: world.path('scheduler_state.db'), clock: new VirtualClock(), random: new FakeRandom() });
  await store.putAccounts([{ name: 'alice', policy: POLICY }]);
  await store.close();
}, 120_000);

function measured(args: readonly string[], more: NodeJS.ProcessEnv = {}): { readonly cpuMs: number; readonly packages: readonly string[] } {
  const env = { ...world.env, SCHEDULER_HOME: world.home, ...more };
  const metered = ['--import', join(world.folder, 'meter.mjs'), ...args];
  const { status, stderr } = spawnSync(process.execPath, metered, { cwd: world.folder, encoding: 'utf8', env });
  expect(status, stderr).toBe(0);
  return JSON.parse(stderr);
}

describe.each(LOOKS)('$look', ({ look, limit, packages }) => {
  const command = [PROGRAM, ...look.split(' ')];

  it('loads the packages that it needs, and no other', () => {
    const loaded = measured(command, { METER_LISTENS: '1' }).packages.filter((name) => !OF_THE_TABLE.includes(name));
    expect(loaded.sort()).toEqual(packages);
  });

  it(`takes less than ${limit} times the processor time of a bare Node`, { timeout: 60_000 }, () => {
    measured(command); // It fills the compile cache.
    let [bareMs, lookMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    // The least of several: others on the machine only ever add.
    for (let round = 0; round < ROUNDS; round += 1) {
      bareMs = Math.min(bareMs, measured(['-e', '0']).cpuMs);
      lookMs = Math.min(lookMs, measured(command).cpuMs);
    }
    expect(lookMs / bareMs).toBeLessThan(limit);
  });
});
