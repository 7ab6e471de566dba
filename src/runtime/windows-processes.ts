/**
 * Processes on Windows, where there is no /proc and ps-list knows neither start
 * times nor parents' groups: asked from CIM through PowerShell, which every
 * supported Windows has. About half a second a look, so nobody asks in a loop
 * without need.
 */
import { execFile } from 'node:child_process';

export interface WindowsProcess {
  readonly pid: number;
  readonly ppid: number;
  /** Epoch milliseconds of its creation. */
  readonly startedMs: number;
}

/** Numbers only, so that no locale and no encoding matters: PID, parent, creation in 100 ns since 1601 (FILETIME, UTC). */
const QUERY =
  "Get-CimInstance Win32_Process | Where-Object CreationDate | ForEach-Object { '{0} {1} {2}' -f $_.ProcessId, $_.ParentProcessId, $_.CreationDate.ToFileTimeUtc() }";
const FILETIME_EPOCH_MS = 11_644_473_600_000n;
const ASK_LIMIT_MS = 20_000;
const LONGEST_OUTPUT = 4 * 1024 * 1024;

/** Runs a program and answers its output; tests give their own. @throws when it fails */
export type Ask = (program: string, args: readonly string[]) => Promise<string>;

/** @throws Error when PowerShell cannot be asked: without identities nobody may be ended, and no lock taken */
export async function windowsProcesses(ask: Ask = askProgram): Promise<readonly WindowsProcess[]> {
  return parseProcesses(await ask('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', QUERY]));
}

export function parseProcesses(text: string): readonly WindowsProcess[] {
  const found = text.split(/\r?\n/).flatMap((line): WindowsProcess[] => {
    const [, pid, ppid, created] = /^\s*(\d+) (\d+) (\d+)\s*$/.exec(line) ?? [];
    if (pid === undefined || ppid === undefined || created === undefined) return [];
    return [{ pid: Number(pid), ppid: Number(ppid), startedMs: Number(BigInt(created) / 10_000n - FILETIME_EPOCH_MS) }];
  });
  // Windows never tells a child that its parent has ended, and gives the number to somebody else: an older child is not his.
  const started = new Map(found.map(({ pid, startedMs }) => [pid, startedMs]));
  return found.map((row) => ((started.get(row.ppid) ?? Number.NEGATIVE_INFINITY) > row.startedMs ? { ...row, ppid: 0 } : row));
}

function askProgram(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: ASK_LIMIT_MS, maxBuffer: LONGEST_OUTPUT, windowsHide: true }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
}
