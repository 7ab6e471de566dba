/**
 * Replaces a whole file at once: a reader sees the old content or the new, never
 * half of one, also after a power cut.
 */
import writeFileAtomic from 'write-file-atomic';

export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  await writeFileAtomic(path, text, { mode });
}
