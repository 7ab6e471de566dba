/** Guards promise 6 on either side of the seam between systems: what Windows would tell leads to the same ends as what /proc tells. */
import { expect, it } from 'vitest';
import { type ProcessTable, processTable } from '../../src/runtime/process-table.ts';
import { endTree } from '../../src/runtime/processes.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const FILETIME_OF_1970 = 116_444_736_000_000_000n;

/** A Windows of our own: PowerShell's answer is made of these rows, and a signal takes one away unless it is stubborn. */
function windows(rows: readonly (readonly [pid: number, ppid: number, createdMs: number])[], stubborn: readonly number[] = []) {
  const running = new Map(rows.map((row) => [row[0], row]));
  const signals: string[] = [];
  let questions = 0;
  const real = processTable('win32', async () => {
    questions += 1;
    return [...running.values()].map(([pid, ppid, ms]) => `${pid} ${ppid} ${BigInt(ms) * 10_000n + FILETIME_OF_1970}`).join('\r\n');
  });
  const table: ProcessTable = {
    rows: real.rows,
    signal: (pid, name) => {
      signals.push(`${name} ${pid}`);
      if (name === 'SIGKILL' || !stubborn.includes(pid)) running.delete(pid);
    },
  };
  return { table, signals, left: () => [...running.keys()], questions: () => questions };
}

const leader = { pid: 500, startTicks: 1_000 };
const end = (table: ProcessTable) => {
  const clock = new VirtualClock();
  return clock.run(endTree(leader, { graceMs: 300, clock, table }));
};

it('on Windows ends the leader and what it created, and nothing that only has its number', async () => {
  const machine = windows([
    [4, 0, 1],
    [500, 4, 1_000],
    [501, 500, 2_000],
    [502, 501, 3_000],
    [600, 500, 900], // older than its parent's number: somebody else's child
    [601, 4, 2_500],
  ]);
  expect(await end(machine.table)).toBe('ended');
  expect(machine.signals).toEqual(['SIGTERM 500', 'SIGTERM 501', 'SIGTERM 502']);
  expect(machine.left()).toEqual([4, 600, 601]);
});

it('on Windows leaves a process alone that was given the number later', async () => {
  const machine = windows([[500, 4, 1_001]]);
  expect(await end(machine.table)).toBe('not_ours');
  expect(machine.signals).toEqual([]);
});

it('signals nobody who was given the number between two looks, and never itself', async () => {
  const row = (pid: number, startTicks: number, ppid: number) => ({ pid, startTicks, ppid, group: 500, stopped: false });
  const [first, child, own] = [row(500, 1_000, 4), row(501, 1_010, 500), row(process.pid, 1_020, 500)];
  const signals: string[] = [];
  let look = 0;
  const table: ProcessTable = {
    rows: async () => [[first, child, own], [first, row(501, 2_000, 4), own], [own]][Math.min(look++, 2)] ?? [],
    signal: (pid, name) => void signals.push(`${name} ${pid}`),
  };
  expect(await end(table)).toBe('ended');
  expect(signals).toEqual(['SIGTERM 500']);
});

it('on Windows uses force on who does not go', async () => {
  const machine = windows([[500, 4, 1_000]], [500]);
  expect(await end(machine.table)).toBe('ended');
  expect(machine.signals).toEqual(['SIGTERM 500', 'SIGKILL 500']);
});

it('on Windows asks once for a whole tree: each question takes half a second', async () => {
  const tree = Array.from({ length: 9 }, (_, index) => [500 + index, index === 0 ? 4 : 500, 1_000 + index] as const);
  const machine = windows(tree);
  await end(machine.table);
  expect(machine.questions()).toBe(4);
});

it.runIf(process.platform === 'linux')('on Linux and by ps-list this process is the same one', async () => {
  const [fromProc] = await processTable('linux').rows([process.pid]);
  const [fromPsList] = await processTable('darwin').rows([process.pid]);
  expect(fromProc).toMatchObject({ pid: process.pid, ppid: process.ppid, stopped: false });
  expect(fromPsList).toMatchObject({ pid: process.pid, ppid: process.ppid, group: 0, stopped: false });
  expect(Math.abs((fromPsList?.startTicks ?? 0) - (Date.now() - process.uptime() * 1_000))).toBeLessThan(5_000);
});
