/** The lock of a home in the shape of `--status --json`; reading it is runtime's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LOCK_NAME, readLock } from '../runtime/lock-file.ts';
import type { LockView } from '../scheduler/status.ts';

export async function readLockView(home: string, nowMs: number): Promise<LockView> {
  const lock = await readLock(home, nowMs);
  if (lock.state === 'none') {
    // A file that names nobody holds nothing, but a person should see that it is there.
    const state = existsSync(join(home, LOCK_NAME)) ? 'stale' : 'none';
    return { state, pid: null, started: null, last_heartbeat: null, epoch: null };
  }
  const { state, pid, started, last_heartbeat = null, epoch = null } = lock;
  return { state, pid, started, last_heartbeat, epoch };
}
