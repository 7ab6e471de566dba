/**
 * The video on this machine's disk: still there, and still the bytes that were
 * queued. Knows nothing of phones.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { SchedulerError } from '../errors.ts';
import type { PublishJob } from './publisher.ts';

/** @throws SchedulerError VIDEO_CHANGED, VIDEO_MISSING; the abort reason */
export async function checkVideoFile(video: PublishJob['video'], signal: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(video.path), hash, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new SchedulerError('VIDEO_MISSING', { cause: error, details: { path: video.path, text: (error as Error).message } });
  }
  if (hash.digest('hex') !== video.sha256) throw new SchedulerError('VIDEO_CHANGED', { details: { path: video.path } });
}

/**
 * The name under which a job's video goes to the phone: this attempt's alone, so that the
 * picker can never offer an older one by the same name. Safe for shells, URLs and the gallery.
 */
export function remoteName(job: Pick<PublishJob, 'id' | 'attempt' | 'video'>): string {
  const id = job.id.replace(/[^A-Za-z0-9-]+/g, '-').slice(0, 60);
  return `post-${id}-${job.attempt}-${job.video.sha256.slice(0, 12)}.mp4`;
}
