/**
 * Moving in and out: brings a `scheduler_state.json`, a progress CSV or a list
 * of posts into the store, and writes the store as one of the first two. A home that has such a file of another program and no
 * database yet takes it in at its first start.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AccountPolicy } from '../domain/account.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { isLedger, parseLedger, parseProgress } from './import-progress.ts';
import type { ImportedState } from './import-rows.ts';
import { parseState, withBytes } from './import-state.ts';
import { writeProgressCsv } from './progress-csv.ts';
import { type SnapshotRequest, writeSnapshot } from './snapshot.ts';
import type { Store, StoreReader } from './store.ts';

export interface StateFilesParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly config: SnapshotRequest['config'] & { readonly home: string; readonly timezone: string };
  readonly policyOf: (account: string) => AccountPolicy;
}

export interface ImportRequest {
  readonly file: string;
  /** Zone of times that name none; null = that of the configuration. */
  readonly timezone: string | null;
  readonly map: readonly { readonly from: string; readonly to: string }[];
}

const STATE_FILE = 'scheduler_state.json';
/** Stored once nothing of another program is left to take in. */
const MOVED_IN = 'moved_in';
const REMARKS_SHOWN = 20;

export class StateFiles {
  readonly #parts: StateFilesParts;

  constructor(parts: StateFilesParts) {
    this.#parts = parts;
  }

  /** Answers what was done, line by line, for a person. @throws SchedulerError BAD_IMPORT; nothing was imported then */
  async importFile(request: ImportRequest): Promise<readonly string[]> {
    return this.#take(await this.#read(request), request.file);
  }

  /**
   * Until it has come to its end once: takes in what another program left, before our own snapshot takes its place. Our own is taken by
   * `--import` only. Answers as importFile does. @throws SchedulerError BAD_IMPORT; the next start tries again
   */
  async firstStart(): Promise<readonly string[]> {
    const { store, config } = this.#parts;
    if ((await store.value(MOVED_IN)) === true) return [];
    const file = join(config.home, STATE_FILE);
    const found = existsSync(file) ? await this.#read({ file, timezone: null, map: [] }) : null;
    const lines = found === null || found.own ? [] : await this.#take(found, file);
    await store.setValue(MOVED_IN, true);
    return lines;
  }

  /** @param path default: the one in the home */
  async write(path: string = join(this.#parts.config.home, STATE_FILE)): Promise<void> {
    await writeState({ ...this.#parts, path });
  }

  async #read({ file, timezone, map }: ImportRequest): Promise<ImportedState> {
    const { clock, config } = this.#parts;
    const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
      throw new SchedulerError('BAD_IMPORT', { cause, details: { file, what: `it cannot be read (${cause.code})` } });
    });
    const text = decode(bytes);
    const options = { file: basename(file), timezone: timezone ?? config.timezone, map, now: clock.now() };
    if (/^\s*[{[]/.test(text.replace(/^\uFEFF/, '')) || file.endsWith('.json')) return parseState(text, options);
    return isLedger(text) ? parseLedger(text, options) : parseProgress(text, options);
  }

  async #take({ accounts, jobs, report }: ImportedState, file: string): Promise<readonly string[]> {
    const { store, policyOf } = this.#parts;
    const fresh = [];
    for (const { name } of accounts) if ((await store.account(name)) === null) fresh.push({ name, policy: policyOf(name) });
    await store.putAccounts(fresh);
    const taken = await store.importJobs(await withBytes(jobs, sha256Of), 'import');
    const states = Object.entries(report.statuses).map(([status, count]) => `${count} ${status}`);
    const remarks = report.remarks.map(({ row, what }) => `  row ${row}: ${what}`);
    const more = remarks.length - REMARKS_SHOWN;
    return [
      `Imported ${taken.length} of ${jobs.length + report.left} jobs and ${fresh.length} accounts from ${basename(file)} (${states.join(', ') || 'none'}).`,
      ...remarks.slice(0, REMARKS_SHOWN),
      ...(more > 0 ? [`  and ${more} remarks more`] : []),
    ];
  }
}

export interface WriteStateRequest {
  readonly store: Pick<StoreReader, 'jobs' | 'accounts' | 'events'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly config: SnapshotRequest['config'];
  /** `.csv` = one row a job, anything else the whole state. */
  readonly path: string;
}

/** Writes what the store holds as a file for people and other programs; only reads the store, so a scheduler may run beside it. */
export async function writeState({ store, clock, config, path }: WriteStateRequest): Promise<void> {
  if (path.endsWith('.csv')) await writeProgressCsv({ store, path, now: clock.now(), retry: config.defaults.retry });
  else await writeSnapshot({ store, path, clock, config });
}

/** Old files of Windows are not always UTF-8. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/** null when the file cannot be read: the job is guarded by its file's name then. */
async function sha256Of(path: string): Promise<string | null> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch {
    return null;
  }
}
