/** Which retry policy is in force for a job: its own on top of its account's, that of the app or that of the whole config. */
import type { Job } from '../domain/job.ts';
import { parseRetry, type RetryPolicy } from '../domain/retry.ts';

/** @param accountPolicy what the configuration says for the account */
export function policyFor(job: Job, accountPolicy: RetryPolicy): RetryPolicy {
  return job.retry == null ? accountPolicy : parseRetry(job.retry, accountPolicy);
}
