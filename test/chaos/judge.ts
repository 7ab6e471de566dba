/**
 * The judgement over one run, from two things alone: the ledger of posts that
 * nobody rewrites, and the jobs as the database holds them when everything that
 * could be done has been done. Pure.
 */

export interface PostLine {
  readonly account: string;
  readonly sha256: string;
}

export interface JobView {
  readonly id: string;
  readonly status: string;
  readonly account: string | null;
  readonly sha256: string | null;
  readonly dueMs: number;
  readonly note: string | null;
  /** JSON, or null. */
  readonly failure: string | null;
}

export interface Verdict {
  /** Posts beyond the first of each video. */
  readonly twice: number;
  /** Neither published, nor failed or skipped with a reason, nor before a human; or said to be published and is not. */
  readonly lost: number;
  /** Not terminal, no timer set, no human asked. */
  readonly stuck: number;
  /** What was found, in words. */
  readonly findings: readonly string[];
}

const WITH_REASON = ['failed', 'skipped'];
const ENDED = ['success', 'uncertain', ...WITH_REASON];

/** @param accepted sha256 of each video that was accepted, each meant for one post */
export function judge(accepted: readonly string[], posts: readonly PostLine[], jobs: readonly JobView[], nowMs: number): Verdict {
  const twice: string[] = [];
  const lost: string[] = [];
  const stuck: string[] = [];
  for (const sha256 of accepted) {
    const public_ = posts.filter((post) => post.sha256 === sha256);
    const mine = jobs.filter((job) => job.sha256 === sha256);
    const words = `${sha256.slice(0, 8)} (${mine.map((job) => `${job.id} ${job.status}`).join(', ') || 'no job'})`;
    for (const { account } of public_.slice(1)) twice.push(`${words} was published again by ${account}`);
    if (public_.length > 0) continue;
    if (mine.length === 0) lost.push(`${words} is not known any more`);
    for (const job of mine) {
      if (job.status === 'success') lost.push(`${words} is said to be published`);
      if (WITH_REASON.includes(job.status) && job.failure === null && job.note === null) lost.push(`${words} without a reason`);
    }
  }
  for (const job of jobs) {
    const waits = ['pending', 'retrying'].includes(job.status) && job.dueMs > nowMs;
    if (!ENDED.includes(job.status) && !waits) stuck.push(`${job.id} is ${job.status}`);
  }
  return { twice: twice.length, lost: lost.length, stuck: stuck.length, findings: [...twice, ...lost, ...stuck] };
}
