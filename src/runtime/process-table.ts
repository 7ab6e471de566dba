/**
 * What a system tells of its processes, and how one of them is signalled: the
 * seam between Linux (/proc), Windows (CIM, asked by PowerShell) and the others
 * (ps-list). What follows from it is `processes.ts`. The only file that knows
 * ps-list.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { Ask } from './windows-processes.ts';

export interface ProcessRow {
  readonly pid: number;
  /** On Linux clock ticks since boot (field 22 of /proc/PID/stat), elsewhere epoch milliseconds of its start. */
  readonly startTicks: number;
  readonly ppid: number;
  /** Process group; 0 where the platform does not say. */
  readonly group: number;
  /** By SIGSTOP or a tracer; false where the platform does not say. */
  readonly stopped: boolean;
}

export interface ProcessTable {
  /** What runs now, without zombies and without what hides its start; of these pids alone when they are given. One look, however many. */
  rows(pids?: readonly number[]): Promise<readonly ProcessRow[]>;
  /** @throws when it does not run, or is not ours to signal */
  signal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void;
}

/** @param ask how PowerShell is asked on Windows; absent = really */
export function processTable(platform: NodeJS.Platform, ask?: Ask): ProcessTable {
  const signal: ProcessTable['signal'] = (pid, name) => void process.kill(pid, name);
  if (platform === 'linux') return { rows: rowsFromProc, signal };
  const all = platform === 'win32' ? () => rowsFromWindows(ask) : rowsFromPsList;
  return {
    signal,
    rows: async (pids) => (await all()).filter((row) => pids === undefined || pids.includes(row.pid)),
  };
}

/** Every process of the machine as its words, as far as it may be seen. */
export async function commandLines(): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const { default: psList } = await import('ps-list');
  return (await psList()).map(({ pid, cmd, name }) => ({ pid, command: cmd ?? name }));
}

/** Where there is a /proc. */
export async function pidsFromProc(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

async function rowsFromProc(pids?: readonly number[]): Promise<readonly ProcessRow[]> {
  const rows = await Promise.all((pids ?? (await pidsFromProc())).map(rowFromProc));
  return rows.filter((row) => row !== null);
}

/** Fields of /proc/PID/stat after the command, which may itself hold blanks and brackets (proc(5)). */
async function rowFromProc(pid: number): Promise<ProcessRow | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ppid, group] = fields;
  if (state === 'Z' || state === 'X') return null;
  const stopped = state === 'T' || state === 't';
  return { pid, startTicks: Number(fields[19]), ppid: Number(ppid), group: Number(group), stopped };
}

async function rowsFromWindows(ask: Ask | undefined): Promise<readonly ProcessRow[]> {
  // Only where it is needed, as below: it starts processes, and what that takes is not loaded for nothing.
  const { windowsProcesses } = await import('./windows-processes.ts');
  const all = await windowsProcesses(ask);
  return all.map(({ pid, ppid, startedMs }) => ({ pid, ppid, group: 0, stopped: false, startTicks: startedMs }));
}

/** ps-list calls a zombie `<defunct>`. */
async function rowsFromPsList(): Promise<readonly ProcessRow[]> {
  // Only where it is needed: `--status` has 150 ms in all.
  const { default: psList } = await import('ps-list');
  return (await psList()).flatMap(({ pid, ppid, name, cmd, startTime }) => {
    if (startTime === undefined || `${name} ${cmd}`.includes('<defunct>')) return [];
    return [{ pid, ppid, group: 0, stopped: false, startTicks: startTime.getTime() }];
  });
}
