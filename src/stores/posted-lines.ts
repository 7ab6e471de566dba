/**
 * The lines of `posted.jsonl` and what they mean together. Pure text: the file
 * itself, and that a line is on disk, is posted-ledger.ts.
 */
import { CLAIMABLE, type Job, POST_COUNTS } from '../domain/job.ts';
import { postKey } from '../domain/post-key.ts';
import { isoTime, parseIsoTime } from '../runtime/clock.ts';
import type { PostedEntry, PostedRecord, Store } from './store.ts';

/** What became of the post that an earlier line announced. */
export type Sequel = 'withdrawn' | 'confirmed';

interface Line {
  readonly account: string;
  readonly sha256: string;
  readonly repeat: number;
  readonly job: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly then?: Sequel;
}

export interface LedgerContent {
  /** Without the withdrawn ones, oldest first. */
  readonly entries: readonly PostedEntry[];
  /** Numbers (from 1) of lines that could not be read; a torn last line is one of them. */
  readonly garbage: readonly number[];
}

/** With its newline. */
export function ledgerLine({ account, sha256, repeat, job, atMs }: PostedRecord, then?: Sequel): string {
  const line: Line = { account, sha256, repeat, job, at: isoTime(atMs), ...(then ? { then } : {}) };
  return `${JSON.stringify(line)}\n`;
}

/** Tolerant of whatever a crash or an editor left in the text. */
export function readLedger(text: string): LedgerContent {
  const open = new Map<string, PostedEntry>();
  const garbage: number[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = parseLine(line);
    if (parsed === null) garbage.push(index + 1);
    else follow(open, parsed);
  }
  return { entries: [...open.values()], garbage };
}

/**
 * Posts of the ledger whose key the store does not hold as committing, uncertain or success; and those that the ledger knows as
 * confirmed while a job, which is named then, is uncertain about them, as in an older copy of the database.
 *
 * What was settled as absent since is known by its withdrawn line alone: the store's own memory of it cannot be told from that of an
 * earlier try once the clock was set back, or the database restored. A line that could not be withdrawn asks a person again.
 *
 * @param posts all that the store holds as made
 * @returns each with the job that has its bytes now, if one waits with them
 */
export async function missingPosts(
  entries: readonly PostedEntry[],
  posts: readonly Job[],
  store: Pick<Store, 'jobs' | 'job'>,
): Promise<readonly PostedEntry[]> {
  const held = new Map(posts.map((job) => [job.postKey, job]));
  const missing: PostedEntry[] = [];
  const strays: PostedEntry[] = [];
  for (const entry of entries) {
    const holder = held.get(postKey(entry.account, entry.sha256, entry.repeat));
    if (holder?.status === 'uncertain' && entry.confirmed) missing.push({ ...entry, job: holder.id });
    if (holder) continue;
    if (entry.sha256 === '' && POST_COUNTS.includes((await store.job(entry.job))?.status ?? 'pending')) continue;
    strays.push(entry);
  }
  return strays.length === 0 ? missing : [...missing, ...namedAsTheyWait(strays, await store.jobs({ statuses: CLAIMABLE }))];
}

/** Lines for the posts that the ledger lacks: an import brought them, or the file was lost. Of a post without known bytes there is nothing to write. */
export function unwrittenLines(entries: readonly PostedEntry[], posts: readonly Job[]): string {
  const written = new Set(entries.map(({ account, sha256, repeat }) => postKey(account, sha256, repeat)));
  const lines = posts.map(({ id, account, sha256, repeat, status, committedMs, createdMs }) => {
    if (!account || !sha256 || written.has(postKey(account, sha256, repeat))) return '';
    const record = { account, sha256, repeat, job: id, atMs: committedMs ?? createdMs };
    return ledgerLine(record, status === 'success' ? 'confirmed' : undefined);
  });
  return lines.join('');
}

/** A video that was added anew, to a new database and under another name, is the one that was posted: no other account of its pool gets it. */
function namedAsTheyWait(entries: readonly PostedEntry[], jobs: readonly Job[]): readonly PostedEntry[] {
  const waiting = new Map(
    jobs.flatMap(({ id, account, sha256, repeat }) => (sha256 ? [[postKey(account ?? '', sha256, repeat), id]] : [])),
  );
  return entries.map((entry) => {
    const { account, sha256, repeat } = entry;
    return { ...entry, job: waiting.get(postKey(account, sha256, repeat)) ?? waiting.get(postKey('', sha256, repeat)) ?? entry.job };
  });
}

function follow(open: Map<string, PostedEntry>, { line, atMs }: { readonly line: Line; readonly atMs: number }): void {
  // Without known bytes only the job tells one post from another.
  const key = `${postKey(line.account, line.sha256, line.repeat)}${line.sha256 === '' ? line.job : ''}`;
  const { account, sha256, repeat, job } = line;
  if (line.then === 'withdrawn') {
    // A process that was frozen may write late about a post that a successor has meanwhile made anew: that one stands.
    if ((open.get(key)?.atMs ?? 0) <= atMs) open.delete(key);
    return;
  }
  const before = open.get(key);
  const confirmed = line.then === 'confirmed' || (before?.confirmed ?? false);
  // The instant is that of the post, not that of its confirmation, nor that of a frozen process which announces it late and then withdraws.
  const madeMs = line.then === 'confirmed' ? (before?.atMs ?? atMs) : Math.max(before?.atMs ?? atMs, atMs);
  open.set(key, { account, sha256, repeat, job, atMs: madeMs, confirmed });
}

function parseLine(text: string): { readonly line: Line; readonly atMs: number } | null {
  try {
    const line = JSON.parse(text) as Line;
    const atMs = parseIsoTime(line.at);
    const whole =
      typeof line.account === 'string' && typeof line.sha256 === 'string' && typeof line.job === 'string' && Number.isInteger(line.repeat);
    return whole && atMs !== null ? { line, atMs } : null;
  } catch {
    return null;
  }
}
