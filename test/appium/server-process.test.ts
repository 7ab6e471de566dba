/**
 * Guards promise 6 (stops what it started, touches nothing else) and promise 7
 * (every wait has a limit) for Appium as a process. A small program plays it;
 * the last test starts the real one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ExternalAppium } from '../../src/appium/external-server.ts';
import { AppiumProcess, type StartedProcess } from '../../src/appium/server-process.ts';
import { type Clock, SystemClock } from '../../src/runtime/clock.ts';
import { environment } from '../../src/runtime/environment.ts';
import { startTicks } from '../../src/runtime/processes.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { errorOf, never, recordingLog } from './sessions.ts';

/** At once, on a machine that may be busy. */
const SOON = { timeout: 10_000 };

const FAKE = fileURLToPath(new URL('fake-appium.mjs', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../..', import.meta.url));

/** Ten times as fast, and back-offs are noted instead of waited for. */
class HastyClock implements Clock {
  readonly backOffs: number[] = [];
  readonly #real = new SystemClock();

  now(): number {
    return this.#real.now();
  }

  monotonic(): number {
    return this.#real.monotonic() * 10;
  }

  async sleep(ms: number, reason: string, signal?: AbortSignal): Promise<boolean> {
    if (reason === 'appium back-off') {
      this.backOffs.push(ms);
      return true;
    }
    return this.#real.sleep(reason === 'appium status' ? ms : ms / 10, reason, signal);
  }
}

let started: StartedProcess[];
let ended: StartedProcess[];
let log: ReturnType<typeof recordingLog>;
let clock: HastyClock;
let root: string;
let servers: AppiumProcess[];
let foreign: Server | null;

beforeEach(() => {
  started = [];
  ended = [];
  servers = [];
  foreign = null;
  log = recordingLog();
  clock = new HastyClock();
  root = mkdtempSync(join(tmpdir(), 'appium-test-'));
});

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  foreign?.closeAllConnections();
  foreign?.close();
  rmSync(root, { recursive: true, force: true });
});

interface Setup {
  readonly mode?: string;
  readonly basePort: number;
  readonly real?: { readonly root: string };
}

function appium({ mode = 'good', basePort, real }: Setup): AppiumProcess {
  const server = new AppiumProcess({
    root: real?.root ?? root,
    home: root,
    instance: 'test-instance',
    basePort,
    healthTimeoutMs: 500,
    androidHome: '/usr/lib/android-sdk',
    adbPort: 1,
    environment: { ...environment(), FAKE_APPIUM: mode, HOME: root },
    clock: real === undefined ? clock : new SystemClock(),
    random: new FakeRandom(0.5),
    logger: log.logger,
    recorder: { onStarted: async (process) => void started.push(process), onEnded: async (process) => void ended.push(process) },
    ...(real === undefined ? { entry: FAKE } : {}),
  });
  servers.push(server);
  return server;
}

async function listen(): Promise<Server> {
  const server = createServer((_request, response) => response.end('{"value":{"ready":true}}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

/** A port that was free a moment ago; if somebody takes it, the server under test takes the next. */
async function freePort(): Promise<number> {
  const server = await listen();
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const grandchildren = (): number[] => log.messages.flatMap((line) => (line.startsWith('grandchild ') ? [Number(line.slice(11))] : []));
const firstPid = (): number => started[0]?.pid ?? 0;

describe('a server of ours', () => {
  test('starts, is healthy, is recorded, and ends with all that it started', async () => {
    const server = appium({ basePort: await freePort() });
    await server.start(never);
    expect(await server.check(never)).toEqual({ healthy: true, url: server.url, problem: null, gone: false });
    expect(log.messages).toContain(`[APPIUM] Server ready on port ${new URL(server.url).port}`);
    expect(started).toEqual([{ pid: firstPid(), startTicks: await startTicks(firstPid()), port: Number(new URL(server.url).port) }]);
    await server.start(never);
    expect(started).toHaveLength(1);

    await Promise.all([server.stop(), server.stop()]);
    expect(ended).toEqual(started);
    expect(grandchildren()).toHaveLength(1);
    for (const pid of [firstPid(), ...grandchildren()]) expect(await startTicks(pid)).toBeNull();
    expect(await server.check(never)).toMatchObject({ healthy: false, gone: true });
  });

  test('its lines are logged, but not the answers to our own checks', async () => {
    const server = appium({ basePort: await freePort() });
    await server.start(never);
    await server.check(never);
    await server.stop();
    expect(log.messages.some((line) => line.includes('/status'))).toBe(false);
  });

  test('a port that somebody else listens on is left alone, and the next free one is used', async () => {
    foreign = await listen();
    const { port } = foreign.address() as AddressInfo;
    const server = appium({ basePort: port });
    await server.start(never);
    expect(Number(new URL(server.url).port)).toBeGreaterThan(port);
    expect(log.messages).toContainEqual(expect.stringMatching(new RegExp(`^APPIUM_PORT_FOREIGN: port ${port} .*PID ${process.pid}`)));
    await server.stop();
    expect(await (await fetch(`http://127.0.0.1:${port}/status`)).text()).toContain('ready');
  });

  test('a port that is taken between the look and the bind is passed over, too', async () => {
    const port = await freePort();
    const server = appium({ mode: `bind-fails-on-${port}`, basePort: port });
    await server.start(never);
    expect(Number(new URL(server.url).port)).toBeGreaterThan(port);
    expect(ended).toEqual([started[0]]);
  });

  test('whoever gives up while another start runs does not wait for it', async () => {
    const server = appium({ mode: 'mute', basePort: await freePort() });
    const first = errorOf(server.start(never));
    const giveUp = new AbortController();
    const second = server.start(giveUp.signal);
    giveUp.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    expect(started.length).toBeLessThanOrEqual(1);
    await server.stop();
    expect(await first).toMatchObject({ code: 'APPIUM_DOWN' });
  });

  test('an answer of somebody else on its port is not health', async () => {
    const server = appium({ mode: 'steals', basePort: await freePort() });
    const error = await errorOf(server.start(never));
    expect(error).toMatchObject({ code: 'APPIUM_DOWN', details: { text: expect.stringMatching(/not ready within .* belongs to PID/) } });
    expect(await startTicks(firstPid())).toBeNull();
  });

  test.each(['start', 'restart'] as const)('its death is noticed at once; %s ends what it left behind first', async (how) => {
    const server = appium({ basePort: await freePort() });
    await server.start(never);
    process.kill(firstPid(), 'SIGKILL');
    await expect.poll(() => server.check(never), SOON).toMatchObject({ healthy: false, gone: true });
    await server[how](never);
    expect(await startTicks(grandchildren()[0] ?? 0)).toBeNull();
    expect(await server.check(never)).toMatchObject({ healthy: true });
    expect(started).toHaveLength(2);
    expect(ended).toEqual([started[0]]);
  });

  test('one that hangs is unhealthy within the limit, and restart replaces it', async () => {
    const server = appium({ basePort: await freePort() });
    await server.start(never);
    process.kill(firstPid(), 'SIGSTOP');
    expect(await server.check(never)).toMatchObject({ healthy: false, gone: false, problem: 'no answer within 500 ms' });
    await server.restart(never);
    expect(await server.check(never)).toMatchObject({ healthy: true });
    expect(await startTicks(firstPid())).toBeNull();
  });

  test('without the driver it says so, with Appium’s own words', async () => {
    const error = await errorOf(appium({ mode: 'no-driver', basePort: await freePort() }).start(never));
    expect(error).toMatchObject({ code: 'APPIUM_NOT_FOUND', message: expect.stringContaining("Could not load the driver 'uiautomator2'") });
    expect(ended).toEqual(started);
  });

  test('a crash loop waits longer and longer, up to a minute', async () => {
    const server = appium({ mode: 'crash', basePort: await freePort() });
    for (let count = 0; count < 9; count++) {
      expect(await errorOf(server.restart(never))).toMatchObject({
        code: 'APPIUM_DOWN',
        message: expect.stringContaining('Unrecognized arguments'),
      });
    }
    expect(clock.backOffs).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
  });

  test.each(['abort', 'stop'])('%s ends a start that is under way', async (how) => {
    const server = appium({ mode: 'mute', basePort: await freePort() });
    const giveUp = new AbortController();
    const starting = errorOf(server.start(giveUp.signal));
    await expect.poll(() => log.messages, SOON).toContain('[Appium] thinking');
    if (how === 'stop') await server.stop();
    else giveUp.abort(new Error('given up'));
    const error = await starting;
    expect(error).toMatchObject(how === 'stop' ? { code: 'APPIUM_DOWN' } : { message: 'given up' });
    expect(await startTicks(firstPid())).toBeNull();
    expect(ended).toEqual(started);
  });
});

describe('the real Appium', () => {
  test('starts with its driver, survives a kill by restart, and ends', async () => {
    const server = appium({ basePort: await freePort(), real: { root: PROGRAM } });
    await server.start(never);
    expect(await server.check(never)).toMatchObject({ healthy: true });
    expect(log.messages).toContainEqual(expect.stringContaining('uiautomator2@'));
    process.kill(firstPid(), 'SIGKILL');
    await expect.poll(() => server.check(never), SOON).toMatchObject({ gone: true });
    await server.restart(never);
    await server.stop();
    expect(ended).toHaveLength(2);
    for (const { pid } of started) expect(await startTicks(pid)).toBeNull();
  }, 60_000);

  test('starts with its driver also from a program folder that it may not write to', async () => {
    const server = appium({ basePort: await freePort(), real: { root } });
    await server.start(never);
    expect(await server.check(never)).toMatchObject({ healthy: true });
    expect(log.messages).toContainEqual(expect.stringContaining('uiautomator2@'));
  }, 60_000);
});

describe('a server that is not ours', () => {
  const external = (url: string) => new ExternalAppium({ url, healthTimeoutMs: 500, clock, waitLimitMs: 1_000 });

  test('is waited for and never ended', async () => {
    foreign = await listen();
    const server = external(`http://127.0.0.1:${(foreign.address() as AddressInfo).port}`);
    await server.start(never);
    await server.restart(never);
    await server.stop();
    expect(await server.check(never)).toMatchObject({ healthy: true });
  });

  test('that is not there is said to be down, within the limit', async () => {
    const server = external(`http://127.0.0.1:${await freePort()}/`);
    expect(await server.check(never)).toMatchObject({ healthy: false, gone: true });
    expect(await errorOf(server.start(never))).toMatchObject({ code: 'APPIUM_DOWN' });
  });
});
