/** The jobs of the store in memory, and the plain questions that are asked about them. */
import { ACCOUNT_BUSY, CLAIMABLE, JOB_STATUSES, type Job, POST_COUNTS } from '../../src/domain/job.ts';
import { SchedulerError } from '../../src/errors.ts';
import { normalised } from '../../src/stores/intake.ts';
import { stemKey } from '../../src/stores/key-tail.ts';
import { poolMembers } from '../../src/stores/pools.ts';
import type { Claim, JobCounts, JobFilter, NewJob } from '../../src/stores/store.ts';

export class MemoryJobs {
  readonly #byId = new Map<string, Job>();

  get(id: string): Job | undefined {
    return this.#byId.get(id);
  }

  put(job: Job): void {
    this.#byId.set(job.id, job);
  }

  remove(id: string): void {
    this.#byId.delete(id);
  }

  all(): Job[] {
    return [...this.#byId.values()].sort((a, b) => a.seq - b.seq);
  }

  matching({ id, statuses, account, batch, limit }: JobFilter): Job[] {
    const found = this.all().filter(
      (job) =>
        (id ?? job.id) === job.id &&
        (statuses?.includes(job.status) ?? true) &&
        (account ?? job.account) === job.account &&
        (batch ?? job.batch) === job.batch,
    );
    return found.slice(0, limit ?? found.length);
  }

  /** What this account has tried or posted, is bound to it, or can be posted by none of the others. */
  onlyOf(name: string, accounts: readonly string[]): Job[] {
    return this.all().filter((job) => {
      if (job.account !== null) return job.account === name && job.status !== 'skipped';
      const members = poolMembers(job.pool ?? '') ?? [];
      const others = members.filter((member) => member !== name && accounts.includes(member));
      return CLAIMABLE.includes(job.status) && members.includes(name) && others.length === 0;
    });
  }

  wishedBefore(publishAtMs: number): Job[] {
    const wished = this.all().filter((job) => CLAIMABLE.includes(job.status) && (job.publishAtMs ?? Infinity) <= publishAtMs);
    return wished.sort((a, b) => (a.publishAtMs ?? 0) - (b.publishAtMs ?? 0));
  }

  counts(): JobCounts {
    return Object.fromEntries(JOB_STATUSES.map((status) => [status, this.matching({ statuses: [status] }).length])) as JobCounts;
  }

  known(id: string): Job {
    const job = this.#byId.get(id);
    if (job === undefined) throw new SchedulerError('UNKNOWN_JOB', { details: { job: id } });
    return job;
  }

  /** Instants of the posts that count, newest first. */
  posts(name: string): number[] {
    return this.all()
      .filter((job) => job.account === name && POST_COUNTS.includes(job.status))
      .map((job) => job.committedMs as number)
      .sort((a, b) => b - a);
  }

  holderOf(key: string | null, except: string): string | undefined {
    if (key === null) return undefined;
    return this.all().find((job) => job.postKey === key && job.id !== except && POST_COUNTS.includes(job.status))?.id;
  }

  otherHolder(job: Job): string | undefined {
    return this.holderOf(job.postKey, job.id) ?? (job.account === null ? undefined : this.holderOf(stemKey(job.account, job), job.id));
  }

  sameBytes(job: Pick<NewJob, 'sha256' | 'repeat' | 'account'>): string | undefined {
    const same = this.all().filter((other) => job.sha256 !== null && other.sha256 === job.sha256);
    if (job.repeat === 0) return same[0]?.id;
    return same.find((other) => other.repeat === job.repeat && (!other.account || !job.account || other.account === job.account))?.id;
  }

  sameFile(job: NewJob, pool: string): string | undefined {
    const posted = this.all().filter((other) => other.sha256 === null && other.account !== null && POST_COUNTS.includes(other.status));
    const members = poolMembers(pool);
    return posted.find((other) => {
      const account = other.account as string;
      const concerns = job.account === null ? (members?.includes(account) ?? true) : job.account === account;
      return concerns && stemKey(account, other) === stemKey(account, job);
    })?.id;
  }

  isHere(job: Job): boolean {
    const sameId = this.#byId.has(job.id);
    if (!ACCOUNT_BUSY.includes(job.status) && !POST_COUNTS.includes(job.status)) {
      return sameId || (CLAIMABLE.includes(job.status) && this.sameBytes(job) !== undefined);
    }
    const { account, postKey } = normalised(job, 0);
    return sameId && (account === null || this.holderOf(postKey, '') !== undefined);
  }

  freeId(id: string): string {
    let free = id;
    for (let n = 2; this.#byId.has(free); n += 1) free = `${id}-${n}`;
    return free;
  }
}

export function held(job: Job, claim: Claim): boolean {
  return job.claimToken === claim.token && job.epoch === claim.epoch;
}

export function claimLost(job: string): SchedulerError {
  return new SchedulerError('CLAIM_LOST', { details: { job } });
}

export function alreadyPublished(job: string): SchedulerError {
  return new SchedulerError('ALREADY_PUBLISHED', { details: { job } });
}
