/** `--edit`: what a person wants changed becomes orders; a time without an offset is meant in the zone of the video's account. */
import { parseTime } from '../domain/local-time.ts';
import { SchedulerError } from '../errors.ts';
import type { Command, StoreReader } from '../scheduler/commands.ts';
import type { EditOptions } from './orders.ts';

export interface EditParts {
  readonly office: { readonly reader: Pick<StoreReader, 'jobs'> };
  readonly zoneOf: (account: string | null) => string;
}

type Edit = Extract<Command, { readonly do: 'edit' }>;

/** All but the time: nothing need be known of the videos for it. */
export function editsOf(edit: EditOptions | null): readonly Edit[] {
  if (edit === null) return [];
  const { caption, account, priority } = edit;
  const change = {
    ...(caption === null ? {} : { caption }),
    ...(account === null ? {} : { account }),
    ...(priority === null ? {} : { priority }),
  };
  return edit.jobs.map((job) => ({ do: 'edit', job, edit: change }));
}

/** @throws SchedulerError UNKNOWN_JOB, BAD_USAGE for a time that is none */
export async function editCommands(edit: EditOptions | null, parts: EditParts): Promise<readonly Edit[]> {
  const edits = editsOf(edit);
  if (edit === null || edit.at === null) return edits;
  const commands: Edit[] = [];
  for (const command of edits) {
    const publishAtMs = await instantOf(edit.at, edit.account, command.job, parts);
    commands.push({ ...command, edit: { ...command.edit, publishAtMs } });
  }
  return commands;
}

async function instantOf(at: string, account: string | null, job: string, { office, zoneOf }: EditParts): Promise<number> {
  const [known] = await office.reader.jobs({ id: job });
  if (known === undefined) throw new SchedulerError('UNKNOWN_JOB', { details: { job } });
  const publishAtMs = parseTime(at, zoneOf(account ?? known.account));
  if (publishAtMs !== null) return publishAtMs;
  const what = `"${at}" is no time; write 2026-11-22 18:30 or 2026-11-22T18:30:00+01:00`;
  throw new SchedulerError('BAD_USAGE', { details: { what } });
}
