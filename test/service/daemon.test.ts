/**
 * Guards promises 3 and 7: the built daemon under a service manager is ready
 * when its home is locked, shows its work, lives audibly while it lives, reads
 * its configuration again on SIGHUP, and falls silent when it hangs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from '../process/stage.ts';
import { newWorld, type World } from '../process/world.ts';
import { type NotifySocket, openNotifySocket } from './notify-socket.ts';

let world: World;
let stage: Stage;
let socket: NotifySocket;
const WATCHDOG_MS = 3_000;

beforeEach(async () => {
  stage = await openStage();
  onTestFinished(() => stage.close());
  world = await newWorld();
  world.configure(stage.url);
  socket = await openNotifySocket(world.folder);
  onTestFinished(() => socket.close());
  Object.assign(world.env, { NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(WATCHDOG_MS * 1_000) });
});

it('tells its life from ready to stopping', async () => {
  stage.hold('before');
  const daemon = await world.daemon('--add-folder', world.videos('chunk', ['one']), '--add-accounts', 'alice');
  await socket.message('READY=1');
  expect(world.has('scheduler.lock')).toBe(true);
  await stage.visit('before');
  await socket.message('STATUS=posting for alice');
  stage.open('before');
  await socket.message('STATUS=nothing to do; 0 waiting, 1 published');
  const fed = socket.messages.filter(({ lines }) => lines.includes('WATCHDOG=1')).map(({ atMs }) => atMs);
  expect(Math.max(...fed.slice(1).map((at, index) => at - (fed[index] ?? at)))).toBeLessThan(WATCHDOG_MS);
  daemon.signal('SIGTERM');
  await socket.message('STOPPING=1');
  expect(await daemon.ended).toMatchObject({ code: 0 });
});

it('reads its configuration again on SIGHUP, and a wrong one changes nothing', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice');
  await socket.message('READY=1');
  const file = world.path('scheduler.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, `${text}accounts: [bob]\n`);
  daemon.signal('SIGHUP');
  await world.logged('again: 1 account named');
  writeFileSync(file, `${text}acounts: [carol]\n`);
  daemon.signal('SIGHUP');
  await world.logged('could not be read again; the former one stays');
  expect((await world.status()).accounts.map(({ name }) => name)).toEqual(['alice', 'bob']);
  daemon.signal('SIGTERM');
  expect(await daemon.ended).toMatchObject({ code: 0 });
});

it('falls silent when it hangs, and the next start takes over at once after it was killed', async () => {
  const daemon = await world.daemon('--add-accounts', 'alice');
  await socket.message('WATCHDOG=1', 1);
  daemon.signal('SIGSTOP');
  const before = socket.messages.length;
  // What systemd waits for: a whole watchdog's time without a sign of life.
  const silence = socket.message('WATCHDOG=1', socket.messages.filter(({ lines }) => lines.includes('WATCHDOG=1')).length + 1);
  const over = new Promise((resolve) => setTimeout(() => resolve('silent'), WATCHDOG_MS));
  expect(await Promise.race([silence, over])).toBe('silent');
  expect(socket.messages.length - before).toBeLessThanOrEqual(1);
  await daemon.kill();
  const next = await world.daemon();
  await socket.message('READY=1', 1);
  next.signal('SIGTERM');
  expect(await next.ended).toMatchObject({ code: 0 });
});
