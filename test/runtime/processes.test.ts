// Guards promise 6: what we started is ended with its whole tree, and nothing that we did not start is ever touched.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/runtime/clock.ts';
import {
  bootId,
  endTree,
  isSameProcess,
  listenerPid,
  ownIdentity,
  type ProcessIdentity,
  pidNamespace,
  startTicks,
} from '../../src/runtime/processes.ts';
import { Child } from '../support/children.ts';

const clock = new SystemClock();
const OPTIONS = { graceMs: 300, clock };

/** A leader with a child and a grandchild; all three sleep. `stubborn`: they ignore SIGTERM. The pids are said in that order. */
const FAMILY = (stubborn: boolean) => `
  const { spawn } = require('node:child_process');
  if (${stubborn}) process.on('SIGTERM', () => {});
  const depth = Number(process.env.DEPTH ?? 0);
  console.log('PID ' + process.pid);
  if (depth < 2) spawn(process.execPath, ['-e', process.env.SCRIPT], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, DEPTH: depth + 1 } });
  setInterval(() => {}, 1000);`;

const started: Child[] = [];
const strays: ProcessIdentity[] = [];
let server: Server | null = null;

afterEach(async () => {
  for (const stray of strays.splice(0)) if (await isSameProcess(stray)) process.kill(stray.pid, 'SIGKILL');
  await Promise.all(started.splice(0).map((child) => child.kill()));
  server?.close();
  server = null;
});

async function identify(pid: number): Promise<ProcessIdentity> {
  const ticks = await startTicks(pid);
  if (ticks === null) throw new Error(`${pid} does not run`);
  const identity = { pid, startTicks: ticks };
  strays.push(identity);
  return identity;
}

async function family(options: { stubborn?: boolean; marker?: string } = {}): Promise<[ProcessIdentity, ProcessIdentity, ProcessIdentity]> {
  const script = FAMILY(options.stubborn === true);
  const env = { PATH: '/usr/bin:/bin', SCRIPT: script, ...(options.marker ? { SCHED_TEST: options.marker } : {}) };
  const leader = new Child(process.execPath, ['-e', script], { detached: true, env });
  started.push(leader);
  await leader.saysTimes('PID ', 3);
  const pids = leader.lines.map((line) => Number(line.slice(4)));
  return (await Promise.all(pids.map(identify))) as [ProcessIdentity, ProcessIdentity, ProcessIdentity];
}

async function alive(...identities: readonly ProcessIdentity[]): Promise<number> {
  return (await Promise.all(identities.map(isSameProcess))).filter((running) => running).length;
}

/** Resolves when the process is gone. */
async function goneFor(identity: ProcessIdentity): Promise<void> {
  while (await isSameProcess(identity)) await clock.sleep(5, 'a test waits for an end');
}

describe('recognising a process', () => {
  test('by pid and start, and not by pid alone', async () => {
    const me = await ownIdentity();
    expect(me.pid).toBe(process.pid);
    expect(await isSameProcess(me)).toBe(true);
    expect(await isSameProcess({ ...me, startTicks: me.startTicks + 1 })).toBe(false);
    expect(await startTicks(4_194_301)).toBeNull();
  });

  test('a zombie does not run, whatever kill(0) says', async () => {
    const parent = new Child('/bin/sh', ['-c', 'sleep 0.01 & echo "ZOMBIE $!"; exec sleep 60']);
    started.push(parent);
    const pid = Number((await parent.says('ZOMBIE')).split(' ')[1]);
    while ((await startTicks(pid)) !== null) await clock.sleep(5, 'a test waits for an end');
    expect(() => process.kill(pid, 0)).not.toThrow();
  });

  test('a command with blanks and brackets in its name is read right', async () => {
    const odd = new Child(process.execPath, ['-e', "process.title = 'a) S 1 (b'; console.log('READY'); setInterval(() => {}, 1000)"]);
    started.push(odd);
    await odd.says('READY');
    expect(await isSameProcess(await identify(odd.pid))).toBe(true);
  });

  test('the machine has a boot and a pid namespace', async () => {
    expect(await bootId()).toMatch(/^[0-9a-f-]{36}$/);
    expect(await pidNamespace()).toMatch(/^pid:\[\d+\]$/);
  });
});

describe('ending a tree', () => {
  test('ends leader, child and grandchild, politely', async () => {
    const members = await family();
    expect(await endTree(members[0], OPTIONS)).toBe('ended');
    expect(await alive(...members)).toBe(0);
    expect(await endTree(members[0], OPTIONS)).toBe('gone');
  });

  test('and by force when they do not listen', async () => {
    const members = await family({ stubborn: true });
    expect(await endTree(members[0], OPTIONS)).toBe('ended');
    expect(await alive(...members)).toBe(0);
  });

  test('and when they are stopped', async () => {
    const members = await family();
    for (const member of members) process.kill(member.pid, 'SIGSTOP');
    const state = async () => (await readFile(`/proc/${members[0].pid}/stat`, 'utf8')).match(/\) (\w) /)?.[1];
    while ((await state()) !== 'T') await clock.sleep(5, 'a test waits for a stop');
    // They cannot hear SIGTERM, so the grace is not waited for.
    expect(await endTree(members[0], { ...OPTIONS, graceMs: 3_600_000 })).toBe('ended');
    expect(await alive(...members)).toBe(0);
  });

  test('leaves a process alone that only has the pid', async () => {
    const members = await family();
    expect(await endTree({ ...members[0], startTicks: members[0].startTicks - 1 }, OPTIONS)).toBe('not_ours');
    expect(await alive(...members)).toBe(3);
  });

  test('of a dead leader ends only what carries our marker', async () => {
    const members = await family({ marker: 'ours' });
    process.kill(members[0].pid, 'SIGKILL');
    await goneFor(members[0]);
    expect(await endTree(members[0], OPTIONS)).toBe('gone');
    expect(await endTree(members[0], { ...OPTIONS, marker: 'SCHED_TEST=theirs' })).toBe('gone');
    expect(await alive(...members)).toBe(2);
    expect(await endTree(members[0], { ...OPTIONS, marker: 'SCHED_TEST=ours' })).toBe('ended');
    expect(await alive(...members)).toBe(0);
  });

  test('or what was recorded', async () => {
    const members = await family();
    process.kill(members[0].pid, 'SIGKILL');
    await goneFor(members[0]);
    expect(await endTree(members[0], { ...OPTIONS, recorded: [members[1], { ...members[2], startTicks: 1 }] })).toBe('ended');
    expect(await alive(members[1])).toBe(0);
  });
});

describe('who listens on a port', () => {
  test('is found among all processes, IPv4 and IPv6, with or without a guess', async () => {
    for (const host of ['127.0.0.1', '::1']) {
      const child = new Child(process.execPath, [
        '-e',
        `require('node:net').createServer().listen(0, '${host}', function () { console.log('PORT ' + this.address().port) })`,
      ]);
      started.push(child);
      const port = Number((await child.says('PORT')).split(' ')[1]);
      expect(await listenerPid(port)).toBe(child.pid);
      expect(await listenerPid(port, child.pid)).toBe(child.pid);
      expect(await listenerPid(port, process.pid)).toBe(child.pid);
      await child.kill();
      expect(await listenerPid(port)).toBeNull();
    }
  });

  test('may be ourselves', async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    expect(await listenerPid(address.port)).toBe(process.pid);
  });
});
