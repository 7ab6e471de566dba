// Guards promise 3: one instance acts at a time per home; a dead or hung one is replaced, a living one is named.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { bootClockMs, isoTime, SystemClock } from '../../src/runtime/clock.ts';
import { acquireInstanceLock, type InstanceLock } from '../../src/runtime/instance-lock.ts';
import type { LockContent } from '../../src/runtime/lock-file.ts';
import { readLock } from '../../src/runtime/lock-file.ts';
import { bootId, pidNamespace, startTicks } from '../../src/runtime/processes.ts';
import { Child } from '../support/children.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const HOLDER = new URL('./hold-lock.ts', import.meta.url).pathname;
const DEAD_PID = 4_194_301;
const ROUNDS = 20;

let home: string;
let children: Child[];
let locks: InstanceLock[];
let logger: MemoryLogger;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'lock-'));
  children = [];
  locks = [];
  logger = new MemoryLogger();
});

afterEach(async () => {
  await Promise.all(children.map((child) => child.kill()));
  for (const lock of locks) await lock.release();
  await rm(home, { recursive: true, force: true });
});

function holder(...flags: string[]): Child {
  const child = new Child(process.execPath, [HOLDER, home, ...flags]);
  children.push(child);
  return child;
}

async function acquire(clock = new SystemClock(), progress = () => true): Promise<InstanceLock> {
  const lock = await acquireInstanceLock({
    home,
    store: join(home, 'scheduler_state.db'),
    instance: `home@${hostname()}`,
    clock,
    logger,
    progress,
  });
  locks.push(lock);
  return lock;
}

async function onDisk(): Promise<LockContent> {
  return JSON.parse(await readFile(join(home, 'scheduler.lock'), 'utf8'));
}

async function put(content: object): Promise<void> {
  await writeFile(join(home, 'scheduler.lock'), JSON.stringify(content));
}

/** Makes the holder look silent for an hour. */
async function age(): Promise<void> {
  await put({ ...(await onDisk()), last_heartbeat: isoTime(Date.now() - 3_600_000), heartbeat_boot_ms: bootClockMs() - 3_600_000 });
}

function now(): number {
  return Date.now();
}

describe('the file', () => {
  test('says who acts, and goes on a clean exit', async () => {
    const lock = await acquire();
    await lock.setEpoch(7);
    expect(await onDisk()).toEqual({
      pid: process.pid,
      started: expect.stringMatching(/^\d{4}-.*Z$/),
      last_heartbeat: expect.stringMatching(/^\d{4}-.*Z$/),
      heartbeat_boot_ms: expect.any(Number),
      hostname: hostname(),
      instance: `home@${hostname()}`,
      epoch: 7,
      start_ticks: await startTicks(process.pid),
      boot_id: await bootId(),
      pid_ns: await pidNamespace(),
      guard: (await stat(join(home, 'scheduler.guard.db'))).ino,
    });
    expect(logger.messages()).toContain(`[LOCK] Acquired lock (PID ${process.pid})`);
    expect(lock.held()).toBe(true);
    expect(await readLock(home, now())).toMatchObject({ state: 'held', pid: process.pid, epoch: 7 });

    await lock.release();
    await lock.release();
    expect(lock.held()).toBe(false);
    expect(await readLock(home, now())).toEqual({ state: 'none' });
    expect(await readdir(home)).toEqual(['scheduler.guard.db']);
    expect((await acquire()).held()).toBe(true);
  });

  test('beats every 30 s, and only while the loops make progress', async () => {
    const clock = new VirtualClock();
    let progress = true;
    const lock = await acquire(clock, () => progress);
    const stop = new AbortController();
    lock.startHeartbeat(stop.signal);
    expect(logger.messages()).toContain('[HEARTBEAT] Started heartbeat thread');
    const first = (await onDisk()).last_heartbeat;
    await clock.untilWaiting('heartbeat');
    await clock.advance(30_000);
    await clock.untilWaiting('heartbeat');
    const second = (await onDisk()).last_heartbeat;
    expect(Date.parse(second ?? '') - Date.parse(first ?? '')).toBe(30_000);

    progress = false;
    await clock.advance(30_000);
    await clock.untilWaiting('heartbeat');
    expect((await onDisk()).last_heartbeat).toBe(second);
    expect(logger.messages().some((message) => message.includes('No progress'))).toBe(true);
    stop.abort();
  });

  test('comes back when somebody deletes it, because the right to act is not the file', async () => {
    const clock = new VirtualClock();
    const lock = await acquire(clock);
    lock.startHeartbeat(new AbortController().signal);
    await rm(join(home, 'scheduler.lock'));
    await clock.untilWaiting('heartbeat');
    await clock.advance(30_000);
    await clock.untilWaiting('heartbeat');
    expect((await onDisk()).pid).toBe(process.pid);
    expect(lock.held()).toBe(true);
  });
});

describe('a second start', () => {
  test('is refused and names the holder, which goes on undisturbed', async () => {
    const first = holder();
    await first.says('LOCKED');
    await expect(acquire()).rejects.toMatchObject({ code: 'LOCK_HELD', details: { pid: first.pid, hostname: hostname() } });
    expect(logger.messages()).toContain('[LOCK ERROR] Another scheduler instance is already running!');
    expect(await readLock(home, now())).toMatchObject({ state: 'held', pid: first.pid });
    first.tell('release');
    await first.says('RELEASED');
    await first.ended;
    expect((await acquire()).held()).toBe(true);
  });

  test('is left alone by a start that was frozen before it wrote its epoch, and replaced', async () => {
    const woken = await acquire();
    await put({ ...(await onDisk()), pid: process.ppid, start_ticks: await startTicks(process.ppid) });
    const successor = await onDisk();
    await expect(woken.setEpoch(7)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await onDisk()).toEqual(successor);
    expect(woken.held()).toBe(false);
  });

  test('replaces a killed holder at once', async () => {
    const first = holder();
    await first.says('LOCKED');
    await first.kill();
    expect(await readLock(home, now())).toMatchObject({ state: 'stale', pid: first.pid });
    const began = performance.now();
    await acquire();
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(logger.messages()).toContain(`[LOCK] Stale lock file found (PID ${first.pid} not running). Taking over.`);
    expect((await onDisk()).pid).toBe(process.pid);
  });

  test('ends a hung holder whose heartbeat is older than two minutes, and takes over', async () => {
    const hung = holder();
    await hung.says('LOCKED');
    hung.process.kill('SIGSTOP');
    await age();
    expect(await readLock(home, now())).toMatchObject({ state: 'stale' });
    await acquire();
    expect(await hung.ended).toBe('SIGKILL');
    expect(logger.messages().some((message) => message.startsWith('[LOCK] Lock heartbeat stale'))).toBe(true);
    expect((await onDisk()).pid).toBe(process.pid);
  });

  test('is refused beside a holder that beats, though the clock was set forward or the machine slept since', async () => {
    const first = holder();
    await first.says('LOCKED');
    await put({ ...(await onDisk()), last_heartbeat: isoTime(Date.now() - 3_600_000) });
    expect(await readLock(home, now())).toMatchObject({ state: 'held' });
    await expect(acquire()).rejects.toMatchObject({ code: 'LOCK_HELD', details: { pid: first.pid } });
    first.tell('held');
    expect(await first.says('HELD')).toBe('HELD true');
  });

  test('ends a hung holder, though the clock was set back since its last heartbeat', async () => {
    const hung = holder();
    await hung.says('LOCKED');
    hung.process.kill('SIGSTOP');
    await age();
    await put({ ...(await onDisk()), last_heartbeat: isoTime(Date.now() + 3_600_000) });
    await acquire();
    expect(await hung.ended).toBe('SIGKILL');
  });

  test.each([
    ['start ticks', { start_ticks: 1 }, 'it could not be told'],
    ['boot id', { boot_id: 'another', hostname: 'elsewhere' }, 'another machine'],
    ['pid namespace', { pid_ns: 'pid:[1]' }, 'another container'],
    ['any proof', { start_ticks: undefined, boot_id: undefined, pid_ns: undefined }, 'does not prove'],
  ])('does not end a silent holder without proof: %s', { timeout: 20_000 }, async (_, forged, why) => {
    const silent = holder();
    await silent.says('LOCKED');
    await age();
    await put({ ...(await onDisk()), ...forged });
    await expect(acquire()).rejects.toMatchObject({ code: 'LOCK_HELD', details: { why: expect.stringContaining(why) } });
    silent.tell('held');
    expect(await silent.says('HELD')).toBe('HELD true');
  });
});

describe('with the kernel lock free', () => {
  const live = async () => ({ start_ticks: await startTicks(process.ppid), boot_id: await bootId(), pid_ns: await pidNamespace() });

  test('a seed-shaped lock of a dead process is taken over, in the seeds’ words', async () => {
    await put({ pid: DEAD_PID, started: '2024-01-01T00:00:00', last_heartbeat: '2024-01-01T00:00:00' });
    await acquire();
    expect(logger.messages().some((message) => message.includes('Lock heartbeat stale'))).toBe(true);
    expect(logger.messages()).toContain(`[LOCK] Stale lock file found (PID ${DEAD_PID} not running). Taking over.`);
  });

  test('a seed-shaped lock counts as this host’s: a living, beating holder is respected', async () => {
    await put({ pid: process.ppid, started: isoTime(now()).slice(0, 19), last_heartbeat: isoTime(now()) });
    await expect(acquire()).rejects.toMatchObject({ code: 'LOCK_HELD', details: { pid: process.ppid, hostname: 'this host' } });
    await put({ pid: process.ppid, started: '2024-01-01T00:00:00' });
    await acquire();
    expect(logger.messages().some((message) => message.includes('Lock heartbeat stale'))).toBe(true);
  });

  test.each([
    ['a beating holder on another host', { hostname: 'elsewhere', boot_id: 'another' }, false],
    ['an ancestor’s on another host', { hostname: 'elsewhere' }, false],
    ['one of before the reboot', { hostname: hostname(), boot_id: 'another' }, true],
    ['one whose pid was given to somebody else', { hostname: hostname(), boot_id: 'ours', start_ticks: 1 }, true],
  ])('%s', async (_, fields, free) => {
    const boot = 'boot_id' in fields && fields.boot_id === 'ours' ? { boot_id: await bootId() } : {};
    await put({ pid: process.ppid, started: isoTime(now()), last_heartbeat: isoTime(now()), ...fields, ...boot });
    if (free) expect((await acquire()).held()).toBe(true);
    else await expect(acquire()).rejects.toMatchObject({ code: 'LOCK_HELD' });
  });

  test('a silent holder that nobody can see may live on: the next holder says so until the store knows', async () => {
    const silent = { pid: process.ppid, started: '2024-01-01T00:00:00', last_heartbeat: '2024-01-01T00:00:00' };
    await put({ ...silent, hostname: 'elsewhere', boot_id: 'another' });
    const lock = await acquire();
    const doubted = [{ ...silent, hostname: 'elsewhere', boot_id: 'another' }];
    expect(lock.doubted).toEqual(doubted);
    expect(await readLock(home, now())).toMatchObject({ doubted });
    // A start that ends before the store knows (its disk is full) leaves the file behind.
    await lock.release();
    const again = await acquire();
    expect(again.doubted).toEqual(doubted);
    await again.setEpoch(7);
    expect(await readLock(home, now())).not.toHaveProperty('doubted');
    await again.release();
    expect(await readLock(home, now())).toEqual({ state: 'none' });
    // A holder that had not yet written it down leaves the doubt to its successor: dead with it, silent with one about itself.
    await put({ ...silent, pid: DEAD_PID, doubted });
    const next = await acquire();
    expect(next.doubted).toEqual(doubted);
    await next.release();
    await put({ ...silent, doubted });
    expect((await acquire()).doubted).toEqual([...doubted, { ...silent, hostname: hostname() }]);
  });

  test.each([
    ['held this very lock is dead', 0, []],
    ['held one that was deleted under it may live on', 1, [expect.objectContaining({ hostname: 'container' })]],
  ])('a silent holder of another container that %s', async (_, other, doubted) => {
    await (await acquire()).release();
    const { ino } = await stat(join(home, 'scheduler.guard.db'));
    const silent = { pid: process.ppid, started: '2024-01-01T00:00:00', hostname: 'container', pid_ns: 'pid:[1]' };
    await put({ ...silent, boot_id: await bootId(), guard: ino + other });
    expect((await acquire()).doubted).toEqual(doubted);
  });

  test('a dead holder is gone', async () => {
    await put({ pid: DEAD_PID, started: '2024-01-01T00:00:00' });
    expect((await acquire()).doubted).toEqual([]);
  });

  test('a beating holder whose guard was deleted by hand is respected', async () => {
    await put({ pid: process.ppid, started: isoTime(now()), last_heartbeat: isoTime(now()), hostname: hostname(), ...(await live()) });
    await expect(acquire()).rejects.toMatchObject({ code: 'LOCK_HELD' });
    // The refused start leaves nothing behind: the next one finds the home as it was.
    await rm(join(home, 'scheduler.lock'));
    expect((await acquire()).held()).toBe(true);
  });

  test.each(['', '{"pid": 5', '[]', '{"pid": "x"}', '{"pid": -4, "started": "x"}'])('a file that is none is replaced: %s', async (text) => {
    await writeFile(join(home, 'scheduler.lock'), text);
    expect(await readLock(home, now())).toEqual({ state: 'none' });
    expect((await acquire()).held()).toBe(true);
  });
});

describe('a holder that wakes up after it was replaced', () => {
  test('does nothing: it writes over nobody, claims no more, and its exit takes nothing away', async () => {
    const old = holder('--fast');
    await old.says('LOCKED');
    old.process.kill('SIGSTOP');
    // What a person may do to a home that looks dead.
    await rm(join(home, 'scheduler.guard.db'));
    await rm(join(home, 'scheduler.lock'));
    const lock = await acquire();
    old.process.kill('SIGCONT');
    expect(await old.says('LOST')).toBe('LOST held=false');
    old.tell('release');
    await old.says('RELEASED');
    await old.ended;
    expect((await onDisk()).pid).toBe(process.pid);
    expect(lock.held()).toBe(true);
  });
});

describe('a holder whose lock directory was touched', () => {
  /** As the exit of an old holder takes it away; proper-lockfile notices at its next look. */
  async function robbed(prepare: () => Promise<void>): Promise<InstanceLock> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const lock = await acquire(new VirtualClock());
    await rm(join(home, '.scheduler.lock.d'), { recursive: true });
    await prepare();
    vi.advanceTimersByTime(30_000);
    await logger.until('The lock directory was touched by somebody else');
    expect(lock.held()).toBe(false);
    return lock;
  }

  test('claims nothing until it has it again', async () => {
    const lock = await robbed(async () => {});
    while (!lock.held()) await new Promise(setImmediate);
    expect(existsSync(join(home, '.scheduler.lock.d'))).toBe(true);
    expect(lock.lost.aborted).toBe(false);
  });

  test('claims nothing any more when the file names another', async () => {
    const another = { pid: process.ppid, started: isoTime(now()) };
    const lock = await robbed(() => put(another));
    await logger.until('now belongs to another instance');
    expect([lock.held(), lock.lost.aborted]).toEqual([false, true]);
    expect(await onDisk()).toEqual(another);
  });
});

test('of eight starters on one stale lock exactly one acts, twenty times', { timeout: 300_000 }, async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    await put({ pid: DEAD_PID, started: '2024-01-01T00:00:00', last_heartbeat: '2024-01-01T00:00:00' });
    const starters = Array.from({ length: 8 }, () => holder());
    await Promise.all(starters.map((starter) => starter.says(/^(LOCKED|REFUSED)/)));
    const verdicts = starters.map((starter) => starter.lines.find((line) => /^(LOCKED|REFUSED)/.test(line))?.split(' ')[0]);
    expect(verdicts.filter((verdict) => verdict === 'LOCKED')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict === 'REFUSED')).toHaveLength(7);
    const winner = starters[verdicts.indexOf('LOCKED')];
    for (const starter of starters) if (starter !== winner) expect(starter.lines.join()).toContain(`PID ${winner?.pid}`);
    await Promise.all(starters.map((starter) => starter.kill()));
    children = [];
  }
});
