/**
 * Replaces a whole file at once: a reader sees the old content or the new, never
 * half of one, also after a power cut. On Windows a virus scanner or an indexer
 * may hold the old file open for a moment, and the rename is refused meanwhile.
 */
import writeFileAtomic from 'write-file-atomic';
import { type Clock, SystemClock } from './clock.ts';

export interface ReplaceParts {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly write: (path: string, text: string, options: { readonly mode: number }) => Promise<unknown>;
}

/** Pauses before the next try, milliseconds; together longer than a scanner looks at a small file. */
const PAUSES_MS = [20, 50, 100, 200, 400, 800];
const HELD: readonly string[] = ['EPERM', 'EBUSY', 'EACCES'];

/** @throws the file system's error; EPERM, EBUSY and EACCES only when they stay for more than a second */
export async function replaceFile(path: string, text: string, mode: number, parts: ReplaceParts = REAL): Promise<void> {
  for (const pauseMs of PAUSES_MS) {
    try {
      await parts.write(path, text, { mode });
      return;
    } catch (error) {
      if (!HELD.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      await parts.clock.sleep(pauseMs, 'a file that is held open');
    }
  }
  await parts.write(path, text, { mode });
}

const REAL: ReplaceParts = { clock: new SystemClock(), write: writeFileAtomic };
