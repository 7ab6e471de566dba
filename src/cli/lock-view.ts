/** The lock of a home in the shape of `--status --json`; reading it is runtime's. */
import { readLock } from '../runtime/lock-file.ts';
import type { LockView } from '../scheduler/status.ts';

export async function readLockView(home: string, nowMs: number): Promise<LockView> {
  const lock = await readLock(home, nowMs);
  if (lock.state === 'none') return { state: 'none', pid: null, started: null, last_heartbeat: null, epoch: null };
  const { state, pid, started, last_heartbeat = null, epoch = null } = lock;
  return { state, pid, started, last_heartbeat, epoch };
}
