/** Guards promise 7: the plan says who posts what, when, where and why not, by the same rules by which jobs are claimed (promise 5). */
import { describe, expect, it } from 'vitest';
import { renderPlan } from '../../src/cli/render-plan.ts';
import type { Job } from '../../src/domain/job.ts';
import { buildPlan, type Plan } from '../../src/scheduler/plan.ts';
import type { AccountStanding, StoreReader } from '../../src/stores/store.ts';
import { account, job, policy } from '../support/build.ts';
import { MONDAY_NOON } from '../support/virtual-clock.ts';

const HOUR = 3_600_000;

function plan(
  accounts: readonly Partial<AccountStanding>[],
  jobs: readonly Partial<Job>[],
  limit?: number,
  looks: readonly unknown[] = [],
): Promise<Plan> {
  const all = jobs.map((one, n) => job({ id: `j${n + 1}`, account: 'alice', seq: n, ...one }));
  const reader: Pick<StoreReader, 'counts' | 'accounts' | 'jobs' | 'value'> = {
    counts: async () => ({ pending: all.length, claimed: 0, committing: 0, uncertain: 1, retrying: 0, success: 0, failed: 0, skipped: 0 }),
    accounts: async () => accounts.map((one) => ({ ...account(), postedToday: 0, waitReason: null, nextAtMs: null, ...one })),
    jobs: async ({ statuses, limit: most }) => (statuses?.includes('uncertain') ? [DOUBT] : all.slice(0, most)),
    value: async () => ({ looks }),
  };
  return buildPlan(reader as StoreReader, MONDAY_NOON, limit);
}

/** What the running scheduler will look at, by `plan`'s second account. */
const DOUBT = job({ id: 'doubt', status: 'uncertain', account: 'bob' });

async function times(...given: Parameters<typeof plan>): Promise<unknown[]> {
  return (await plan(...given)).rows.map(({ job: id, at, why }) => [id, at, why]);
}

describe('buildPlan', () => {
  it('spreads jobs over the days when one a day is allowed, by due time, priority and age', async () => {
    expect(await times([{ device: 'phone-1' }], [{ priority: 5 }, {}, { dueMs: MONDAY_NOON + 48 * HOUR }])).toEqual([
      ['j2', '2026-01-05T12:00:00.000Z', null],
      ['j1', '2026-01-06T00:00:00.000Z', 'cap'],
      ['j3', '2026-01-07T12:00:00.000Z', null],
    ]);
  });

  it('keeps windows, gaps and what was posted today already', async () => {
    const windows = [{ days: [1, 2, 3, 4, 5], fromMinute: 14 * 60, toMinute: 20 * 60 }];
    const three = policy({ postsPerDay: 3, windows, minGapMs: 4 * HOUR });
    expect(await times([{ policy: three, postedToday: 1, lastCommitMs: MONDAY_NOON - HOUR }], [{}, {}, {}])).toEqual([
      ['j1', '2026-01-05T15:00:00.000Z', 'gap'],
      ['j2', '2026-01-05T19:00:00.000Z', 'gap'],
      ['j3', '2026-01-06T14:00:00.000Z', expect.anything()],
    ]);
  });

  it('says why not, where time alone does not help', async () => {
    const accounts = [
      { name: 'alice', state: 'hold', reason: 'captcha', waitReason: 'hold' },
      { name: 'bob', trouble: 'no phone named bob', waitReason: 'configuration' },
      { name: 'carol', waitReason: 'uncertain' },
    ] as const;
    const rows = await times(accounts, [{}, { account: 'bob' }, { account: 'carol' }, { account: 'gone' }, { account: null }]);
    expect(rows).toEqual([
      ['j1', null, 'hold: captcha'],
      ['j2', null, 'no phone named bob'],
      ['j3', null, 'its uncertain post must be settled first'],
      ['j4', null, 'there is no such account'],
      ['j5', null, 'every account waits for a person'],
    ]);
  });

  it('says why a job that was put off waits', async () => {
    const given = { dueMs: MONDAY_NOON + HOUR, deferredSinceMs: MONDAY_NOON, note: 'the folder is not mounted' };
    expect(await times([{}], [given])).toEqual([['j1', '2026-01-05T13:00:00.000Z', 'the folder is not mounted']]);
    expect(await times([{}], [{ ...given, dueMs: MONDAY_NOON }])).toEqual([['j1', '2026-01-05T12:00:00.000Z', null]]);
  });

  it('lets an account whose last post is looked at go on after that look, and waits for a person when none will come', async () => {
    const bob = { name: 'bob', waitReason: 'uncertain' } as const;
    const [row] = (await plan([bob], [{ account: 'bob' }], 9, [{ job: 'doubt', at: '2026-01-05T12:05:00.000Z' }])).rows;
    expect(row).toMatchObject({ at: '2026-01-05T12:05:00.000Z', why: 'look' });
    expect(renderPlan({ rows: row === undefined ? [] : [row], more: 0 }, MONDAY_NOON, { isTty: false, columns: 100 })).toMatch(
      /bob .* in 5m .* a look whether its last post is public$/m,
    );
    const [given] = (await plan([bob], [{ account: 'bob' }], 9, [])).rows;
    expect(given).toMatchObject({ at: null, why: 'its uncertain post must be settled first' });
  });

  it('gives a job without an account the first free slot of any', async () => {
    expect(await times([{ name: 'alice', postedToday: 1 }, { name: 'bob' }], [{ account: null }, { account: null }])).toEqual([
      ['j1', '2026-01-05T12:00:00.000Z', null],
      ['j2', '2026-01-06T00:00:00.000Z', 'cap'],
    ]);
  });

  it('counts what it does not list', async () => {
    expect((await plan([{}], [{}, {}, {}], 2)).more).toBe(1);
  });
});

describe('renderPlan', () => {
  it('fits 100 columns and says times relative to now', async () => {
    const long = { id: `clip-${'x'.repeat(60)}`, account: 'alice-with-a-very-long-name-indeed' };
    const text = renderPlan(
      await plan([{ name: long.account, device: 'geelark:alice-phone-with-a-long-name' }], [long, long], 2),
      MONDAY_NOON,
      { isTty: true, columns: 100 },
    );
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    expect(text).toMatch(/ now /);
    expect(text).toMatch(/ in 12h .* daily cap$/m);
    expect(renderPlan({ rows: [], more: 0 }, MONDAY_NOON, { isTty: false, columns: 100 })).toContain('--add-folder');
  });
});
