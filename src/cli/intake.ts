/**
 * A folder becomes jobs: videos are checked and hashed, captions and wishes
 * joined to them, and every one that must not be queued is named with its
 * reason. The result is plain `add_jobs` commands; who carries them out, a
 * running daemon or this process, is not known here.
 */
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { isAccountName } from '../domain/account.ts';
import { parseTime } from '../domain/local-time.ts';
import { retryFields } from '../domain/retry.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { isoTime } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import { parseRetryText, RetryProblem } from '../runtime/retry-text.ts';
import type { Command } from '../scheduler/commands.ts';
import type { StoreReader } from '../scheduler/status.ts';
import { type CaptionRow, captionText, readCaptions } from './captions.ts';
import { type FolderContent, type FoundVideo, readFolder } from './folder.ts';
import { fileSha256, VideoChecker } from './video-check.ts';

type AddJobs = Extract<Command, { readonly do: 'add_jobs' }>;
type NewBatch = AddJobs['batch'];
type NewJob = AddJobs['jobs'][number];

export interface IntakeRequest {
  readonly folder: string;
  /** Named in the same command: its videos are theirs. Empty = every account's. */
  readonly forAccounts: readonly string[];
  /** All accounts there are, those of this command included. */
  readonly knownAccounts: readonly string[];
  readonly boundTo: string | null;
  /** `--at`, raw. */
  readonly at: string | null;
  readonly maxAttempts: number | null;
  /** Zone of an account's local times; null = of a job that any may take. */
  readonly zoneOf: (account: string | null) => string;
  /** The number of the ordered repeat of these bytes; null = `--again` was not said. */
  readonly repeatOf: ((sha256: string) => number) | null;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Refused {
  /** Path below the folder, or `captions.csv:12`. */
  readonly what: string;
  readonly why: string;
}

export interface Intake {
  readonly batch: NewBatch;
  readonly jobs: readonly NewJob[];
  /** Never queued, each with its reason. */
  readonly refused: readonly Refused[];
  /** Videos that lie in the folder. */
  readonly found: number;
  /** Files of kinds that are not published, such as .mov. */
  readonly otherVideos: number;
  /** How many accounts share the videos that are bound to none. */
  readonly sharers: number;
}

/** The default of `too_late`; a mistyped year must not lose a batch. */
const LONG_PAST_MS = 24 * 3_600_000;
/** Reading is what takes time, and a disk serves a few readers best. */
const READERS = 4;
/** Rows per command: one transaction of the store, well under a second. */
const BATCH_ROWS = 500;
const BATCH_CHARACTERS = 1_000_000;

/** @throws SchedulerError BAD_USAGE (folder, captions, `--at`), UNKNOWN_ACCOUNT (`--account`) */
export async function takeFolder(request: IntakeRequest, deps: { readonly clock: Clock; readonly random: Random }): Promise<Intake> {
  const folder = resolve(request.folder);
  if (request.boundTo !== null && !request.knownAccounts.includes(request.boundTo)) {
    throw new SchedulerError('UNKNOWN_ACCOUNT', { details: { account: request.boundTo } });
  }
  const wished = request.at === null ? null : parseTime(request.at, request.zoneOf(request.boundTo));
  if (request.at !== null && wished === null) throw new SchedulerError('BAD_USAGE', { details: { what: `--at: ${noTime(request.at)}` } });
  if (wished !== null && wished < deps.clock.now() - LONG_PAST_MS) {
    const what = `--at ${request.at} is more than a day ago: such videos would be skipped as too late`;
    throw new SchedulerError('BAD_USAGE', { details: { what } });
  }
  const content = await readFolder(folder);
  const rows = await readRows(folder, content);
  const wishes = joinRows(content.videos, rows);
  const refused: Refused[] = [...wishes.refused];
  const jobs = await takeVideos(content.videos, wishes.rowOf, request, refused);
  const accounts = request.forAccounts.length > 0 ? request.forAccounts : null;
  return {
    batch: { id: batchId(deps.clock, deps.random), source: folder, accounts },
    jobs,
    refused,
    found: content.videos.length,
    otherVideos: content.otherVideos,
    sharers: (accounts ?? request.knownAccounts).length,
  };
}

/** Commands small enough for one transaction and one message each; all of one batch, so that `--undo-add` takes back all. */
export function addCommands(intake: Intake): AddJobs[] {
  const commands: AddJobs[] = [];
  let jobs: NewJob[] = [];
  let characters = 0;
  for (const job of intake.jobs) {
    if (jobs.length >= BATCH_ROWS || characters > BATCH_CHARACTERS) {
      commands.push({ do: 'add_jobs', batch: intake.batch, jobs });
      jobs = [];
      characters = 0;
    }
    jobs.push(job);
    characters += job.caption.length + job.videoPath.length + 200;
  }
  if (jobs.length > 0) commands.push({ do: 'add_jobs', batch: intake.batch, jobs });
  return commands;
}

/** For `--again`: one more than the highest repeat of the same bytes. Bytes unknown to the store are no repeat. */
export async function repeatsOf(reader: Pick<StoreReader, 'jobs'>): Promise<(sha256: string) => number> {
  const next = new Map<string, number>();
  for (const job of await reader.jobs({})) {
    if (job.sha256 !== null) next.set(job.sha256, Math.max(next.get(job.sha256) ?? 0, job.repeat + 1));
  }
  return (sha256) => next.get(sha256) ?? 0;
}

/** Readable, stable and safe to type: the file's name and the first digits of its bytes' hash. */
export function jobId(stem: string, sha256: string, repeat: number): string {
  const slug = stem
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replaceAll('ß', 'ss')
    .replace(/[^A-Za-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()
    .slice(0, 40)
    .replace(/-+$/, '');
  return `${slug === '' ? 'video' : slug}-${sha256.slice(0, 8)}${repeat > 0 ? `-again-${repeat}` : ''}`;
}

async function readRows(folder: string, content: FolderContent): Promise<readonly CaptionRow[]> {
  const rows: CaptionRow[] = [];
  let understood = 0;
  for (const file of content.csvFiles) {
    const found = readCaptions(await readFile(file), relative(folder, file));
    if (found === null) continue;
    understood += 1;
    rows.push(...found);
  }
  const [first] = content.csvFiles;
  // Going on would publish every video without the caption that somebody wrote for it.
  if (first !== undefined && understood === 0) {
    const what = `${first} has no column for the video: call it "filename" (or a header that contains Video, Image or Shortcode), and the caption "caption" (or Text)`;
    throw new SchedulerError('BAD_USAGE', { details: { what } });
  }
  return rows;
}

interface Wishes {
  /** `refused` = the video must not be queued, and has been reported. */
  readonly rowOf: ReadonlyMap<FoundVideo, CaptionRow | 'refused'>;
  readonly refused: readonly Refused[];
}

function joinRows(videos: readonly FoundVideo[], rows: readonly CaptionRow[]): Wishes {
  const find = lookup(videos);
  const rowOf = new Map<FoundVideo, CaptionRow | 'refused'>();
  const refused: Refused[] = [];
  const strays: CaptionRow[] = [];
  for (const row of rows) {
    const matches = row.video === '' ? [] : find(row.video);
    const [video] = matches;
    if (video === undefined) {
      refused.push({ what: row.where, why: row.problem ?? `there is no video "${row.video}" in the folder` });
      strays.push(row);
    } else if (row.problem !== null) {
      for (const match of matches) {
        refused.push({ what: match.name, why: `${row.problem} (${row.where})` });
        rowOf.set(match, 'refused');
      }
    } else if (matches.length > 1) {
      refused.push({ what: row.where, why: `"${row.video}" could be ${matches.map((match) => match.name).join(' or ')}; write the path` });
      for (const match of matches) rowOf.set(match, 'refused');
    } else if (rowOf.has(video)) {
      refused.push({ what: row.where, why: `${video.name} has a row already` });
      rowOf.set(video, 'refused');
    } else {
      rowOf.set(video, row);
    }
  }
  const [stray] = strays;
  return { rowOf, refused: stray === undefined ? refused : [...refused, ...keepBack(videos, rowOf, stray)] };
}

/** A comma too many, or a slip in its name, and a row fits no video: what it says must not be missing from a post. */
function keepBack(videos: readonly FoundVideo[], rowOf: Map<FoundVideo, CaptionRow | 'refused'>, stray: CaptionRow): readonly Refused[] {
  const bare = videos.filter((video) => !rowOf.has(video) && video.textFile === null);
  for (const video of bare) rowOf.set(video, 'refused');
  const why = `no row is for it, and ${stray.where} fits no video: correct that row, or put this one's caption into`;
  return bare.map(({ name, stem }) => ({ what: name, why: `${why} ${stem}.txt beside it` }));
}

/** By path below the folder, then by the end of a longer path, then by file name or stem. */
function lookup(videos: readonly FoundVideo[]): (written: string) => readonly FoundVideo[] {
  const index = new Map<string, FoundVideo[]>();
  const put = (key: string, video: FoundVideo): void => {
    const found = index.get(key);
    if (found === undefined) index.set(key, [video]);
    else if (!found.includes(video)) found.push(video);
  };
  for (const video of videos) {
    const name = video.name.normalize('NFC').toLowerCase();
    const parts = name.split('/');
    for (let start = 0; start < parts.length; start += 1) {
      const tail = parts.slice(start).join('/');
      put(tail, video);
      put(tail.replace(/\.mp4$/, ''), video);
    }
  }
  const exact = new Map(videos.map((video) => [video.name, video]));
  return (written) => {
    const whole = exact.get(written);
    if (whole !== undefined) return [whole];
    const parts = written.normalize('NFC').toLowerCase().replaceAll('\\', '/').replace(/^\.\//, '').split('/');
    for (let start = 0; start < parts.length; start += 1) {
      const found = index.get(parts.slice(start).join('/'));
      if (found !== undefined) return found;
    }
    return [];
  };
}

async function takeVideos(
  videos: readonly FoundVideo[],
  rowOf: Wishes['rowOf'],
  request: IntakeRequest,
  refused: Refused[],
): Promise<readonly NewJob[]> {
  const checker = new VideoChecker();
  const taken: (NewJob | null)[] = videos.map(() => null);
  const problems: (string | null)[] = videos.map(() => null);
  let next = 0;
  let done = 0;
  const reader = async (): Promise<void> => {
    while (next < videos.length) {
      const index = next;
      next += 1;
      const video = videos[index] as FoundVideo;
      const row = rowOf.get(video);
      if (row !== 'refused') {
        const result = await takeVideo(video, row ?? null, request, checker);
        if (typeof result === 'string') problems[index] = result;
        else taken[index] = result;
      }
      done += 1;
      request.onProgress?.(done, videos.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(READERS, videos.length) }, reader));
  } finally {
    await checker.close();
  }
  problems.forEach((why, index) => {
    if (why !== null) refused.push({ what: videos[index]?.name ?? '', why });
  });
  return withoutTwins(taken, videos, refused);
}

/** The job, or why there is none. */
async function takeVideo(
  video: FoundVideo,
  row: CaptionRow | null,
  request: IntakeRequest,
  checker: VideoChecker,
): Promise<NewJob | string> {
  const wish = wishOf(video, row, request);
  if (typeof wish === 'string') return row === null ? wish : `${wish} (${row.where})`;
  const problem = await checker.check(video.path);
  if (problem !== null) return problem;
  try {
    const caption = row?.caption ?? (video.textFile === null ? '' : captionText(await readFile(video.textFile), video.textFile));
    const sha256 = await fileSha256(video.path);
    const repeat = request.repeatOf?.(sha256) ?? 0;
    const id = jobId(video.stem, sha256, repeat);
    return { id, videoPath: video.path, sha256, caption, ...wish, repeat };
  } catch (error) {
    // One unreadable file must not keep the rest of the folder waiting.
    if (error instanceof SchedulerError) return error.message;
    return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
  }
}

function wishOf(
  video: FoundVideo,
  row: CaptionRow | null,
  request: IntakeRequest,
): Pick<NewJob, 'account' | 'publishAtMs' | 'priority' | 'maxAttempts' | 'retry'> | string {
  const folderAccount = video.parents.findLast((parent) => request.knownAccounts.includes(parent.replace(/^@/, '')))?.replace(/^@/, '');
  const account = request.boundTo ?? row?.account ?? folderAccount ?? null;
  // Half of a caption with a comma in it may stand where an account should.
  const written = row?.account ?? account;
  if (written !== null && !isAccountName(written) && !request.knownAccounts.includes(written)) {
    return `"${written}" is no possible name of an account; correct it, and put a caption that contains commas in quotes`;
  }
  if (account !== null && !request.knownAccounts.includes(account)) {
    return `there is no account "${account}"; add it by --add-accounts ${account}, or correct the name`;
  }
  const time = row?.publishAt ?? request.at;
  const [only = null, ...others] = request.forAccounts;
  const zone = request.zoneOf(account ?? (others.length === 0 ? only : null));
  const publishAtMs = time === null ? null : parseTime(time, zone);
  if (time !== null && publishAtMs === null) return noTime(time);
  const priority = Number(row?.priority ?? 0);
  if (!Number.isInteger(priority)) return `the priority "${row?.priority}" is no whole number`;
  const tries = triesOf(row, request);
  return typeof tries === 'string' ? tries : { account, publishAtMs, priority, ...tries };
}

/** What the row says of its tries goes before what the command says of all. */
function triesOf(row: CaptionRow | null, { maxAttempts }: IntakeRequest): Pick<NewJob, 'maxAttempts' | 'retry'> | string {
  if (row === null || row.retry === null) return { maxAttempts };
  try {
    const retry = parseRetryText(row.retry);
    return { maxAttempts: null, retry: maxAttempts === null ? retry : { max_attempts: maxAttempts, ...retryFields(retry) } };
  } catch (error) {
    if (error instanceof RetryProblem) return `its retry policy ${error.message}`;
    throw error;
  }
}

function noTime(text: string): string {
  return `"${text}" is no time; write 2026-11-22 18:30 or 2026-11-22T18:30:00+01:00`;
}

/** Two files of the same bytes in one folder are one post. */
function withoutTwins(taken: readonly (NewJob | null)[], videos: readonly FoundVideo[], refused: Refused[]): readonly NewJob[] {
  const first = new Map<string, string>();
  const jobs: NewJob[] = [];
  taken.forEach((job, index) => {
    if (job === null) return;
    const name = videos[index]?.name ?? '';
    const twin = first.get(job.sha256 ?? '');
    if (twin !== undefined) {
      refused.push({ what: name, why: `it is the same video as ${twin}` });
      return;
    }
    first.set(job.sha256 ?? '', name);
    jobs.push(job);
  });
  return jobs;
}

/** Worth saying of those that were queued, but in nobody's way. */
export function notesOf({ batch, otherVideos, sharers }: Intake, jobs: readonly NewJob[]): string[] {
  const notes: string[] = [];
  const silent = jobs.filter((job) => job.caption.trim() === '').length;
  if (silent > 0) notes.push(`${silent} of ${videos(jobs.length)} ${silent === 1 ? 'has' : 'have'} no caption`);
  if (otherVideos > 0) notes.push(`${videos(otherVideos)} of other kinds than .mp4 left alone`);
  const free = jobs.filter((job) => job.account === null).length;
  if (batch.accounts === null && free > 0 && sharers > 1) notes.push(`${videos(free)} may be published by any of the ${sharers} accounts`);
  return notes;
}

function videos(count: number): string {
  return `${count} video${count === 1 ? '' : 's'}`;
}

/** `20261122-183000-ab12`: sorts by time, can be typed after `--undo-add`. */
function batchId(clock: Clock, random: Random): string {
  const time = isoTime(clock.now())
    .slice(0, 19)
    .replace('T', '-')
    .replace(/(\d{4})-(\d\d)-(\d\d)/, '$1$2$3')
    .replaceAll(':', '');
  return `${time}-${random.id().replaceAll('-', '').slice(0, 4)}`;
}
