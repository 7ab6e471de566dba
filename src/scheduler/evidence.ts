/**
 * Keeps what an attempt leaves for people: screenshot, page source, last log
 * lines, one folder an attempt below `evidence/`. Never lets a full disk or a
 * missing folder change the outcome of a job.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from '../runtime/logger.ts';

export class EvidenceKeeper {
  readonly #root: string;
  readonly #logger: Logger;

  constructor(root: string, logger: Logger) {
    this.#root = root;
    this.#logger = logger;
  }

  /** The folder of one attempt, relative to `evidence/`; it exists once something was kept. */
  folderOf(job: string, attempt: number): string {
    return join(basename(job), `attempt-${attempt}`);
  }

  /** True when the file is on disk. */
  async keep(folder: string, name: string, bytes: Uint8Array | string): Promise<boolean> {
    try {
      await mkdir(join(this.#root, folder), { recursive: true });
      await writeFile(join(this.#root, folder, basename(name)), bytes);
      return true;
    } catch (error) {
      this.#logger.warn({ err: error, folder, name }, 'Evidence could not be kept');
      return false;
    }
  }
}

const LINES_KEPT = 60;

/** What one attempt leaves: its files, and its last log lines. */
export class Trace {
  readonly #keeper: EvidenceKeeper;
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #lines: string[] = [];
  #kept = false;

  constructor(keeper: EvidenceKeeper, logger: Logger, job: { readonly id: string; readonly attempts: number }) {
    this.#keeper = keeper;
    this.#logger = logger;
    this.#folder = keeper.folderOf(job.id, job.attempts);
  }

  readonly info = (text: string, fields: Readonly<Record<string, unknown>> = {}): void => this.#log('info', text, fields);
  readonly warn = (text: string, fields: Readonly<Record<string, unknown>> = {}): void => this.#log('warn', text, fields);

  async keep(name: string, bytes: Uint8Array | string): Promise<void> {
    this.#kept = (await this.#keeper.keep(this.#folder, name, bytes)) || this.#kept;
  }

  /** The folder below `evidence/`, with the last log lines added; null when nothing could be kept. */
  async close(): Promise<string | null> {
    if (this.#lines.length > 0) await this.keep('log.txt', `${this.#lines.join('\n')}\n`);
    return this.#kept ? this.#folder : null;
  }

  #log(level: 'info' | 'warn', text: string, fields: Readonly<Record<string, unknown>>): void {
    this.#lines.push(`${level} ${text}`);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    this.#logger[level](fields, text);
  }
}
