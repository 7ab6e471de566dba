/**
 * Who holds a home, for looking only: read from `scheduler.lock`, never from the
 * kernel lock, which a look must not disturb. Taking the lock is runtime's.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { parseIsoTime } from '../runtime/clock.ts';
import { bootId, isSameProcess, pidNamespace } from '../runtime/processes.ts';
import type { LockView } from '../scheduler/status.ts';

const NOBODY: LockView = { state: 'none', pid: null, started: null, last_heartbeat: null, epoch: null };

/** A heartbeat comes every 30 s; after four missed ones the next start may replace the holder. */
const STALE_AFTER_MS = 120_000;

export async function readLockView(home: string, nowMs: number): Promise<LockView> {
  let text: string;
  try {
    text = await readFile(join(home, 'scheduler.lock'), 'utf8');
  } catch {
    return NOBODY;
  }
  const lock = parse(text);
  if (lock === null) return { ...NOBODY, state: 'stale' };
  return {
    state: (await holds(lock, nowMs)) ? 'held' : 'stale',
    pid: typeof lock.pid === 'number' ? lock.pid : null,
    started: typeof lock.started === 'string' ? lock.started : null,
    last_heartbeat: typeof lock.last_heartbeat === 'string' ? lock.last_heartbeat : null,
    epoch: typeof lock.epoch === 'number' ? lock.epoch : null,
  };
}

async function holds(lock: Readonly<Record<string, unknown>>, nowMs: number): Promise<boolean> {
  const beat = parseIsoTime(String(lock.last_heartbeat ?? lock.started ?? ''));
  if (beat === null || nowMs - beat > STALE_AFTER_MS) return false;
  // A process of another host, or of another container, cannot be seen from here; its heartbeat speaks for it.
  if (typeof lock.hostname === 'string' && lock.hostname !== hostname()) return true;
  if (typeof lock.boot_id === 'string' && lock.boot_id !== (await bootId())) return false;
  if (typeof lock.pid_ns === 'string' && lock.pid_ns !== (await pidNamespace())) return true;
  if (typeof lock.pid !== 'number') return false;
  return typeof lock.start_ticks === 'number' ? isSameProcess({ pid: lock.pid, startTicks: lock.start_ticks }) : isThere(lock.pid);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
