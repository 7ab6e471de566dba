/**
 * Processes: recognising one for sure, and ending a tree of them.
 *
 * A pid alone names nobody: it is reused. A process is its pid *and* its start
 * time, checked again before every signal. Nothing is ever ended by its name.
 * What the systems tell of their processes is `process-table.ts`.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Clock } from './clock.ts';
import { type ProcessRow, type ProcessTable, pidsFromProc, processTable } from './process-table.ts';

/** A process for sure. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In the system's own measure: see ProcessRow. */
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
  /** Absent = this machine's. */
  readonly table?: ProcessTable;
}

/** `ended`: it, or what was left of its tree, was ended. `not_ours`: the pid belongs to somebody else now. `gone`: nothing was left. */
export type EndResult = 'ended' | 'not_ours' | 'gone';

const POLL_MS = 20;
/** After SIGKILL only the kernel can be slow. */
const KILL_LIMIT_MS = 5_000;
const LINUX = process.platform === 'linux';
const TABLE = processTable(process.platform);

/** Start time of a running process; null when it does not run, is a zombie, or its start cannot be told. */
export async function startTicks(pid: number): Promise<number | null> {
  return (await TABLE.rows([pid]))[0]?.startTicks ?? null;
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
  const table = options.table ?? TABLE;
  const running = await table.rows();
  const current = running.find((row) => row.pid === leader.pid);
  if (current !== undefined && current.startTicks !== leader.startTicks) return 'not_ours';
  let tree = current === undefined ? await orphansOf(leader, running, options) : treeOf([current], running);
  if (tree.length === 0) return 'gone';

  await signal(table, tree, 'SIGTERM');
  // A stopped process hears nothing but SIGKILL: waiting for it would only keep its successor waiting.
  const graceMs = current?.stopped ? 0 : options.graceMs;
  if ((await gone(table, tree, graceMs, options.clock)) && current === undefined) return 'ended';
  // Whoever was forked after the first look belongs to a member that still lives, or to its group.
  const later = await table.rows();
  const groupIsOurs = current?.group === leader.pid && !later.some((row) => row.pid === leader.pid && !same(row, leader));
  const alive = later.filter((row) => tree.some((known) => same(known, row)) || (groupIsOurs && row.group === leader.pid));
  tree = treeOf(alive, later);
  if (tree.length === 0) return 'ended';
  await signal(table, tree, 'SIGKILL');
  await gone(table, tree, KILL_LIMIT_MS, options.clock);
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

/** `roots`, everything below them, and the groups that they lead; never ourselves. */
function treeOf(roots: readonly ProcessRow[], rows: readonly ProcessRow[]): readonly ProcessRow[] {
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

async function orphansOf(leader: ProcessIdentity, rows: readonly ProcessRow[], options: EndOptions): Promise<readonly ProcessRow[]> {
  const recorded = options.recorded ?? [];
  const ours: ProcessRow[] = [];
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

async function signal(table: ProcessTable, tree: readonly ProcessRow[], name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  for (const member of await stillRunning(table, tree)) {
    try {
      table.signal(member.pid, name);
    } catch {
      // It ended in between, or is not ours to signal.
    }
  }
}

/** Waits until no member runs; false when the time was over first. */
async function gone(table: ProcessTable, tree: readonly ProcessRow[], limitMs: number, clock: Clock): Promise<boolean> {
  const end = clock.monotonic() + limitMs;
  for (;;) {
    if ((await stillRunning(table, tree)).length === 0) return true;
    if (clock.monotonic() >= end) return false;
    await clock.sleep(POLL_MS, 'processes end');
  }
}

/** Those of them that are still the very same processes; one look for all, because on Windows each takes half a second. */
async function stillRunning(table: ProcessTable, tree: readonly ProcessRow[]): Promise<readonly ProcessRow[]> {
  const now = await table.rows(tree.map(({ pid }) => pid));
  return tree.filter((member) => now.some((row) => same(member, row)));
}

function same(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks;
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
