/** Guards promise 3 (alive or replaced): the service manager hears what is true, over its own socket, and nothing from a loop that hangs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/runtime/clock.ts';
import { environment } from '../../src/runtime/environment.ts';
import { type Supervisor, serviceManager, withoutServiceManager } from '../../src/runtime/service-notify.ts';
import { Progress } from '../../src/scheduler/progress.ts';
import { serviceReporter } from '../../src/scheduler/service-reporter.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { type NotifySocket, openNotifySocket } from './notify-socket.ts';

describe('over a real notify socket', () => {
  let folder: string;
  let socket: NotifySocket;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'notify-'));
    socket = await openNotifySocket(folder);
  });
  afterEach(async () => {
    await socket.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is ready after the first look at Appium, fed in time, told of the work and of the stop', async () => {
    const watchdogMs = 900;
    const around = { ...environment(), NOTIFY_SOCKET: socket.path, WATCHDOG_USEC: String(watchdogMs * 1_000), WATCHDOG_PID: '77' };
    const looked = Promise.withResolvers<void>();
    const stop = new AbortController();
    const part = serviceReporter({
      manager: serviceManager(around, 77),
      clock: new SystemClock(),
      logger: new MemoryLogger(),
      progress: { stalled: () => null },
      firstCheck: () => looked.promise,
      line: async () => 'posting for alice (push);\n3 waiting',
      stop: stop.signal,
    });
    await part.start?.();
    expect((await socket.message('STATUS=')).lines).toContain('STATUS=Starting: looks at Appium');
    await socket.message('WATCHDOG=1', 1);
    expect(socket.messages.flatMap(({ lines }) => lines)).not.toContain('READY=1');
    looked.resolve();
    await socket.message('READY=1');
    await socket.message('STATUS=posting for alice (push); 3 waiting');
    await socket.message('WATCHDOG=1', 6);
    stop.abort();
    await socket.message('STOPPING=1');
    await part.stop();
    const fed = socket.messages.filter(({ lines }) => lines.includes('WATCHDOG=1')).map(({ atMs }) => atMs);
    const gaps = fed.slice(1).map((at, index) => at - (fed[index] ?? at));
    expect(Math.max(...gaps)).toBeLessThan(watchdogMs);
  });

  it('says so when nobody listens any more, and goes on', async () => {
    const manager = serviceManager({ ...environment(), NOTIFY_SOCKET: join(folder, 'gone.sock') }, 1);
    expect(await manager?.notify('READY=1')).toBe(false);
  });
});

describe('a loop that hangs', () => {
  it('is not fed for, named, and fed for again when it gets on', async () => {
    const clock = new VirtualClock();
    const logger = new MemoryLogger();
    const progress = new Progress(clock);
    const said: string[] = [];
    const manager: Supervisor = { watchdogMs: 30_000, notify: async (...lines) => said.push(...lines) > 0 };
    const stop = new AbortController();
    const part = serviceReporter({
      manager,
      clock,
      logger,
      progress,
      firstCheck: async () => undefined,
      line: async () => 'works',
      stop: stop.signal,
    });
    await part.start?.();
    progress.enter('worker 1', 'claiming a job', 10_000);
    await clock.advance(20_000);
    expect(said.filter((line) => line === 'WATCHDOG=1').length).toBeGreaterThanOrEqual(2);
    await clock.advance(20_000);
    said.length = 0;
    await clock.advance(120_000);
    expect(said).not.toContain('WATCHDOG=1');
    expect(
      logger.messages().filter((line) => line.includes('No progress: worker 1 has been in "claiming a job" for too long')),
    ).toHaveLength(1);
    progress.enter('worker 1', 'waiting for work', 600_000);
    await clock.advance(10_000);
    expect(said).toEqual(expect.arrayContaining(['STATUS=works', 'WATCHDOG=1']));
    stop.abort();
    await part.stop();
  });
});

it('a loop that hangs where no service manager is calls a person, once', async () => {
  const clock = new VirtualClock();
  const logger = new MemoryLogger();
  const progress = new Progress(clock);
  const unasked = () => Promise.reject(new Error('nobody wants to know'));
  const part = serviceReporter({
    ...{ manager: null, clock, logger, progress },
    ...{ firstCheck: unasked, line: unasked, stop: new AbortController().signal },
  });
  await part.start?.();
  progress.enter('worker 1', 'claiming a job', 10_000);
  await clock.advance(20_000);
  expect(logger.messages()).toEqual([]);
  await clock.advance(120_000);
  expect(logger.messages()).toEqual([expect.stringMatching(/^\[ALARM\] No progress: worker 1 has been in "claiming a job"/)]);
  await part.stop();
});

describe('who is meant', () => {
  const socket = { NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '5000000' };
  it.each([
    ['nobody without a socket', { WATCHDOG_USEC: '5000000' }, undefined],
    ['us, without a watchdog', { NOTIFY_SOCKET: '/run/x' }, null],
    ['us', { ...socket, WATCHDOG_PID: '77' }, 5_000],
    ['us, where no PID is named', socket, 5_000],
    ['another process: its watchdog is not ours', { ...socket, WATCHDOG_PID: '78' }, null],
  ])('%s', (_what, around, watchdogMs) => {
    expect(serviceManager(around, 77)?.watchdogMs).toBe(watchdogMs);
  });

  it('our children are not', () => {
    expect(withoutServiceManager({ ...socket, WATCHDOG_PID: '77', HOME: '/root' })).toEqual({ HOME: '/root' });
  });
});
