/** `--events`: what happened, one line each, in the order in which it happened; with `--follow` on and on. */
import type { EventRecord } from '../domain/event.ts';
import { SchedulerError } from '../errors.ts';
import { type Clock, isoTime } from '../runtime/clock.ts';
import type { StoreReader } from '../scheduler/commands.ts';
import type { Terminal } from './terminal.ts';

export interface ShowEventsRequest {
  readonly reader: Pick<StoreReader, 'events' | 'jobs'>;
  /** null = of all. */
  readonly job: string | null;
  readonly follow: boolean;
  /** One JSON object a line. */
  readonly json: boolean;
  readonly terminal: Pick<Terminal, 'write'>;
  readonly clock: Clock;
}

/** Read and shown at a time: a year's events do not fit into memory. */
const PAGE = 2_000;
const FOLLOW_EVERY_MS = 500;
const LINE_COLUMNS = 240;

/** With `follow` until `signal` aborts. @throws SchedulerError UNKNOWN_JOB when neither the queue nor an event knows it */
export async function showEvents(request: ShowEventsRequest, signal: AbortSignal): Promise<void> {
  const { reader, job, follow, json, terminal, clock } = request;
  if (job !== null) await refuseUnknown(reader, job);
  let afterSeq = 0;
  do {
    for (;;) {
      const page = await reader.events({ afterSeq, limit: PAGE, ...(job === null ? {} : { job }) });
      if (page.length > 0)
        terminal.write(page.map((event) => `${json ? JSON.stringify(eventInShape(event)) : eventLine(event)}\n`).join(''));
      afterSeq = page.at(-1)?.seq ?? afterSeq;
      if (page.length < PAGE) break;
    }
  } while (follow && (await clock.sleep(FOLLOW_EVERY_MS, 'next look at the events', signal)));
}

/** What was taken back is in no queue any more, but its story is still there. */
async function refuseUnknown(reader: ShowEventsRequest['reader'], job: string): Promise<void> {
  const known = (await reader.events({ job, limit: 1 })).length > 0 || (await reader.jobs({ id: job })).length > 0;
  if (!known) throw new SchedulerError('UNKNOWN_JOB', { details: { job } });
}

/** The published shape: the seeds' `event_type`, and instants in ISO 8601. */
function eventInShape({ seq, atMs, type, ...rest }: EventRecord): Readonly<Record<string, unknown>> {
  return { seq, at: isoTime(atMs), event_type: type, ...rest };
}

/** `   12  2026-01-05T12:00:00.000Z  action_retry  clip-1a2b  alice  worker 1  push infrastructure  attempt=1 …` */
function eventLine({ seq, atMs, type, job, account, device, who, epoch, phase, category, details }: EventRecord): string {
  const said = Object.entries(details).filter(([, value]) => value !== null && value !== '');
  const facts = said.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const words = [job, account, device, who, `epoch ${epoch}`, phase, category, ...facts].filter((word) => word !== null && word !== '');
  const line = `${String(seq).padStart(6)}  ${isoTime(atMs)}  ${type.padEnd(16)}  ${words.join('  ')}`.replace(/\s*[\r\n]+\s*/g, ' ');
  return line.length <= LINE_COLUMNS ? line : `${line.slice(0, LINE_COLUMNS - 1)}…`;
}
