/**
 * What can be seen to be wrong with an order before the home is opened: a slip
 * of the pen must not leave a new home, a lock and a database behind. The
 * videos themselves are looked at later (intake.ts).
 */
import { resolve } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { readFolder } from './folder.ts';
import type { Options } from './options.ts';

/**
 * @param named the accounts of the configuration; null = the home has a store, which may know more
 * @throws SchedulerError BAD_USAGE (folder), NO_ACCOUNTS, UNKNOWN_ACCOUNT
 */
export async function lookFirst({ add }: Options, named: readonly string[] | null): Promise<void> {
  for (const folder of add.folders) await readFolder(resolve(folder));
  if (add.folders.length === 0 || named === null) return;
  const known = [...named, ...add.accounts];
  if (known.length === 0) throw new SchedulerError('NO_ACCOUNTS');
  if (add.boundTo !== null && !known.includes(add.boundTo))
    throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: add.boundTo } });
}
