/**
 * Who watches attempts while they run: the live lines of `--run`, the `live`
 * value of `--status`. A watcher only looks; it must not throw and nothing waits for it.
 */
import type { Phase } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';

export interface AttemptStart {
  readonly worker: string;
  /** As claimed: account, device and attempts are set. */
  readonly job: Job;
  readonly maxAttempts: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

export interface AttemptWatcher {
  started(attempt: AttemptStart): void;
  phase(worker: string, jobId: string, phase: Phase, atMs: number): void;
  /** `job` as it is stored after the attempt. */
  ended(worker: string, job: Job, atMs: number): void;
}
