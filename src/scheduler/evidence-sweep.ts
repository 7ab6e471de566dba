/**
 * Keeps `evidence/` bounded: what is old goes, and the oldest of what is too
 * much. What a person still has to look at (an uncertain post, an account on
 * hold) stays however old it is. Knows folders only, not what is in them.
 */
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { scheduleTick, stopTicks } from '../runtime/cron.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import type { Part } from './house.ts';
import type { Progress } from './progress.ts';
import { TICK_LIMIT_MS } from './ticks.ts';

export interface EvidenceSweepParts {
  /** The folder `evidence/`. */
  readonly root: string;
  readonly store: Pick<Store, 'jobs' | 'accounts'>;
  readonly nowMs: number;
  readonly logger: Logger;
  readonly keepMs: number;
  /** Of all of it together. */
  readonly mostBytes: number;
}

interface Folder {
  readonly path: string;
  readonly job: string;
  readonly atMs: number;
  readonly bytes: number;
}

export interface EvidencePartParts extends Omit<EvidenceSweepParts, 'nowMs'> {
  readonly clock: Pick<Clock, 'now'>;
  readonly progress: Progress;
}

/** Once an hour, as a part of the daemon. */
export function evidencePart(parts: EvidencePartParts): Part {
  const { clock, progress, logger } = parts;
  const sweep = async () => void (await sweepEvidence({ ...parts, nowMs: clock.now() }));
  const tick = () => progress.during('tick evidence', TICK_LIMIT_MS, sweep);
  return { name: 'Evidence', start: async () => scheduleTick('evidence', '17 * * * *', tick, logger), stop: stopTicks };
}

/** Answers how many attempts' evidence was removed. A folder that cannot be read or removed is left for the next time. */
export async function sweepEvidence(parts: EvidenceSweepParts): Promise<number> {
  const { root, nowMs, logger, keepMs, mostBytes } = parts;
  const wanted = await jobsOfPeople(parts);
  const found = (await attemptsIn(root)).sort((a, b) => a.atMs - b.atMs);
  let bytes = found.reduce((sum, folder) => sum + folder.bytes, 0);
  let removed = 0;
  for (const folder of found) {
    const goes = nowMs - folder.atMs > keepMs || bytes > mostBytes;
    if (!goes || wanted.has(folder.job)) continue;
    const isGone = await rm(folder.path, { recursive: true }).then(
      () => true,
      () => false,
    );
    if (!isGone) continue;
    // Fails while another attempt's evidence is in it, and that is right.
    await rmdir(join(root, folder.job)).catch(() => undefined);
    bytes -= folder.bytes;
    removed += 1;
  }
  if (removed > 0) logger.info({ removed, left: bytes }, `Removed the old evidence of ${removed} attempts`);
  return removed;
}

/** Evidence folders are named after their job. */
async function jobsOfPeople({ store, nowMs }: EvidenceSweepParts): Promise<ReadonlySet<string>> {
  const held = new Set((await store.accounts(nowMs)).flatMap(({ name, state }) => (state === 'hold' ? [name] : [])));
  const jobs = await store.jobs({ statuses: ['uncertain', 'committing', 'claimed', 'failed', 'retrying'] });
  return new Set(
    jobs
      .filter(({ status, account }) => !['failed', 'retrying'].includes(status) || (account !== null && held.has(account)))
      .map(({ id }) => id),
  );
}

async function attemptsIn(root: string): Promise<Folder[]> {
  const folders: Folder[] = [];
  for (const job of await readdir(root).catch(() => [])) {
    for (const attempt of await readdir(join(root, job)).catch(() => [])) {
      const path = join(root, job, attempt);
      const files = await readdir(path, { recursive: true }).catch(() => null);
      if (files === null) continue;
      const known = await Promise.all([path, ...files.map((name) => join(path, name))].map((file) => stat(file).catch(() => null)));
      const stats = known.filter((one) => one !== null);
      const atMs = Math.max(...stats.map(({ mtimeMs }) => mtimeMs));
      folders.push({ path, job, atMs, bytes: stats.reduce((sum, { size }) => sum + size, 0) });
    }
  }
  return folders;
}
