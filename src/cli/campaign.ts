/**
 * The predecessor's campaign folder: `accounts.txt`, one CSV of captions, a
 * folder of videos, perhaps `campaign.json` and the progress of its last run.
 * Said in our words it is `--add-folder` with `--add-accounts`; only what
 * differs is here.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isAccountName } from '../domain/account.ts';
import { SchedulerError } from '../errors.ts';

export interface Campaign {
  readonly name: string;
  readonly accounts: readonly string[];
  /** Progress files of earlier runs: what they published is not published again. */
  readonly progressFiles: readonly string[];
  /** Worth saying. */
  readonly notes: readonly string[];
}

/**
 * @param folder absolute path
 * @throws SchedulerError BAD_IMPORT when it is no campaign, or one that is switched off
 */
export async function readCampaign(folder: string): Promise<Campaign> {
  const entries = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw badCampaign(folder, `it cannot be read (${cause.code})`, cause);
  });
  const settings = entries.includes('campaign.json') ? await readSettings(folder) : {};
  if (settings.enabled === false) throw badCampaign(folder, 'campaign.json says enabled: false; correct it, or import another folder');
  if (!entries.includes('accounts.txt')) throw badCampaign(folder, 'it is no campaign folder: it has no accounts.txt');
  const written = accountsIn(await readFile(join(folder, 'accounts.txt'), 'utf8'));
  const accounts = written.filter(isAccountName);
  if (accounts.length === 0) throw badCampaign(folder, 'its accounts.txt names no account');
  const cap = settings.max_posts_per_account_per_day;
  return {
    name: typeof settings.name === 'string' ? settings.name : basename(folder),
    accounts,
    progressFiles: entries.filter((name) => /progress.*\.csv$/i.test(name)).map((name) => join(folder, name)),
    notes: [
      ...written.filter((name) => !isAccountName(name)).map((name) => `accounts.txt: "${name}" is no account name; left out`),
      ...(typeof cap === 'number' && cap > 1
        ? [`campaign.json allows ${cap} posts a day: write \`posts_per_day: ${cap}\` in scheduler.yaml`]
        : []),
    ],
  };
}

/** One a line, or with commas; `#` begins a comment. */
function accountsIn(text: string): readonly string[] {
  const words = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line) => line.replace(/#.*/, '').split(/[\s,]+/));
  return [...new Set(words.map((word) => word.replace(/^@/, '')).filter((name) => name !== ''))];
}

async function readSettings(folder: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const value: unknown = JSON.parse((await readFile(join(folder, 'campaign.json'), 'utf8')).replace(/^\uFEFF/, ''));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch (cause) {
    throw badCampaign(folder, `its campaign.json cannot be read (${(cause as Error).message})`, cause);
  }
}

function badCampaign(folder: string, what: string, cause?: unknown): SchedulerError {
  return new SchedulerError('BAD_IMPORT', { cause, details: { file: folder, what } });
}
