/**
 * Removes old log files at a start. pino-roll counts the files of its own life
 * only, and looks when it begins a new one: every restart would leave its own.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Keeps the newest `keep` files of this log, of those not older than so long; other logs of the folder are left alone. Never throws. */
export function removeOldLogs(
  folder: string,
  name: string,
  keep: { readonly files: number; readonly ms: number; readonly nowMs: number },
): void {
  const oldest = keep.nowMs - keep.ms;
  const files = namesIn(folder).flatMap((file) => {
    const [, of, day = '', number = ''] = /^(.+)\.(\d{4}-\d\d-\d\d)\.(\d+)\.log$/.exec(file) ?? [];
    return of === name ? [{ file, day, number: Number(number) }] : [];
  });
  files.sort((a, b) => (a.day === b.day ? b.number - a.number : a.day < b.day ? 1 : -1));
  for (const [index, { file, day }] of files.entries()) {
    if (index >= keep.files || Date.parse(day) < oldest) rmSync(join(folder, file), { force: true });
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
