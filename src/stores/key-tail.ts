/**
 * What a job's post key consists of apart from the account, for jobs with bytes
 * (domain/post-key.ts) and for imported ones whose file was gone: those guard
 * by (account, file stem), because nothing else of them is known.
 */
import { postKey } from '../domain/post-key.ts';

interface Keyed {
  readonly sha256: string | null;
  readonly videoPath: string;
  readonly repeat: number;
}

/** The post key of `job` when `account` publishes it. */
export function keyFor(account: string, job: Keyed): string {
  return job.sha256 === null ? stemKey(account, job) : postKey(account, job.sha256, job.repeat);
}

/** The key under which a post without known bytes is guarded: `alice:file:reel_12:0`. */
export function stemKey(account: string, job: Keyed): string {
  return postKey(account, `file:${fileStem(job.videoPath)}`, job.repeat);
}

/** `keyFor` without the account: `key_tail` in the database. */
export function keyTail(job: Keyed): string {
  return keyFor('', job).slice(1);
}

/** `C:\videos\Reel_12.MP4` and `/v/reel_12.mp4` are the same file stem: `reel_12`. */
export function fileStem(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  const dot = name.lastIndexOf('.');
  return (dot > 0 ? name.slice(0, dot) : name).toLowerCase();
}
