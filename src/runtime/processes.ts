/**
 * Processes: recognising one for sure, and ending a tree of them.
 *
 * A pid alone names nobody: it is reused. A process is its pid *and* its start
 * time, checked again before every signal. Nothing is ever ended by its name.
 * The only file that knows ps-list.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import { windowsProcesses } from './windows-processes.ts';

/** A process for sure. */
export interface ProcessIdentity {
  readonly pid: number;
  /** On Linux clock ticks since boot (field 22 of /proc/PID/stat), elsewhere epoch milliseconds of its start. */
  readonly startTicks: number;
}

export interface EndOptions {
  /** Time between the polite signal and the last one, milliseconds. */
  readonly graceMs: number;
  readonly clock: Clock;
  /** `NAME=value` in the environment of everything we started: by it the rest of a dead leader's group is known to be ours. */
  readonly marker?: string;
  /** Members of the tree that were recorded while it lived. */
  readonly recorded?: readonly ProcessIdentity[];
}

/** `ended`: it, or what was left of its tree, was ended. `not_ours`: the pid belongs to somebody else now. `gone`: nothing was left. */
export type EndResult = 'ended' | 'not_ours' | 'gone';

interface Row extends ProcessIdentity {
  readonly ppid: number;
  /** Process group; 0 where the platform does not say. */
  readonly group: number;
  /** By SIGSTOP or a tracer; false where the platform does not say. */
  readonly stopped: boolean;
}

const POLL_MS = 20;
/** After SIGKILL only the kernel can be slow. */
const KILL_LIMIT_MS = 5_000;
const LINUX = process.platform === 'linux';
const WINDOWS = process.platform === 'win32';

/** Start time of a running process; null when it does not run, is a zombie, or its start cannot be told. */
export async function startTicks(pid: number): Promise<number | null> {
  if (LINUX) return (await rowFromProc(pid))?.startTicks ?? null;
  return (await rowsFromPsList()).find((row) => row.pid === pid)?.startTicks ?? null;
}

/** True when this very process still runs. */
export async function isSameProcess(identity: ProcessIdentity): Promise<boolean> {
  return (await startTicks(identity.pid)) === identity.startTicks;
}

/** Ourselves. @throws Error where the platform cannot tell our start time */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const ticks = await startTicks(process.pid);
  if (ticks === null) throw new Error('this platform does not tell when a process started');
  return { pid: process.pid, startTicks: ticks };
}

/**
 * Ends a process, its group and its descendants: SIGTERM, `graceMs`, SIGKILL. When the leader is dead already, what is
 * left of its group is ended only as far as it carries our marker or was recorded. Safe to call twice.
 */
export async function endTree(leader: ProcessIdentity, options: EndOptions): Promise<EndResult> {
  const running = await snapshot();
  const current = running.find((row) => row.pid === leader.pid);
  if (current !== undefined && current.startTicks !== leader.startTicks) return 'not_ours';
  let tree = current === undefined ? await orphansOf(leader, running, options) : treeOf([current], running);
  if (tree.length === 0) return 'gone';

  await signal(tree, 'SIGTERM');
  // A stopped process hears nothing but SIGKILL: waiting for it would only keep its successor waiting.
  const graceMs = current?.stopped ? 0 : options.graceMs;
  if ((await gone(tree, graceMs, options.clock)) && current === undefined) return 'ended';
  // Whoever was forked after the first look belongs to a member that still lives, or to its group.
  const later = await snapshot();
  const groupIsOurs = current?.group === leader.pid && !later.some((row) => row.pid === leader.pid && !same(row, leader));
  const alive = later.filter((row) => tree.some((known) => same(known, row)) || (groupIsOurs && row.group === leader.pid));
  tree = treeOf(alive, later);
  if (tree.length === 0) return 'ended';
  await signal(tree, 'SIGKILL');
  await gone(tree, KILL_LIMIT_MS, options.clock);
  return 'ended';
}

/** A random name of this boot of the machine; null where there is none. */
export async function bootId(): Promise<string | null> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}

/** Names the world in which our pids mean something (containers have their own); null where there is none. */
export async function pidNamespace(): Promise<string | null> {
  return readlink('/proc/self/ns/pid').catch(() => null);
}

/**
 * The pid that listens on a local TCP port, IPv4 or IPv6; null when nobody does, or when it cannot be told
 * (not Linux, or a process of another user).
 *
 * @param expected looked at first, which spares the search in the usual case
 */
export async function listenerPid(port: number, expected?: number): Promise<number | null> {
  if (!LINUX) return null;
  const inodes = new Set([...(await listeningInodes('/proc/net/tcp', port)), ...(await listeningInodes('/proc/net/tcp6', port))]);
  if (inodes.size === 0) return null;
  if (expected !== undefined && (await holdsSocket(expected, inodes))) return expected;
  for (const pid of await pidsFromProc()) {
    if (await holdsSocket(pid, inodes)) return pid;
  }
  return null;
}

/** Every process of the machine as its words, as far as it may be seen. */
export async function commandLines(): Promise<readonly { readonly pid: number; readonly command: string }[]> {
  const { default: psList } = await import('ps-list');
  return (await psList()).map(({ pid, cmd, name }) => ({ pid, command: cmd ?? name }));
}

async function snapshot(): Promise<readonly Row[]> {
  if (!LINUX) return rowsFromPsList();
  const rows = await Promise.all((await pidsFromProc()).map(rowFromProc));
  return rows.filter((row) => row !== null);
}

/** `roots`, everything below them, and the groups that they lead; never ourselves. */
function treeOf(roots: readonly Row[], rows: readonly Row[]): readonly Row[] {
  const tree = new Map(roots.map((row) => [row.pid, row]));
  for (let before = -1; before !== tree.size; ) {
    before = tree.size;
    for (const row of rows) {
      if (row.pid === process.pid) continue;
      if (tree.has(row.ppid) || (row.group !== 0 && tree.has(row.group))) tree.set(row.pid, row);
    }
  }
  tree.delete(process.pid);
  return [...tree.values()];
}

async function orphansOf(leader: ProcessIdentity, rows: readonly Row[], options: EndOptions): Promise<readonly Row[]> {
  const recorded = options.recorded ?? [];
  const ours: Row[] = [];
  for (const row of rows) {
    const known = recorded.some((identity) => same(identity, row));
    if (known || (row.group === leader.pid && (await carriesMarker(row.pid, options.marker)))) ours.push(row);
  }
  return ours.filter((row) => row.pid !== process.pid);
}

/** True when the environment with which the process was started holds `NAME=value`. Only where there is a /proc. */
export async function carriesMarker(pid: number, marker: string | undefined): Promise<boolean> {
  if (marker === undefined) return false;
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return environment.split('\0').includes(marker);
}

async function signal(tree: readonly Row[], name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const member of tree) {
    if (!(await isSameProcess(member))) continue;
    try {
      process.kill(member.pid, name);
    } catch {
      // It ended in between, or is not ours to signal.
    }
  }
}

/** Waits until no member runs; false when the time was over first. */
async function gone(tree: readonly Row[], limitMs: number, clock: Clock): Promise<boolean> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    const alive = await Promise.all(tree.map(isSameProcess));
    if (!alive.includes(true)) return true;
    if (clock.monotonic() >= end) return false;
    await clock.sleep(POLL_MS, 'processes end');
  }
}

function same(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
}

async function pidsFromProc(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Fields of /proc/PID/stat after the command, which may itself hold blanks and brackets (proc(5)). */
async function rowFromProc(pid: number): Promise<Row | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, ppid, group] = fields;
  if (state === 'Z' || state === 'X') return null;
  const stopped = state === 'T' || state === 't';
  return { pid, startTicks: Number(fields[19]), ppid: Number(ppid), group: Number(group), stopped };
}

/** Where there is no /proc. ps-list calls a zombie `<defunct>`; on Windows it knows no start times, so the system itself is asked. */
async function rowsFromPsList(): Promise<readonly Row[]> {
  if (WINDOWS) {
    return (await windowsProcesses()).map(({ pid, ppid, startedMs }) => ({ pid, ppid, group: 0, stopped: false, startTicks: startedMs }));
  }
  // Only where it is needed: `--status` has 150 ms in all.
  const { default: psList } = await import('ps-list');
  const rows: Row[] = [];
  for (const { pid, ppid, name, cmd, startTime } of await psList()) {
    if (startTime === undefined || `${name} ${cmd}`.includes('<defunct>')) continue;
    rows.push({ pid, ppid, group: 0, stopped: false, startTicks: startTime.getTime() });
  }
  return rows;
}

/** Inodes of sockets in state LISTEN (0A) on the port, from the kernel's table (proc(5)). */
async function listeningInodes(table: string, port: number): Promise<readonly string[]> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const text = await readFile(table, 'utf8').catch(() => '');
  const inodes: string[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === '0A' && local?.endsWith(`:${wanted}`) && inode !== undefined) inodes.push(`socket:[${inode}]`);
  }
  return inodes;
}

async function holdsSocket(pid: number, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    if (inodes.has(target)) return true;
  }
  return false;
}
