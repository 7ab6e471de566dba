/**
 * Moving in and out: brings a `scheduler_state.json` into the store, and writes
 * the store as one. A home that has such a file of another program and no
 * database yet takes it in at its first start.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { AccountPolicy } from '../domain/account.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { type ImportedState, parseState, withBytes } from './import-state.ts';
import { type SnapshotRequest, writeSnapshot } from './snapshot.ts';
import type { Store } from './store.ts';

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
const REMARKS_SHOWN = 20;

export class StateFiles {
  readonly #parts: StateFilesParts;

  constructor(parts: StateFilesParts) {
    this.#parts = parts;
  }

  /** Answers what was done, line by line, for a person. @throws SchedulerError BAD_IMPORT; nothing was imported then */
  async importFile(request: ImportRequest): Promise<readonly string[]> {
    const text = await readFile(request.file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new SchedulerError('BAD_IMPORT', { cause, details: { file: request.file, what: `it cannot be read (${cause.code})` } });
    });
    return this.#take(this.#parse(text, request), request.file);
  }

  /** At the first start of a home: takes in what another program left. Our own snapshot is taken by `--import` only. */
  async firstStart(): Promise<readonly string[]> {
    const file = join(this.#parts.config.home, STATE_FILE);
    const text = await readFile(file, 'utf8').catch(() => null);
    if (text === null) return [];
    const state = this.#parse(text, { file, timezone: null, map: [] });
    return state.own ? [] : this.#take(state, file);
  }

  /** Writes the whole state as `scheduler_state.json` has it. @param path default: the one in the home */
  async write(path: string = join(this.#parts.config.home, STATE_FILE)): Promise<void> {
    const { store, clock, config } = this.#parts;
    await writeSnapshot({ store, path, clock, config });
  }

  #parse(text: string, { file, timezone, map }: ImportRequest): ImportedState {
    const { clock, config } = this.#parts;
    return parseState(text, { file: basename(file), timezone: timezone ?? config.timezone, map, now: clock.now() });
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
