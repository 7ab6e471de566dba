/**
 * Random lives of a store: whatever is ordered in whatever sequence, the rules
 * of promises 1, 2 and 5 hold after every step, and each claim is the one that
 * a naive look at every job and every account would have made.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCOUNT_BUSY, CLAIMABLE, DEVICE_BUSY, JOB_STATUSES, type Job, POST_COUNTS } from '../../src/domain/job.ts';
import { ALONE_PATIENCE_MS, CRASHES_BEFORE_ALONE } from '../../src/domain/job-in-doubt.ts';
import { claimOrder } from '../../src/domain/select.ts';
import { localDay } from '../../src/domain/window.ts';
import { SchedulerError } from '../../src/errors.ts';
import { poolMembers } from '../../src/stores/pools.ts';
import { ADB_TIMEOUT, HOUR, type MakeStore, NOON, POLICY, Subject, sha } from './subject.ts';

const ACCOUNTS = ['alice', 'bob', 'carol', 'dave'];
const PHONES: Readonly<Record<string, string | null>> = { alice: 'phone 1', bob: 'phone 1', carol: 'phone 2', dave: null };
const CAP = 2;

type Step = (subject: Subject, tally: Tally) => Promise<void>;

interface Tally {
  readonly claims: Map<string, number>;
  readonly refunds: Map<string, number>;
  added: number;
}

export function properties(name: string, make: MakeStore): void {
  describe(`${name} store: in random lives (promises 1, 2, 5)`, () => {
    it('no account or phone is ever busy twice, no key posted twice, no cap exceeded, no count wrong, no order broken', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 70 }), async (steps) => {
          const subject = await Subject.open(make);
          try {
            await live(subject, steps);
          } finally {
            await subject.store.close();
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}

async function live(subject: Subject, steps: readonly Step[]): Promise<void> {
  await subject.accounts(ACCOUNTS, {
    postsPerDay: CAP,
    windows: [{ days: [1, 2, 4], fromMinute: 480, toMinute: 1320 }],
    minGapMs: HOUR / 2,
  });
  for (const name of ACCOUNTS) await subject.store.changeAccount(name, { type: 'assign_device', device: PHONES[name] ?? null }, 'test');
  const tally: Tally = { claims: new Map(), refunds: new Map(), added: 0 };
  for (const take of steps) {
    try {
      await take(subject, tally);
    } catch (error) {
      // A refusal is an answer; anything else is a defect.
      if (!(error instanceof SchedulerError) || error.code === 'STORE_FAILED') throw error;
    }
    await assertRules(subject, tally);
  }
}

async function assertRules(subject: Subject, tally: Tally): Promise<void> {
  const jobs = await subject.store.jobs({});
  const unique = (values: readonly (string | null)[]) => expect(new Set(values).size).toBe(values.length);
  const busy = jobs.filter((job) => ACCOUNT_BUSY.includes(job.status));
  unique(busy.map((job) => job.account));
  unique(jobs.flatMap((job) => (DEVICE_BUSY.includes(job.status) && job.device !== null ? [job.device] : [])));
  unique(jobs.flatMap((job) => (POST_COUNTS.includes(job.status) ? [job.postKey] : [])));
  const recount = Object.fromEntries(JOB_STATUSES.map((status) => [status, jobs.filter((job) => job.status === status).length]));
  expect(await subject.store.counts()).toEqual(recount);
  for (const job of jobs) expect(job.attempts).toBe((tally.claims.get(job.id) ?? 0) - (tally.refunds.get(job.id) ?? 0));
  const now = subject.clock.now();
  const { startMs, endMs } = localDay(POLICY.timezone, now);
  for (const account of await subject.store.accounts(now)) {
    const posted = jobs.filter(
      (job) =>
        job.account === account.name &&
        POST_COUNTS.includes(job.status) &&
        (job.committedMs ?? 0) >= startMs &&
        (job.committedMs ?? 0) < endMs,
    );
    expect(account.postedToday).toBe(posted.length);
    expect(posted.length).toBeLessThanOrEqual(CAP);
  }
}

/** The claim that a look at every pair of job and account would make. */
async function expectedClaim(subject: Subject): Promise<{ readonly id: string; readonly account: string } | null> {
  const jobs = await subject.store.jobs({});
  const standings = await subject.store.accounts(subject.clock.now());
  const running = jobs.filter((job) => DEVICE_BUSY.includes(job.status));
  if (running.some((job) => job.crashes >= CRASHES_BEFORE_ALONE)) return null;
  const phones = new Set(running.map((job) => job.device));
  const now = subject.clock.now();
  const open = jobs.filter((job) => CLAIMABLE.includes(job.status));
  const alone = (job: Job) => job.crashes >= CRASHES_BEFORE_ALONE;
  const reasonOf = (name: string | null) => standings.find((account) => account.name === name)?.waitReason;
  // One that may run only alone has waited long enough for a quiet moment: nothing else starts.
  const quiet = open.some(
    (job) => alone(job) && job.dueMs <= now - ALONE_PATIENCE_MS && (reasonOf(job.account) === null || reasonOf(job.account) === 'busy'),
  );
  const pairs = open
    .filter((job) => job.dueMs <= now && (alone(job) ? running.length === 0 : !quiet))
    .flatMap((job) =>
      standings
        .filter(
          (account) => account.waitReason === null && (account.device === null || !phones.has(account.device)) && allows(job, account.name),
        )
        .map((account) => ({ job, account })),
    );
  pairs.sort((a, b) => claimOrder({ ...a.job, lastCommitMs: a.account.lastCommitMs }, { ...b.job, lastCommitMs: b.account.lastCommitMs }));
  const best = pairs[0];
  return best === undefined ? null : { id: best.job.id, account: best.account.name };
}

function allows(job: Job, account: string): boolean {
  if (job.account !== null) return job.account === account;
  return poolMembers(job.pool ?? '*')?.includes(account) ?? true;
}

/** The n-th of the jobs in these states, if there is one. */
async function pick(subject: Subject, statuses: readonly Job['status'][], n: number): Promise<Job | undefined> {
  const jobs = await subject.store.jobs({ statuses });
  return jobs[n % Math.max(1, jobs.length)];
}

const nth = fc.nat({ max: 1000 });

const add = fc
  .record({
    owner: fc.constantFrom(null, ...ACCOUNTS),
    pool: fc.constantFrom(null, ['alice', 'carol']),
    bytes: fc.nat({ max: 25 }),
    dueIn: fc.constantFrom(-5, -5, -5, 0, 40),
    priority: fc.constantFrom(0, 0, 1),
  })
  .map(
    ({ owner, pool, bytes, dueIn, priority }): Step =>
      async (subject, tally) => {
        tally.added += 1;
        const publishAtMs = NOON + dueIn * 60_000; // few instants, so that ties are frequent
        await subject.add([{ id: `job ${tally.added}`, account: owner, sha256: sha(bytes), publishAtMs, priority }], pool);
      },
  );

const claim = fc.constant<Step>(async (subject, tally) => {
  const expected = await expectedClaim(subject);
  const job = await subject.claim();
  expect(job === null ? null : { id: job.id, account: job.account }).toEqual(expected);
  if (job !== null) tally.claims.set(job.id, (tally.claims.get(job.id) ?? 0) + 1);
});

const commit = nth.map(
  (n): Step =>
    async (subject) => {
      const job = await pick(subject, ['claimed'], n);
      if (job !== undefined) await subject.report(job, { type: 'commit' });
    },
);

const confirm = nth.map(
  (n): Step =>
    async (subject) => {
      const job = await pick(subject, ['committing'], n);
      if (job !== undefined) await subject.report(job, { type: 'confirm' });
    },
);

const fail = fc.tuple(nth, fc.boolean()).map(
  ([n, forGood]): Step =>
    async (subject) => {
      const job = await pick(subject, ['claimed'], n);
      const retryAtMs = forGood ? null : subject.clock.now() + 60_000;
      if (job !== undefined) await subject.report(job, { type: 'fail', failure: ADB_TIMEOUT, retryAtMs }, { type: 'charge' });
    },
);

const defer = nth.map(
  (n): Step =>
    async (subject, tally) => {
      const job = await pick(subject, ['claimed'], n);
      if (job === undefined) return;
      await subject.report(job, { type: 'defer', reason: 'phone busy', untilMs: subject.clock.now() + 30_000, failure: null });
      tally.refunds.set(job.id, (tally.refunds.get(job.id) ?? 0) + 1);
    },
);

const die = nth.map(
  (n): Step =>
    async (subject, tally) => {
      const job = await pick(subject, ['claimed', 'committing'], n);
      if (job === undefined) return;
      await subject.order(job, { type: 'holder_died', counts: true, message: 'killed' });
      if (job.status === 'claimed') tally.refunds.set(job.id, (tally.refunds.get(job.id) ?? 0) + 1);
    },
);

const doubt = nth.map(
  (n): Step =>
    async (subject) => {
      const job = await pick(subject, ['claimed', 'committing'], n);
      // A doubt before the commit point counts as a post, and may be one too many for the cap: the post may have happened. Here it does not.
      if (job?.status === 'committing') await subject.report(job, { type: 'doubt', failure: ADB_TIMEOUT });
    },
);

const settle = fc.tuple(nth, fc.constantFrom('published' as const, 'absent' as const), fc.boolean()).map(
  ([n, verdict, forGood]): Step =>
    async (subject) => {
      const job = await pick(subject, ['uncertain'], n);
      const retryAtMs = forGood ? null : subject.clock.now();
      if (job !== undefined) await subject.order(job, { type: 'verdict', verdict, retryAtMs, by: 'person' });
    },
);

const order = fc.tuple(nth, fc.boolean()).map(
  ([n, skip]): Step =>
    async (subject) => {
      const job = await pick(subject, JOB_STATUSES, n);
      if (job !== undefined) await subject.order(job, skip ? { type: 'skip', reason: 'not wanted' } : { type: 'retry', grant: 2 });
    },
);

const account = fc.tuple(fc.constantFrom(...ACCOUNTS), fc.constantFrom('pause', 'resume', 'release', 'trouble', 'phone')).map(
  ([name, what]): Step =>
    async (subject) => {
      if (what === 'pause') await subject.store.changeAccount(name, { type: 'pause', reason: 'test' }, 'test');
      else if (what === 'trouble') await subject.store.changeAccount(name, { type: 'trouble', message: 'no phone' }, 'test');
      else if (what === 'phone') await subject.store.changeAccount(name, { type: 'assign_device', device: PHONES[name] ?? null }, 'test');
      else await subject.store.changeAccount(name, { type: what as 'resume' | 'release' }, 'test');
    },
);

const wait = fc.constantFrom(1000, 60_000, HOUR, 9 * HOUR).map(
  (ms): Step =>
    (subject) =>
      subject.clock.advance(ms),
);

const undo = fc.constant<Step>(async (subject) => {
  await subject.store.undoAdd('batch');
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: add },
  { weight: 8, arbitrary: claim },
  { weight: 5, arbitrary: commit },
  { weight: 5, arbitrary: confirm },
  { weight: 2, arbitrary: fail },
  { weight: 2, arbitrary: defer },
  { weight: 3, arbitrary: die },
  { weight: 2, arbitrary: doubt },
  { weight: 2, arbitrary: settle },
  { weight: 2, arbitrary: order },
  { weight: 2, arbitrary: account },
  { weight: 4, arbitrary: wait },
  { weight: 1, arbitrary: undo },
);
