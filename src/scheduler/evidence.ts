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
