/**
 * What was published on this phone: the judge of every rehearsal.
 *
 * Append-only JSON lines in the phone's folder, each on disk before the app says
 * "posted", and kept across restarts. Knows nothing of the app or of adb.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface LedgerEntry {
  readonly account: string;
  /** Of the bytes that were on the phone when the upload was done, lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Exactly as it was typed. */
  readonly caption: string;
  /** ISO 8601. */
  readonly time: string;
  /** Path of the video on the phone. */
  readonly file: string;
}

export class Ledger {
  readonly #path: string;
  readonly #entries: LedgerEntry[];

  /** @throws Error when a line that was written completely cannot be read */
  constructor(folder: string) {
    this.#path = join(folder, 'ledger.jsonl');
    this.#entries = existsSync(this.#path) ? readLines(this.#path) : [];
  }

  /** Oldest first. */
  entries(): readonly LedgerEntry[] {
    return [...this.#entries];
  }

  /** Durable when it returns. */
  append(entry: LedgerEntry): void {
    const file = openSync(this.#path, 'a');
    try {
      writeSync(file, `${JSON.stringify(entry)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#entries.push(entry);
  }
}

function readLines(path: string): LedgerEntry[] {
  const bytes = readFileSync(path);
  // A kill in the middle of an append leaves a line without its end; the app had not said "posted" yet.
  // It is cut off, or the next entry would be glued to it.
  const end = bytes.lastIndexOf('\n') + 1;
  if (end < bytes.length) truncateSync(path, end);
  return bytes
    .toString('utf8', 0, end)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerEntry);
}
