/**
 * A person's second thoughts: a batch that should not have been added, a
 * mistyped account. What is or may be public, and what happened, stays.
 */
import type { Job } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import { nearestWord } from '../runtime/nearest-word.ts';
import type { DeskParts } from './desk.ts';
import { type Accepted, accepted, count, refused, WHO } from './replies.ts';

const PUBLIC_OR_BUSY: readonly Job['status'][] = ['claimed', 'committing', 'uncertain', 'success'];
const BATCHES_NAMED = 3;

export async function undoAdd({ store }: DeskParts, batch: string): Promise<Accepted> {
  const ids = await store.undoAdd(batch);
  if (ids.length > 0) return accepted(`Took back ${count(ids.length, 'video')} of batch ${batch}.`, { removed: ids });
  throw refused(
    `there is nothing of batch "${batch}" to take back: no such batch, or each of its videos is published, skipped or under way`,
    '`--skip JOB` keeps single videos from being published.',
  );
}

export async function undoAccount({ store, isConfigured }: DeskParts, account: string): Promise<Accepted> {
  if ((await store.account(account)) === null) throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account } });
  if (isConfigured(account)) throw refused(`${account} is named in scheduler.yaml`, 'Take it out there, then `scheduler --reload`.');
  const inTheWay = await store.removeAccount(account, WHO);
  if (inTheWay.length === 0) return accepted(`${account} is no account of this home any more; its story stays in --events.`);
  const [post] = inTheWay.filter((job) => PUBLIC_OR_BUSY.includes(job.status));
  if (post !== undefined)
    throw refused(
      `${account} has posts on record or under way (${post.id} is ${post.status}), which keep its videos from going out twice`,
      `\`--pause ${account}\` keeps it from posting.`,
    );
  const batches = [...new Set(inTheWay.map((job) => job.batch))];
  const undo = batches.slice(0, BATCHES_NAMED).map((batch) => `--undo-add ${batch} `);
  throw refused(
    `${count(inTheWay.length, 'video')} ${inTheWay.length === 1 ? 'is' : 'are'} for ${account} alone, or failed there`,
    `Take back what was added for it: \`scheduler ${undo.join('')}--undo-accounts ${account}\`; then add the folder again for the right one.`,
  );
}

/** Numbered accounts differ in their numbers by intent: `brand1` is no slip of `brand2`. */
export function likelySlip(name: string, known: readonly string[]): string | null {
  const letters = (text: string) => text.replace(/\d+/g, '0');
  const others = known.filter((other) => letters(other) !== letters(name));
  return name.length < SHORTEST_COMPARED ? null : nearestWord(name, others, name.length < LONG ? 1 : 2);
}

/** Short names are near each other without being slips. */
const SHORTEST_COMPARED = 4;
const LONG = 8;
