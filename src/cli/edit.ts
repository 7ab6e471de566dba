/** `--edit`: what a person wants changed becomes orders; a time without an offset is meant in the zone of the video's account. */
import { parseTime } from '../domain/local-time.ts';
import { SchedulerError } from '../errors.ts';
import type { Command, StoreReader } from '../scheduler/commands.ts';
import type { EditOptions } from './orders.ts';

export interface EditParts {
  readonly office: { readonly reader: Pick<StoreReader, 'jobs'> };
  readonly zoneOf: (account: string | null) => string;
}

/** @throws SchedulerError UNKNOWN_JOB, BAD_USAGE for a time that is none */
export async function editCommands(edit: EditOptions, { office, zoneOf }: EditParts): Promise<readonly Command[]> {
  const { caption, account, priority, at } = edit;
  const commands: Command[] = [];
  for (const job of edit.jobs) {
    const [known] = await office.reader.jobs({ id: job });
    if (known === undefined) throw new SchedulerError('UNKNOWN_JOB', { details: { job } });
    const publishAtMs = at === null ? null : parseTime(at, zoneOf(account ?? known.account));
    if (at !== null && publishAtMs === null) {
      throw new SchedulerError('BAD_USAGE', {
        details: { what: `"${at}" is no time; write 2026-11-22 18:30 or 2026-11-22T18:30:00+01:00` },
      });
    }
    const change = {
      ...(caption === null ? {} : { caption }),
      ...(account === null ? {} : { account }),
      ...(priority === null ? {} : { priority }),
      ...(publishAtMs === null ? {} : { publishAtMs }),
    };
    commands.push({ do: 'edit', job, edit: change });
  }
  return commands;
}
