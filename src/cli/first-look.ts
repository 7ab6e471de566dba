/**
 * What can be seen to be wrong with an order before the home is opened: a slip
 * of the pen must not leave a new home, a lock and a database behind. The
 * videos themselves are looked at later (intake.ts).
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { readCampaign } from './campaign.ts';
import { readFolder } from './folder.ts';
import type { Options } from './options.ts';

/**
 * @param named the accounts of the configuration; null = the home has a store, which may know more
 * @throws SchedulerError BAD_USAGE (folder), BAD_IMPORT (not there, or no campaign), NO_ACCOUNTS, UNKNOWN_ACCOUNT
 */
export async function lookFirst({ add, import: imports }: Options, named: readonly string[] | null): Promise<void> {
  for (const folder of add.folders) await readFolder(resolve(folder));
  for (const path of imports.files) await lookAtImport(resolve(path));
  if (add.folders.length === 0 || named === null) return;
  const known = [...named, ...add.accounts];
  if (known.length === 0) throw new SchedulerError('NO_ACCOUNTS');
  if (add.boundTo !== null && !known.includes(add.boundTo))
    throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: add.boundTo } });
}

async function lookAtImport(path: string): Promise<void> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw new SchedulerError('BAD_IMPORT', { cause, details: { file: path, what: `it cannot be read (${cause.code})` } });
  });
  if (found.isDirectory()) await readCampaign(path);
}
