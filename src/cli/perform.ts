/**
 * Carries out what a command line adds and orders, in its order: accounts,
 * folders, imports, acts. Everything that can be wrong is looked at first, so
 * that bad input changes nothing. Running and looking are main's.
 */

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Command, KnownVideo, Office, Reply, StateMover } from '../scheduler/commands.ts';
import { readCampaign } from './campaign.ts';
import { editCommands } from './edit.ts';
import { addCommands, type Intake, notesOf, repeatsOf, takeFolder } from './intake.ts';
import type { Options } from './options.ts';
import { ProgressBar } from './progress-bar.ts';
import type { Terminal } from './terminal.ts';

export interface PerformParts {
  readonly options: Options;
  readonly office: Office;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly random: Random;
  /** Zone of an account's local times; null = of a job that any account may take. */
  readonly zoneOf: (account: string | null) => string;
}

/** Of what is not queued, so many lines of each kind; the rest is counted. */
const LINES_SHOWN = 20;

/** @throws SchedulerError for the first thing that is wrong; what was said before it is done */
export async function perform(parts: PerformParts): Promise<void> {
  const { add, act, import: imports, exportFile } = parts.options;
  const intakes = await readFolders(parts);
  if (add.accounts.length > 0) await order(parts, { do: 'add_accounts', names: add.accounts });
  for (const intake of intakes) await queue(parts, intake);
  for (const path of imports.files) await ((await isFolder(path)) ? importCampaign(parts, resolve(path)) : importFile(parts, path));
  for (const command of await editCommands(parts.options.edit, parts)) await order(parts, command);
  for (const command of act) await order(parts, command);
  if (exportFile !== null) await exportTo(parts, exportFile);
}

async function importFile(parts: PerformParts, file: string): Promise<void> {
  const { timezone, map } = parts.options.import;
  for (const line of await mover(parts).importFile({ file, timezone, map })) parts.terminal.write(`${line}\n`);
}

/** What the predecessor called a campaign: its accounts, what its last run published, and its videos, in this order. */
async function importCampaign(parts: PerformParts, folder: string): Promise<void> {
  const { name, accounts, progressFiles, notes } = await readCampaign(folder);
  for (const line of [`Campaign ${name}:`, ...notes]) parts.terminal.write(`${line}\n`);
  await order(parts, { do: 'add_accounts', names: accounts });
  for (const file of progressFiles) await importFile(parts, file);
  const add = { folders: [folder], accounts, boundTo: null, at: null, again: false, maxAttempts: null };
  for (const intake of await readFolders({ ...parts, options: { ...parts.options, add } })) await queue(parts, intake);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function exportTo({ office, terminal }: PerformParts, file: string): Promise<void> {
  if (!/\.(?:json|csv)$/.test(file)) {
    throw new SchedulerError('BAD_USAGE', { details: { what: `--export writes .json and .csv files, not ${file}` } });
  }
  const folder = dirname(resolve(file));
  if (!existsSync(folder)) throw new SchedulerError('BAD_USAGE', { details: { what: `there is no folder ${folder} to export to` } });
  await office.write(resolve(file));
  terminal.write(`Wrote ${file}.\n`);
}

function mover({ office }: PerformParts): StateMover {
  if (office.files !== null) return office.files;
  const what = 'a scheduler is running here; importing a whole state needs it to be stopped';
  throw new SchedulerError('REFUSED', { details: { what, next: 'Stop it by `scheduler --stop`, then order it again.' } });
}

async function readFolders({ options, office, terminal, clock, random, zoneOf }: PerformParts): Promise<readonly Intake[]> {
  const { add } = options;
  if (add.folders.length === 0) return [];
  const known = (await office.reader.accounts(clock.now())).map((account) => account.name);
  const knownAccounts = [...new Set([...known, ...add.accounts])];
  if (knownAccounts.length === 0) throw new SchedulerError('NO_ACCOUNTS');
  const repeatOf = add.again ? await repeatsOf(office.reader) : null;
  const intakes: Intake[] = [];
  for (const folder of add.folders) {
    const bar = new ProgressBar(terminal, clock, 'videos checked');
    const { boundTo, at, maxAttempts, accounts: forAccounts } = add;
    const onProgress = (done: number, total: number) => bar.update(done, total);
    const request = { folder, forAccounts, knownAccounts, boundTo, at, maxAttempts, zoneOf, repeatOf, onProgress };
    const intake = await takeFolder(request, { clock, random });
    if (intake.jobs.length === 0) throw nothingToQueue(folder, intake);
    intakes.push(intake);
  }
  return intakes;
}

/** Going on would look like success to whoever ordered it. */
function nothingToQueue(folder: string, { refused }: Intake): SchedulerError {
  const shown = refused.slice(0, 3).map(({ what, why }) => `${what}: ${why}`);
  const more = refused.length > shown.length ? [`${refused.length - shown.length} more`] : [];
  return new SchedulerError('BAD_USAGE', { details: { what: `nothing of ${folder} can be queued (${[...shown, ...more].join('; ')})` } });
}

async function queue(parts: PerformParts, intake: Intake): Promise<void> {
  const say = (lines: readonly string[], what: string) => {
    for (const line of lines.slice(0, LINES_SHOWN)) parts.terminal.write(`${what}: ${line}\n`);
    if (lines.length > LINES_SHOWN) parts.terminal.write(`${what}: ${lines.length - LINES_SHOWN} more\n`);
  };
  say(
    intake.refused.map(({ what, why }) => `${what}: ${why}`),
    'Not queued',
  );
  const known: KnownVideo[] = [];
  for (const command of addCommands(intake)) known.push(...(((await send(parts, command)).data?.known ?? []) as readonly KnownVideo[]));
  const isKnown = new Set(known.map(({ id }) => id));
  const queued = intake.jobs.filter(({ id }) => !isKnown.has(id));
  say(
    known.map((video) => knownVideo(intake, video)),
    'Already known',
  );
  // Of what is not queued nothing need be said.
  for (const note of notesOf(intake, queued)) parts.terminal.write(`${note}\n`);
  const tail = known.length > 0 ? `, ${known.length} already known` : '';
  parts.terminal.write(
    `Queued ${queued.length} of ${intake.found} video${intake.found === 1 ? '' : 's'}${tail}${queued.length === 0 ? '' : ` (batch ${intake.batch.id})`}.\n`,
  );
}

/** `beach.mp4 is beach-1a2b3c4d, success (alice)` */
function knownVideo({ batch, jobs }: Intake, { id, knownAs, status, account }: KnownVideo): string {
  const path = jobs.find((job) => job.id === id)?.videoPath ?? id;
  return `${relative(batch.source, path)} is ${knownAs}, ${STATUS_WORDS[status]}${account === null ? '' : ` (${account})`}`;
}

const STATUS_WORDS: Readonly<Record<KnownVideo['status'], string>> = {
  pending: 'which waits',
  claimed: 'which is being prepared',
  committing: 'which is being published',
  uncertain: 'which nobody is sure about',
  retrying: 'which is tried again',
  success: 'which is published',
  failed: 'which has failed',
  skipped: 'which was skipped',
};

type Accepted = Extract<Reply, { readonly ok: true }>;

interface OrderParts {
  readonly office: Pick<Office, 'handle'>;
  readonly terminal: Terminal;
}

/** One order, and what became of it. @throws OrderRefused */
export async function order(parts: OrderParts, command: Command): Promise<void> {
  const { text } = await send(parts, command);
  parts.terminal.write(`${text}\n`);
}

/** @throws OrderRefused */
async function send({ office }: OrderParts, command: Command): Promise<Accepted> {
  const reply = await office.handle(command);
  if (!reply.ok) throw new OrderRefused(reply);
  return reply;
}

/** An order that was not carried out, in the words of the one who refused it. */
export class OrderRefused extends Error {
  readonly code: string;
  readonly next: string;
  readonly usage: boolean;

  constructor(reply: Extract<Reply, { readonly ok: false }>) {
    super(reply.text);
    this.name = 'OrderRefused';
    this.code = reply.code;
    this.next = reply.next;
    this.usage = reply.usage;
  }
}
