// Guards promises 1 and 2: a job is always in one state, moves only along the arrows, and never leaves success.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FailureCategory } from '../../src/domain/failure.ts';
import { JOB_STATUSES, type Job, type JobEvent, type JobStatus, transition } from '../../src/domain/job.ts';
import { CRASHES_ALONE, CRASHES_BEFORE_ALONE } from '../../src/domain/job-in-doubt.ts';
import { postKey } from '../../src/domain/post-key.ts';
import { failure, job } from '../support/build.ts';

const SHA = 'a'.repeat(64);
const CLAIM: JobEvent = {
  type: 'claim',
  account: 'alice',
  device: 'phone-1',
  postKey: postKey('alice', SHA, 0),
  worker: 'worker 1',
  token: 'token-1',
  epoch: 7,
  leaseUntilMs: 60_000,
  passNumber: 2,
};

/** Applies events one after the other, a millisecond apart. */
function lived(start: Job, ...events: JobEvent[]): Job {
  return events.reduce((current, event, index) => transition(current, event, 1_000 + index).job, start);
}

const category = fc.constantFrom<FailureCategory>('account', 'infrastructure', 'content', 'configuration', 'unknown');
const retryAtMs = fc.option(fc.integer({ min: 0, max: 1_000_000 }));
const anyFailure = category.map((name) => failure({ category: name }));
const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
  { arbitrary: fc.constant(CLAIM), weight: 6 },
  { arbitrary: fc.constant<JobEvent>({ type: 'commit' }), weight: 2 },
  fc.constant<JobEvent>({ type: 'confirm' }),
  { arbitrary: fc.record({ type: fc.constant('fail' as const), failure: anyFailure, retryAtMs }), weight: 3 },
  fc.record({ type: fc.constant('defer' as const), reason: fc.constant('closed'), untilMs: fc.nat(), failure: fc.option(anyFailure) }),
  fc.record({ type: fc.constant('doubt' as const), failure: anyFailure }),
  { arbitrary: fc.record({ type: fc.constant('holder_died' as const), counts: fc.boolean(), message: fc.constant('killed') }), weight: 3 },
  fc.record({
    type: fc.constant('verdict' as const),
    verdict: fc.constantFrom('published' as const, 'absent' as const),
    retryAtMs,
    by: fc.constant('verifier'),
  }),
  fc.constant<JobEvent>({ type: 'skip', reason: 'too late' }),
  fc.record({
    type: fc.constant('edit' as const),
    edit: fc.record({ caption: fc.string(), publishAtMs: fc.option(fc.nat()) }, { requiredKeys: [] }),
  }),
  fc.record({ type: fc.constant('retry' as const), grant: fc.integer({ min: 1, max: 5 }) }),
  fc.constant<JobEvent>({
    type: 'posted_before',
    account: 'alice',
    postKey: postKey('alice', SHA, 0),
    committedMs: 5,
    message: 'in posted.jsonl',
  }),
);

/** The arrows of docs/state-machine.md, written down a second time on purpose. */
const ARROWS: Readonly<Record<JobStatus, Partial<Record<JobEvent['type'], readonly JobStatus[]>>>> = {
  pending: { claim: ['claimed'], edit: ['pending'], skip: ['skipped'], posted_before: ['uncertain'] },
  retrying: { claim: ['claimed'], edit: ['retrying'], skip: ['skipped'], posted_before: ['uncertain'], retry: ['retrying', 'pending'] },
  claimed: {
    commit: ['committing'],
    fail: ['retrying', 'failed'],
    defer: ['pending', 'retrying'],
    doubt: ['uncertain'],
    holder_died: ['pending', 'retrying', 'failed'],
    skip: ['skipped'],
  },
  committing: { confirm: ['success'], doubt: ['uncertain'], holder_died: ['uncertain'] },
  uncertain: { verdict: ['success', 'retrying', 'failed'] },
  success: {},
  failed: { retry: ['retrying', 'pending'], skip: ['skipped'], posted_before: ['uncertain'] },
  skipped: { retry: ['retrying', 'pending'], posted_before: ['uncertain'] },
};

describe('for any history', () => {
  test('only the arrows of the design exist, and none leaves success', () => {
    fc.assert(
      fc.property(fc.constantFrom(...JOB_STATUSES), anyEvent, fc.nat({ max: 3 }), (status, event, attempts) => {
        const start = job({ status, attempts: status === 'claimed' || status === 'committing' ? attempts + 1 : attempts });
        const targets = ARROWS[status][event.type];
        if (targets === undefined) {
          expect(() => transition(start, event, 1)).toThrow(expect.objectContaining({ code: 'ILLEGAL_TRANSITION' }));
        } else {
          expect(targets).toContain(transition(start, event, 1).job.status);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('attempts are claims minus refunds', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        let current = job();
        let claims = 0;
        let refunds = 0;
        for (const [index, event] of events.entries()) {
          if (ARROWS[current.status][event.type] === undefined) continue;
          if (event.type === 'claim') claims += 1;
          if (event.type === 'defer' || (event.type === 'holder_died' && current.status === 'claimed')) refunds += 1;
          current = transition(current, event, index).job;
          expect(current.attempts).toBe(claims - refunds);
          expect(current.attempts).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('a job that nobody holds carries no claim, and one that may be public keeps its post key', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
        let current = job();
        for (const [index, event] of events.entries()) {
          if (ARROWS[current.status][event.type] === undefined) continue;
          current = transition(current, event, index).job;
          const heldNow = current.status === 'claimed' || current.status === 'committing';
          expect(current.claimToken !== null && current.leaseUntilMs !== null && current.worker !== null).toBe(heldNow);
          if (['committing', 'uncertain', 'success'].includes(current.status)) {
            expect(current).toMatchObject({ postKey: postKey('alice', SHA, 0), account: 'alice' });
            expect(current.committedMs).not.toBeNull();
          }
          if (current.status === 'uncertain')
            expect(current).toMatchObject({ failure: { uncertain: true }, uncertainMs: expect.any(Number) });
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('one attempt', () => {
  test('claim, commit, confirm', () => {
    expect(transition(job(), CLAIM, 5)).toMatchObject({
      event: 'claimed',
      job: {
        status: 'claimed',
        account: 'alice',
        device: 'phone-1',
        attempts: 1,
        epoch: 7,
        phase: 'prepare',
        passNumber: 2,
        claimedMs: 5,
        lastAttemptMs: 5,
      },
    });
    const done = lived(job(), CLAIM, { type: 'commit' }, { type: 'confirm' });
    expect(done).toMatchObject({ status: 'success', committedMs: 1_001, finishedMs: 1_002, failure: null, claimToken: null });
  });

  test('a failure that may be retried is due again, one that may not is the end; both are counted by category', () => {
    const retried = lived(job(), CLAIM, { type: 'fail', failure: failure(), retryAtMs: 9_000 });
    expect(retried).toMatchObject({
      status: 'retrying',
      dueMs: 9_000,
      failuresByCategory: { infrastructure: 1 },
      device: null,
      account: 'alice',
    });
    const ended = lived(retried, CLAIM, { type: 'fail', failure: failure(), retryAtMs: null });
    expect(ended).toMatchObject({ status: 'failed', finishedMs: 1_001, failuresByCategory: { infrastructure: 2 } });
  });

  test('a deferral gives the attempt back, and an untouched job back to its pool', () => {
    const defer: JobEvent = { type: 'defer', reason: 'window closed', untilMs: 9_000, failure: null };
    expect(lived(job(), CLAIM, defer)).toMatchObject({
      status: 'pending',
      attempts: 0,
      deferrals: 1,
      account: null,
      postKey: null,
      note: 'window closed',
      dueMs: 9_000,
    });
    expect(lived(job({ pool: null }), CLAIM, defer)).toMatchObject({ status: 'pending', account: 'alice' });
    const tried = lived(job(), CLAIM, { type: 'fail', failure: failure(), retryAtMs: 1 }, CLAIM, {
      ...defer,
      failure: failure({ type: 'port_busy' }),
    });
    expect(tried).toMatchObject({ status: 'retrying', attempts: 1, account: 'alice', failure: { type: 'port_busy' } });
    const crashed = lived(job(), CLAIM, { type: 'holder_died', counts: true, message: 'x' }, CLAIM, defer);
    expect(crashed.account).toBe('alice');
  });
});

describe('a holder that died', () => {
  const died: JobEvent = { type: 'holder_died', counts: true, message: 'PID 5 is gone' };

  test('before the commit point the attempt is given back', () => {
    expect(lived(job(), CLAIM, died)).toMatchObject({
      status: 'pending',
      attempts: 0,
      crashes: 1,
      failure: { type: 'holder_died', phase: 'prepare', uncertain: false },
    });
    expect(lived(job({ attempts: 1 }), CLAIM, died)).toMatchObject({ status: 'retrying', attempts: 1 });
    expect(transition(job({ status: 'claimed', attempts: 1, phase: null }), died, 1).job.failure?.phase).toBe('prepare');
  });

  test('after it the job is uncertain', () => {
    expect(lived(job(), CLAIM, { type: 'commit' }, died)).toMatchObject({
      status: 'uncertain',
      attempts: 1,
      crashes: 0,
      failure: { uncertain: true, phase: 'commit' },
    });
  });

  test('a job that takes its holder down again and again is poison; a rebooted machine counts for nobody', () => {
    const lives = CRASHES_BEFORE_ALONE + CRASHES_ALONE;
    let current = job();
    for (let life = 1; life < lives; life += 1) current = lived(current, CLAIM, died);
    expect(current).toMatchObject({ status: 'pending', crashes: lives - 1 });
    expect(lived(current, CLAIM, { ...died, counts: false })).toMatchObject({ status: 'pending', crashes: lives - 1 });
    expect(lived(current, CLAIM, died)).toMatchObject({ status: 'failed', failure: { type: 'poison', category: 'unknown' } });
  });
});

describe('settling', () => {
  const doubt: JobEvent = { type: 'doubt', failure: failure({ category: 'unknown' }) };
  const doubtful = lived(job(), CLAIM, { type: 'commit' }, doubt);

  test('published is success, absent is not given back', () => {
    expect(lived(doubtful, { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'a person' })).toMatchObject({
      status: 'success',
      note: 'settled as published by a person',
    });
    expect(lived(doubtful, { type: 'verdict', verdict: 'absent', retryAtMs: 9_000, by: 'verifier' })).toMatchObject({
      status: 'retrying',
      attempts: 1,
      committedMs: null,
      dueMs: 9_000,
      failure: { uncertain: false, retryable: true },
    });
    const imported = { ...doubtful, failure: null };
    expect(lived(imported, { type: 'verdict', verdict: 'absent', retryAtMs: null, by: 'verifier' })).toMatchObject({ status: 'failed' });
  });

  test('doubt before the commit point counts from now', () => {
    expect(lived(job(), CLAIM, doubt)).toMatchObject({ status: 'uncertain', committedMs: 1_001, uncertainMs: 1_001 });
  });

  test('a record of a post outside the store makes the job uncertain, with the time of that post', () => {
    const found = lived(job(), { type: 'posted_before', account: 'alice', postKey: 'key', committedMs: 5, message: 'in posted.jsonl' });
    expect(found).toMatchObject({
      status: 'uncertain',
      account: 'alice',
      postKey: 'key',
      committedMs: 5,
      failure: { type: 'posted_before' },
    });
  });
});

describe('a person may change what waits', () => {
  const edit = (start: Job, change: JobEvent & { type: 'edit' }) => lived(start, change);

  test('what is not named stays', () => {
    const start = job({ caption: 'old', priority: 3, dueMs: 5_000 });
    expect(edit(start, { type: 'edit', edit: { caption: 'new' } })).toEqual({ ...start, caption: 'new' });
    expect(edit(start, { type: 'edit', edit: { account: 'bob', priority: 1 } })).toEqual({ ...start, account: 'bob', priority: 1 });
  });

  test('a new time is when it is due; none is at once', () => {
    expect(edit(job(), { type: 'edit', edit: { publishAtMs: 9_000 } })).toMatchObject({ publishAtMs: 9_000, dueMs: 9_000 });
    expect(edit(job({ dueMs: 9_000 }), { type: 'edit', edit: { publishAtMs: null } })).toMatchObject({ publishAtMs: null, dueMs: 1_000 });
    expect(edit(job(), { type: 'edit', edit: { publishAtMs: 3 } })).toMatchObject({ publishAtMs: 3, dueMs: 1_000 });
  });

  test('the pause after a failure is not cut short', () => {
    const failed = lived(job(), CLAIM, { type: 'fail', failure: failure(), retryAtMs: 50_000 });
    expect(edit(failed, { type: 'edit', edit: { publishAtMs: 2_000 } })).toMatchObject({ status: 'retrying', dueMs: 50_000 });
    expect(edit(failed, { type: 'edit', edit: { publishAtMs: 60_000 } })).toMatchObject({ dueMs: 60_000 });
  });
});

test('a person may order another try, and skip', () => {
  expect(lived(job(), { type: 'skip', reason: 'not wanted' })).toMatchObject({ status: 'skipped', note: 'not wanted' });
  const failedJob = lived(job(), CLAIM, { type: 'fail', failure: failure(), retryAtMs: null });
  expect(lived(failedJob, { type: 'retry', grant: 3 })).toMatchObject({
    status: 'retrying',
    attempts: 1,
    maxAttempts: 4,
    failuresByCategory: {},
    crashes: 0,
    dueMs: 1_000,
  });
  expect(lived(job({ status: 'skipped' }), { type: 'retry', grant: 3 })).toMatchObject({ status: 'pending', maxAttempts: 3 });
});

test('a post is known by account, bytes and repeat, by nothing else', () => {
  expect(postKey('alice', SHA, 0)).toBe(`alice:${SHA}:0`);
  expect(new Set([postKey('alice', SHA, 0), postKey('bob', SHA, 0), postKey('alice', SHA, 1)]).size).toBe(3);
});

describe('what is put off', () => {
  const NOW = 1_000_000_000;
  const DAY = 24 * 3_600_000;
  const putOff = (claimed: Partial<Job>) =>
    transition(job({ status: 'claimed', attempts: 1, ...claimed }), { type: 'defer', reason: 'busy', untilMs: NOW, failure: null }, NOW)
      .job;

  test('keeps its first instant as long as one deferral follows the other', () => {
    expect(putOff({ dueMs: NOW, claimedMs: NOW }).deferredSinceMs).toBe(NOW);
    expect(putOff({ dueMs: NOW, claimedMs: NOW, deferredSinceMs: 5 }).deferredSinceMs).toBe(5);
    expect(putOff({ dueMs: NOW, claimedMs: null, deferredSinceMs: 5 }).deferredSinceMs).toBe(5);
    expect(putOff({ dueMs: NOW - DAY - 1, claimedMs: NOW, deferredSinceMs: 5 }).deferredSinceMs).toBe(NOW);
  });

  test('a real attempt, and a person, begin anew; a person also makes the wish new', () => {
    const failed = { type: 'fail', failure: failure(), retryAtMs: NOW } as const;
    expect(transition(job({ status: 'claimed', attempts: 1, deferredSinceMs: 5 }), failed, NOW).job.deferredSinceMs).toBeNull();
    const retry = { type: 'retry', grant: 3 } as const;
    expect(transition(job({ status: 'failed', publishAtMs: 5 }), retry, NOW).job).toMatchObject({
      publishAtMs: NOW,
      deferredSinceMs: null,
    });
    expect(transition(job({ status: 'failed', publishAtMs: null }), retry, NOW).job.publishAtMs).toBeNull();
  });
});
