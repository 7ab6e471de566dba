/**
 * One scheduler acts on a database. Its home's kernel lock sees to that as long
 * as the database lies there under its usual name; one that was named by `store`
 * may be that of another home too, and has a lock beside it. Whoever finds it
 * taken would else bring home what its holder has in hand.
 */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { type KernelLock, takeKernelLock } from './kernel-lock.ts';
import { readContent } from './lock-file.ts';

export const GUARD_NAME = 'scheduler.guard.db';
const USUAL_NAME = 'scheduler_state.db';

/**
 * Null when the lock of the home guards the database already.
 *
 * @throws SchedulerError STORE_TAKEN, naming the holder
 */
export async function takeStoreGuard(home: string, store: string): Promise<KernelLock | null> {
  const path = realPath(store);
  const folder = dirname(path);
  const guard = basename(path) === USUAL_NAME ? join(folder, GUARD_NAME) : `${path}.guard.db`;
  if (!existsSync(folder) || guard === join(realpathSync(home), GUARD_NAME)) return null;
  const lock = takeKernelLock(guard);
  if (lock !== null) return lock;
  const holder = await readContent(folder);
  throw new SchedulerError('STORE_TAKEN', { details: { store, pid: holder?.pid ?? 'unknown' } });
}

/** Also of a database that is not there yet: two names of one folder are one folder. */
function realPath(store: string): string {
  if (existsSync(store)) return realpathSync(store);
  return existsSync(dirname(store)) ? join(realpathSync(dirname(store)), basename(store)) : store;
}
