/** A job as a publisher sees it: what it needs, and nothing of how jobs are stored. */
import type { Job } from '../domain/job.ts';
import type { PublishJob } from '../publishers/publisher.ts';

export interface PublishJobFacts {
  /** The app the account posts through, such as `demo`. */
  readonly app: string;
  readonly maxAttempts: number;
  /** The account's phone; null when the publisher needs none. */
  readonly device: string | null;
}

export function publishJob(job: Job & { readonly account: string }, { app, maxAttempts, device }: PublishJobFacts): PublishJob {
  return {
    id: job.id,
    account: job.account,
    app,
    device,
    video: { path: job.videoPath, sha256: job.sha256 ?? '' },
    caption: job.caption,
    post_key: job.postKey ?? '',
    attempt: job.attempts,
    max_attempts: maxAttempts,
    ...(job.committedMs === null ? {} : { committed_ms: job.committedMs }),
  };
}
