/**
 * `posted.jsonl`: the record of posts that outlives the database. Append-only,
 * one JSON object a line, each on disk before the act that it announces.
 *
 * A database that was deleted, restored or copied is compared with it at start
 * (`missingFrom`). It knows no job beyond its id, and decides nothing.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { POST_COUNTS } from '../domain/job.ts';
import { postKey } from '../domain/post-key.ts';
import { SchedulerError } from '../errors.ts';
import { isoTime, parseIsoTime } from '../runtime/clock.ts';
import type { PostedEntry, PostedLedger, PostedRecord, Store } from './store.ts';

/** What became of the post that an earlier line announced. */
type Sequel = 'withdrawn' | 'confirmed';

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

export class PostedFile implements PostedLedger {
  readonly #path: string;
  readonly #onGarbage: (lines: readonly number[]) => void;
  /** Appends one after the other: two lines must not mix. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: { readonly path: string; readonly onGarbage?: (lines: readonly number[]) => void }) {
    this.#path = options.path;
    this.#onGarbage = options.onGarbage ?? (() => undefined);
  }

  append(record: PostedRecord): Promise<void> {
    return this.#write(record);
  }

  withdraw(record: PostedRecord): Promise<void> {
    return this.#write(record, 'withdrawn');
  }

  confirm(record: PostedRecord): Promise<void> {
    return this.#write(record, 'confirmed');
  }

  /** Tolerant of whatever a crash or an editor left in the file; a missing file is an empty one. */
  async read(): Promise<LedgerContent> {
    const text = await readFile(this.#path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw failed(error);
    });
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
   * Posts of the ledger whose key the store does not hold as committing, uncertain or success.
   *
   * A post that was settled as absent after its line was written is not missing: the store knows better. A store that was restored
   * from before that does not know, and a person is asked again.
   */
  async missingFrom(store: Pick<Store, 'jobs' | 'job' | 'events'>): Promise<readonly PostedEntry[]> {
    const { entries, garbage } = await this.read();
    if (garbage.length > 0) this.#onGarbage(garbage);
    if (entries.length === 0) return [];
    const held = new Set((await store.jobs({ statuses: POST_COUNTS })).map((job) => job.postKey));
    const missing: PostedEntry[] = [];
    for (const entry of entries) {
      if (held.has(postKey(entry.account, entry.sha256, entry.repeat))) continue;
      if (entry.sha256 === '' && POST_COUNTS.includes((await store.job(entry.job))?.status ?? 'pending')) continue;
      const settled = await store.events({ job: entry.job, types: ['settled'] });
      if (!settled.some((event) => event.atMs >= entry.atMs)) missing.push(entry);
    }
    return missing;
  }

  #write(record: PostedRecord, then?: Sequel): Promise<void> {
    const { account, sha256, repeat, job, atMs } = record;
    const line: Line = { account, sha256, repeat, job, at: isoTime(atMs), ...(then ? { then } : {}) };
    const written = this.#last.then(() => this.#appendDurably(`${JSON.stringify(line)}\n`));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #appendDurably(line: string): Promise<void> {
    try {
      const created = await this.#createIfMissing();
      const file = await open(this.#path, constants.O_RDWR | constants.O_APPEND);
      try {
        // After a torn line a new one begins, or both would be lost.
        await file.appendFile((await endsWithNewline(file)) ? line : `\n${line}`);
        await file.sync();
      } finally {
        await file.close();
      }
      if (created) await syncFolder(dirname(this.#path));
    } catch (error) {
      throw failed(error);
    }
  }

  async #createIfMissing(): Promise<boolean> {
    try {
      await (await open(this.#path, 'ax', 0o600)).close();
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }
}

function follow(open: Map<string, PostedEntry>, { line, atMs }: { readonly line: Line; readonly atMs: number }): void {
  // Without known bytes only the job tells one post from another.
  const key = `${postKey(line.account, line.sha256, line.repeat)}${line.sha256 === '' ? line.job : ''}`;
  const { account, sha256, repeat, job } = line;
  if (line.then === 'withdrawn') open.delete(key);
  else open.set(key, { account, sha256, repeat, job, atMs, confirmed: line.then === 'confirmed' || (open.get(key)?.confirmed ?? false) });
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

async function endsWithNewline(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const last = Buffer.alloc(1);
  await file.read(last, 0, 1, size - 1);
  return last[0] === 0x0a;
}

/** A new file is only there after a power cut when its folder is on disk too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function failed(error: unknown): SchedulerError {
  return new SchedulerError('STORE_FAILED', { cause: error, details: { text: `posted.jsonl: ${(error as Error).message}` } });
}
