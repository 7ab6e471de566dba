/**
 * `posted.jsonl`: the record of posts that outlives the database. Append-only,
 * one JSON object a line, each on disk before the act that it announces.
 *
 * A database that was deleted, restored or copied is compared with it at start
 * (`compareWith`). It knows no job beyond its id, and decides nothing.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { POST_COUNTS } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import { type LedgerContent, ledgerLine, missingPosts, readLedger, type Sequel, unwrittenLines } from './posted-lines.ts';
import type { PostedEntry, PostedLedger, PostedRecord, Store } from './store.ts';

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
    return readLedger(text);
  }

  /** Writes down the posts that only the store knows, and answers those that it does not hold as made; see posted-lines.ts. */
  async compareWith(store: Pick<Store, 'jobs' | 'job'>): Promise<readonly PostedEntry[]> {
    const { entries, garbage } = await this.read();
    if (garbage.length > 0) this.#onGarbage(garbage);
    const posts = await store.jobs({ statuses: POST_COUNTS });
    const unwritten = unwrittenLines(entries, posts);
    if (unwritten !== '') await this.#append(unwritten);
    return missingPosts(entries, posts, store);
  }

  #write(record: PostedRecord, then?: Sequel): Promise<void> {
    return this.#append(ledgerLine(record, then));
  }

  #append(lines: string): Promise<void> {
    const written = this.#last.then(() => this.#appendDurably(lines));
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
