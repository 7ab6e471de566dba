/**
 * `--logs`: what the scheduler wrote down, for a person: all days that are kept,
 * or as they come. Reads files only; the daemon need not run.
 */
import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { painter, type Terminal } from './terminal.ts';

export interface LogsRequest {
  readonly home: string;
  /** null = of every job, or of none. */
  readonly job: string | null;
  readonly worker: number | null;
  /** Whether the home has such a job; asked only when the logs say nothing of it. */
  readonly hasJob: (job: string) => Promise<boolean>;
  readonly follow: boolean;
  /** As it was written, one JSON object a line. */
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly clock: Clock;
}

/** Of everything, only the end; of one job or worker, all that is kept. */
const LINES_SHOWN = 200;
const LOOK_EVERY_MS = 500;
const LEVELS = { error: 'red', warn: 'yellow', info: 'reset', debug: 'dim' } as const;

/** @throws SchedulerError BAD_USAGE when nothing was ever written here, UNKNOWN_JOB */
export async function showLogs(request: LogsRequest, stop: AbortSignal): Promise<void> {
  const { home, worker, job, terminal, clock } = request;
  const name = worker === null ? 'scheduler' : `worker_${worker}`;
  const files = filesOf(home, name);
  if (files.length === 0) {
    const what = worker === null ? `nothing was written down in ${home} yet` : `there is no log of worker ${worker} in ${home}`;
    throw new SchedulerError('BAD_USAGE', { details: { what } });
  }
  const most = job === null && worker === null ? LINES_SHOWN : Number.POSITIVE_INFINITY;
  const lines: string[] = [];
  let end = { file: '', bytes: 0 };
  for (const file of files) {
    const stream = createReadStream(file);
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const shown = shownLine(line, request);
      if (shown === null) continue;
      lines.push(shown);
      if (lines.length > most) lines.shift();
    }
    end = { file, bytes: stream.bytesRead };
  }
  for (const line of lines) terminal.write(`${line}\n`);
  if (job !== null && lines.length === 0 && !(await request.hasJob(job))) throw new SchedulerError('UNKNOWN_JOB', { details: { job } });
  while (request.follow && (await clock.sleep(LOOK_EVERY_MS, 'next look at the log', stop))) {
    end = await showNew(request, name, end);
  }
}

/** What was added since `from`, in that file and in those that a new day or a full file began. */
async function showNew(request: LogsRequest, name: string, from: { readonly file: string; readonly bytes: number }) {
  const files = filesOf(request.home, name);
  let end = from;
  for (const file of files.slice(Math.max(0, files.indexOf(from.file)))) {
    const start = file === end.file ? end.bytes : 0;
    const text = await readFrom(file, start);
    // A line that is still being written is read whole the next time.
    const whole = text.subarray(0, text.lastIndexOf(0x0a) + 1);
    for (const line of whole.toString('utf8').split('\n')) {
      const shown = shownLine(line, request);
      if (shown !== null) request.terminal.write(`${shown}\n`);
    }
    end = { file, bytes: start + whole.length };
  }
  return end;
}

async function readFrom(path: string, start: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return Buffer.alloc(0);
  try {
    const size = Math.max(0, (await file.stat()).size - start);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** `daily/scheduler.2026-11-22.1.log`, oldest first. */
function filesOf(home: string, name: string): readonly string[] {
  const folder = join(home, 'logs', 'daily');
  if (!existsSync(folder)) return [];
  const found = readdirSync(folder).flatMap((file) => {
    const [, of, day = '', number = ''] = /^(.+)\.(\d{4}-\d\d-\d\d)\.(\d+)\.log$/.exec(file) ?? [];
    return of === name ? [{ path: join(folder, file), key: `${day}.${number.padStart(6, '0')}` }] : [];
  });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ path }) => path);
}

/** null = it is not asked for. A line that cannot be read is shown as it is: somebody may look for exactly that. */
function shownLine(line: string, { job, json, terminal }: LogsRequest): string | null {
  if (line.trim() === '') return null;
  const record = parse(line);
  if (job !== null && record?.job !== job) return null;
  if (json || record === null) return line;
  const level = String(record.level) as keyof typeof LEVELS;
  const paint = painter(terminal);
  const { time, msg, err, code } = record;
  const who = record.worker === undefined ? '' : ` worker ${String(record.worker)}:`;
  const why = typeof err === 'object' && err !== null && 'message' in err ? ` (${String(err.message).split('\n', 1)[0]})` : '';
  const what = msg ?? (code === undefined ? line : code);
  return `${String(time).slice(0, 19).replace('T', ' ')} ${paint(LEVELS[level] ?? 'reset', `${level.toUpperCase().padEnd(5)}${who} ${String(what)}${why}`)}`;
}

function parse(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === 'object' && record !== null ? (record as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}
