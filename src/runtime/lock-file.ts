/**
 * `scheduler.lock`: who acts in this home, readable for people and tools. It
 * grants nothing, the kernel lock does; it says whom to name and whom to end.
 *
 * Light to import: `--status` reads it.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { bootClockMs, parseIsoTime } from './clock.ts';
import { bootId, ownIdentity, pidNamespace, startTicks } from './processes.ts';

/** The file's content. Locks of the seeds' programs lack all that is optional here. */
export interface LockContent {
  readonly pid: number;
  /** ISO 8601; a naive time of the seeds is this machine's local time. */
  readonly started: string;
  readonly last_heartbeat?: string | undefined;
  /** The same instant on the clock of its boot, `bootClockMs`. */
  readonly heartbeat_boot_ms?: number | undefined;
  readonly hostname?: string | undefined;
  readonly instance?: string | undefined;
  readonly epoch?: number | undefined;
  readonly start_ticks?: number | undefined;
  readonly boot_id?: string | null | undefined;
  readonly pid_ns?: string | null | undefined;
  /** Inode of the kernel lock that it holds. */
  readonly guard?: number | undefined;
  /** Earlier holders that may still live; named here until the store knows of them. */
  readonly doubted?: readonly LockContent[] | undefined;
}

/** What `--status` shows. `held`: somebody acts. `stale`: the holder is dead, or silent for more than 2 minutes. */
export type LockView = { readonly state: 'none' } | ({ readonly state: 'held' | 'stale' } & LockContent);

/** `alive` here; `dead` here; `elsewhere` = another machine or container, whose processes cannot be seen. */
export type Whereabouts = 'alive' | 'dead' | 'elsewhere';

/** This process, in the words of a lock file. */
export interface Self {
  readonly pid: number;
  readonly startTicks: number;
  readonly hostname: string;
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
}

export const LOCK_NAME = 'scheduler.lock';
/** A holder that was silent for longer hangs, or is gone. */
export const STALE_AFTER_MS = 120_000;

/** Reads the lock of a home without disturbing its holder. Never throws. */
export async function readLock(home: string, now: number): Promise<LockView> {
  const content = await readContent(home);
  if (content === null) return { state: 'none' };
  const me = await self();
  const fresh = !isSilent(content, now, me) && (await whereabouts(content, me)) !== 'dead';
  return { state: fresh ? 'held' : 'stale', ...content };
}

/** null when there is none, or nothing that could be read as one. */
export async function readContent(home: string): Promise<LockContent | null> {
  const text = await readFile(join(home, LOCK_NAME), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const content = JSON.parse(text) as LockContent;
    return Number.isSafeInteger(content.pid) && content.pid > 0 && typeof content.started === 'string' ? content : null;
  } catch {
    return null;
  }
}

/**
 * True when its last sign of life is older than 2 minutes. Within one boot the machine's own clock says so: wall time can
 * be set, and goes on while the machine sleeps. Elsewhere a time in the future is a sign of life: clocks differ.
 */
export function isSilent(content: LockContent, now: number, me: Self): boolean {
  const { heartbeat_boot_ms: beatMs, boot_id: boot } = content;
  if (beatMs !== undefined && boot != null && boot === me.bootId) return bootClockMs() - beatMs > STALE_AFTER_MS;
  const beat = parseIsoTime(content.last_heartbeat ?? content.started);
  return beat === null || now - beat > STALE_AFTER_MS;
}

/** Whether the process that a lock names still runs. */
export async function whereabouts(content: LockContent, me: Self): Promise<Whereabouts> {
  const sameHost = content.hostname === undefined || content.hostname === me.hostname;
  const sameBoot = content.boot_id == null || content.boot_id === me.bootId;
  if (!sameBoot) return sameHost ? 'dead' : 'elsewhere';
  if (content.boot_id == null && !sameHost) return 'elsewhere';
  if (content.pid_ns != null && content.pid_ns !== me.pidNamespace) return 'elsewhere';
  const ticks = await startTicks(content.pid);
  if (ticks === null) return 'dead';
  return content.start_ticks === undefined || content.start_ticks === ticks ? 'alive' : 'dead';
}

/** True when the process that a lock names is proven not to run any more. */
export async function isDead(content: LockContent): Promise<boolean> {
  return (await whereabouts(content, await self())) === 'dead';
}

/** True when the lock proves which process of this machine it means: only such a one may ever be ended. */
export function isProvable(content: LockContent, me: Self): content is LockContent & { readonly start_ticks: number } {
  return (
    content.start_ticks !== undefined &&
    me.bootId !== null &&
    content.boot_id === me.bootId &&
    me.pidNamespace !== null &&
    content.pid_ns === me.pidNamespace
  );
}

export function isOwn(content: LockContent, me: Self): boolean {
  return isProvable(content, me) && content.pid === me.pid && content.start_ticks === me.startTicks;
}

export async function self(): Promise<Self> {
  const identity = await ownIdentity();
  return { ...identity, hostname: hostname(), bootId: await bootId(), pidNamespace: await pidNamespace() };
}
