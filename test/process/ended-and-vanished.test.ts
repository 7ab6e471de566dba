/**
 * Guards promises 1 and 7 when something is gone: a daemon that was killed is
 * shown as gone and since when, never as at work; a database that vanishes under
 * a running daemon calls a person, and nothing is published on top of it.
 */
import { existsSync, renameSync } from 'node:fs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { newWorld, type World } from './world.ts';

let world: World;
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url, ['workers: 1']);
});
const DATABASE = ['scheduler_state.db', 'scheduler_state.db-wal', 'scheduler_state.db-shm'];
const move = (from: string, to: string) => {
  for (const name of DATABASE)
    if (existsSync(world.path(`${name}${from}`))) renameSync(world.path(`${name}${from}`), world.path(`${name}${to}`));
};

it('after SIGKILL in the middle of a post the status says who is gone and since when, and that nobody posts', async () => {
  stage.hold('before');
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
  await stage.visit('before');
  const before = await world.status();
  expect(before).toMatchObject({ running: true, last_alive: null, accounts: [{ reason: 'posts right now' }] });
  await daemon.kill();

  const after = await world.status();
  expect(after).toMatchObject({ running: false, lock: { state: 'stale' }, devices: [], appium: [] });
  expect(after.accounts[0]?.reason).toBe('was posting when the scheduler ended; the next start settles it');
  expect(Date.now() - Date.parse(after.last_alive ?? '')).toBeLessThan(60_000);
  const page = (await world.cli('--status')).stdout;
  expect(page).toMatch(/NOT RUNNING since .+ ago/);
  expect(page).toContain('cut off while prepared');
  expect(page).not.toMatch(/posts right now|being prepared|\nNOW/);
});

it('after an end in order the status says since when nobody runs', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice');
  daemon.signal('SIGTERM');
  await daemon.ended;
  const after = await world.status();
  expect(after).toMatchObject({ running: false, lock: { state: 'none' } });
  expect(Date.now() - Date.parse(after.last_alive ?? '')).toBeLessThan(60_000);
});

it('publishes nothing on top of a database that was moved away, calls a person, and goes on when it is back', async () => {
  stage.hold('before');
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one', 'two']), '--add-accounts', 'alice');
  await stage.visit('before');
  move('', '.aside');
  await world.logged('[ALARM] the database was removed or replaced');
  // The attempt that is under way is stopped at its commit point, the other is not begun.
  stage.open('before');
  await stage.visit('refused');
  const page = (await world.cli('--status')).stdout;
  expect(page).toMatch(/^RUNNING|^PAUSED/);
  expect(page).toContain('scheduler_state.db is not there');
  expect(page).toContain('scheduler --restore DIR');
  expect({ posts: world.posts(), recorded: world.has('posted.jsonl') }).toEqual({ posts: [], recorded: false });
  move('.aside', '');
  await world.logged('The database is there again');
  // It would look again within half a minute by itself; the other waits for its time.
  await world.cli('--resume');
  await world.logged('posted successfully');
  expect(world.posts()).toHaveLength(1);
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
});

it('writes down at its end what the vanished database knew, and the next start takes it in', async () => {
  const daemon = await world.daemon(
    '--add-folder',
    world.videos('chunk', ['one', 'two']),
    '--add-accounts',
    'alice',
    '--at',
    '2099-01-01 12:00',
  );
  move('', '.lost');
  await world.logged('[ALARM]');
  daemon.signal('SIGTERM');
  expect((await daemon.ended).code).toBe(0);
  expect(await world.cli('--import', world.path('scheduler_state.json'))).toMatchObject({ code: 0 });
  expect((await world.status()).jobs).toMatchObject({ total: 2, pending: 2 });
});
