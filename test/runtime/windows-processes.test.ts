/** Guards promise 6 on Windows: a process is known by its number and its creation, and a tree by who created whom. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseProcesses, windowsProcesses } from '../../src/runtime/windows-processes.ts';

const filetime = (ms: number) => String((BigInt(ms) + 11_644_473_600_000n) * 10_000n);

it('asks PowerShell once, without a profile and without a word of ours in the command', async () => {
  const asked: (readonly string[])[] = [];
  const rows = await windowsProcesses(async (program, args) => {
    asked.push([program, ...args]);
    return `4 0 ${filetime(1_000)}\r\n812 4 ${filetime(5_000)}\r\n`;
  });
  expect(asked.map(([program, ...args]) => [program, args.slice(0, 3)])).toEqual([
    ['powershell.exe', ['-NoProfile', '-NonInteractive', '-Command']],
  ]);
  expect(rows).toEqual([
    { pid: 4, ppid: 0, startedMs: 1_000 },
    { pid: 812, ppid: 4, startedMs: 5_000 },
  ]);
});

it('knows the instant to the millisecond, for every date', () => {
  const instant = fc.integer({ min: 0, max: 4_102_444_800_000 });
  fc.assert(fc.property(instant, (ms) => parseProcesses(`7 1 ${filetime(ms)}`)[0]?.startedMs === ms));
});

it('takes no process for the child of one that was created after it: the number was given away again', () => {
  const text = `100 1 ${filetime(9_000)}\n200 100 ${filetime(5_000)}\n300 100 ${filetime(9_500)}\n`;
  expect(parseProcesses(text).map(({ pid, ppid }) => [pid, ppid])).toEqual([
    [100, 1],
    [200, 0],
    [300, 100],
  ]);
});

it('passes over what is no row, such as a warning of PowerShell', () => {
  expect(parseProcesses('WARNING: slow\r\n\r\n7 x 9\r\n')).toEqual([]);
});

it('an answer that does not come is an error, never "nobody runs"', async () => {
  await expect(windowsProcesses(() => Promise.reject(new Error('ENOENT')))).rejects.toThrow('ENOENT');
});
