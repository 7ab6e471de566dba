/**
 * Guards promises 2, 3 and 6 under a real service manager: `--install-service
 * --user` installs, a daemon that hangs is killed and restarted by its watchdog,
 * one that cannot start is given up, and taking it away leaves nothing running.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { openStage } from '../process/stage.ts';
import { newWorld, ROOT, type World } from '../process/world.ts';
import { startUserSystemd, type UserSystemd } from './user-systemd.ts';

/** Several starts of the program. */
const LIMIT_MS = 120_000;
const LOOK = { timeout: 60_000, interval: 100 };
const UNIT = 'posting-scheduler.service';
let world: World;
let manager: UserSystemd | string;

beforeEach(async () => {
  world = await newWorld();
  manager = await startUserSystemd(world.env);
  if (typeof manager !== 'string') onTestFinished(manager.close);
});

const there = () => manager as UserSystemd;
const scheduler = (...args: string[]) => there().run(process.execPath, join(ROOT, 'bin', 'scheduler.js'), '--home', world.home, ...args);
const systemctl = (...args: string[]) => there().run('systemctl', '--user', ...args);
const property = (name: string) => systemctl('show', UNIT, `--property=${name}`, '--value').stdout.trim();
const isActive = () => vi.waitUntil(() => property('ActiveState') === 'active' && property('SubState') === 'running', LOOK);

/** What the unit's times are changed to, for a test to live through them. */
function shorten(...lines: readonly string[]): void {
  const folder = join(world.folder, '.config', 'systemd', 'user', `${UNIT}.d`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'short.conf'), `[Service]\n${lines.join('\n')}\n`);
  expect(systemctl('daemon-reload').code).toBe(0);
}

it('installs, shows, works, stops and is taken away', { timeout: LIMIT_MS }, async ({ skip }) => {
  if (typeof manager === 'string') skip(manager);
  const stage = await openStage();
  onTestFinished(() => stage.close());
  world.configure(stage.url, ['accounts: [alice]']);
  expect(scheduler('--install-service', '--user')).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('Started.') });
  await isActive();
  expect(property('Type')).toBe('notify');
  await vi.waitUntil(() => property('StatusText').startsWith('nothing to do'), LOOK);
  expect(scheduler('--service-status', '--user')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^ACTIVE {2}nothing to do[\s\S]*Watchdog: fed \d+ s ago/),
  });
  expect(scheduler('--doctor').stdout).toMatch(/service +active, watchdog fed \d+ s ago, 0 restarts/);
  expect(scheduler('--add-folder', world.videos('chunk', ['one'])).code).toBe(0);
  await vi.waitUntil(() => world.posts().length === 1, LOOK);
  expect(scheduler('--uninstall-service', '--user')).toMatchObject({ code: 0, stderr: '' });
  expect(world.log().at(-1)?.msg).toBe('Scheduler stopped');
  expect({ unit: property('LoadState'), lock: world.has('scheduler.lock') }).toEqual({ unit: 'not-found', lock: false });
  expect(world.processes().filter((line) => line.includes('scheduler.js'))).toEqual([]);
});

it('is killed and started anew when it hangs, and then does what it was doing', { timeout: LIMIT_MS }, async ({ skip }) => {
  if (typeof manager === 'string') skip(manager);
  const options = JSON.stringify({ flag: join(world.folder, 'hung'), ledger: world.ledgerFile });
  mkdirSync(world.home, { recursive: true });
  writeFileSync(
    world.path('scheduler.yaml'),
    `accounts: [alice]\ndefaults: {app: demo}\npublisher: {module: ${join(import.meta.dirname, 'hangs-once.mjs')}, options: ${options}}\n`,
  );
  shorten('WatchdogSec=6s', 'RestartSec=200ms');
  expect(scheduler('--add-folder', world.videos('chunk', ['one'])).code).toBe(0);
  expect(scheduler('--install-service', '--user').code).toBe(0);
  await vi.waitUntil(() => property('NRestarts') === '1', LOOK);
  await vi.waitUntil(() => world.posts().length === 1, LOOK);
  await isActive();
  expect(scheduler('--service-status', '--user').stdout).toContain('Restarts since it was started: 1');
  expect(scheduler('--uninstall-service', '--user').code).toBe(0);
});

it('is not started again with a wrong configuration, and given up after five failed starts', { timeout: LIMIT_MS }, async ({ skip }) => {
  if (typeof manager === 'string') skip(manager);
  mkdirSync(world.home, { recursive: true });
  writeFileSync(world.path('scheduler.yaml'), 'accounts: [alice]\npublisher: {module: ./mine.mjs}\n');
  writeFileSync(world.path('scheduler_state.db'), 'no database '.repeat(500));
  shorten('RestartSec=100ms');
  expect(scheduler('--install-service', '--user')).toMatchObject({ code: 1 });
  await vi.waitUntil(() => property('Result') === 'start-limit-hit' || property('ActiveState') === 'failed', LOOK);
  expect(property('NRestarts')).toBe('5');
  expect(scheduler('--service-status', '--user').stdout).toContain('FAILED');
  writeFileSync(world.path('scheduler.yaml'), 'acounts: [alice]\n');
  systemctl('reset-failed', UNIT);
  systemctl('start', UNIT);
  expect({ result: property('Result'), code: property('ExecMainStatus'), restarts: property('NRestarts') }).toEqual({
    ...{ result: 'exit-code', code: '2', restarts: '0' },
  });
});
