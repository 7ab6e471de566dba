/** Guards promise 6: an adb server of ours ends with us, also one that adb forked by itself; another's is left alone. Real adb. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adbIn } from '../../src/devices/adb.ts';
import { AdbServer } from '../../src/devices/adb-server.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { listenerPid, startTicks } from '../../src/runtime/processes.ts';
import { openRack, type Rack } from './rack.ts';

/** At once, on a machine that may be busy. */
const SOON = { timeout: 10_000 };

const never = new AbortController().signal;
let rack: Rack;

beforeEach(async () => {
  rack = await openRack();
});

afterEach(async () => {
  await rack.close();
});

describe('an adb server', () => {
  test('is started once, recorded, and ended', async () => {
    await Promise.all([rack.server.ensure(never), rack.server.ensure(never), rack.adb.run(['devices'], { signal: never, target: null })]);
    expect(rack.started).toHaveLength(1);
    expect(await listenerPid(rack.port)).toBe(rack.started[0]?.pid);
    await Promise.all([rack.server.stop(), rack.server.stop()]);
    expect(rack.ended).toEqual(rack.started);
    expect(await startTicks(rack.started[0]?.pid ?? 0)).toBeNull();
  });

  test('of somebody else is used and left alone', async () => {
    const { server } = rack.stranger();
    await server.ensure(never);
    await rack.adb.run(['devices'], { signal: never, target: null });
    await rack.server.stop();
    expect(rack.started).toHaveLength(1);
    expect(await listenerPid(rack.port)).toBe(rack.started[0]?.pid);
  });

  test('that was killed is started anew at the next call', async () => {
    await rack.server.ensure(never);
    process.kill(rack.started[0]?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => listenerPid(rack.port), SOON).toBeNull();
    await expect.poll(() => rack.adb.run(['devices'], { signal: never, target: null }).catch(String), SOON).toContain('List of devices');
    expect(rack.started).toHaveLength(2);
  });

  test('that hangs is noticed by the call it leaves unanswered, and replaced at the next', async () => {
    await rack.server.ensure(never);
    process.kill(rack.started[0]?.pid ?? 0, 'SIGSTOP');
    const call = { signal: never, target: null, limitMs: 200 };
    await expect(rack.adb.run(['devices'], call)).rejects.toMatchObject({ code: 'ADB_TIMEOUT' });
    expect(await rack.adb.run(['devices'], { signal: never, target: null })).toContain('List of devices');
    expect(rack.started).toHaveLength(2);
    expect(await startTicks(rack.started[0]?.pid ?? 0)).toBeNull();
  }, 30_000);

  test('of somebody else that hangs is named and left alone', async () => {
    const { server } = rack.stranger();
    await server.ensure(never);
    const pid = rack.started[0]?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(rack.server.ensure(never)).rejects.toMatchObject({ message: expect.stringContaining(`PID ${pid} listens there`) });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await rack.server.ensure(never);
    expect(await listenerPid(rack.port)).toBe(pid);
  }, 40_000);

  test('that an adb program of ours forked by itself ends with us', async () => {
    const env = { ...rack.environment, SCHED_INSTANCE: `rack-${rack.port}` } as NodeJS.ProcessEnv;
    execFileSync(adbIn(rack.androidHome), ['-P', String(rack.port), 'start-server'], { env, stdio: 'ignore' });
    const pid = (await listenerPid(rack.port)) ?? 0;
    await rack.server.ensure(never);
    expect(rack.started).toEqual([]);
    await rack.server.stop();
    expect(await startTicks(pid)).toBeNull();
  });

  test('that cannot be started says why', async () => {
    const recorder = { onStarted: async () => undefined, onEnded: async () => undefined };
    const parts = { port: rack.port, instance: 'x', environment: {}, clock: new SystemClock(), logger: rack.log.logger, recorder };
    await expect(new AdbServer({ ...parts, path: '/nowhere/adb' }).ensure(never)).rejects.toMatchObject({ code: 'ADB_NOT_FOUND' });
    await expect(new AdbServer({ ...parts, path: '/bin/false' }).ensure(never)).rejects.toMatchObject({ code: 'ADB_FAILED' });
  });
});
