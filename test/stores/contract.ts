/**
 * What every store must keep, whatever it is made of. Run by each
 * implementation; `contract-properties.ts` goes on with random lives.
 */

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { localDay } from '../../src/domain/local-time.ts';
import { editing } from './contract-editing.ts';
import { events } from './contract-events.ts';
import { neverTwice } from './contract-never-twice.ts';
import { ADB_TIMEOUT, claimOf, HOUR, type MakeStore, NOON, POLICY, Subject, sha } from './subject.ts';

export function contract(name: string, make: MakeStore): void {
  let subject: Subject;
  const open = () => {
    beforeEach(async () => {
      subject = await Subject.open(make);
    });
    afterEach(() => subject.store.close());
  };

  neverTwice(name, make);
  editing(name, make);
  events(name, make);

  describe(`${name} store: never lost (promise 2)`, () => {
    open();

    it('gives a job id that is taken a new one', async () => {
      await subject.add([{ id: 'clip' }]);
      const report = await subject.add([
        { id: 'clip', sha256: sha(2) },
        { id: 'clip', sha256: sha(3) },
      ]);
      expect(report.added).toEqual(['clip-2', 'clip-3']);
    });

    it('names orphans: jobs of an older life or of a holder whose lease is over', async () => {
      await subject.accounts(['alice', 'bob']);
      await subject.add([
        { id: 'a', account: 'alice' },
        { id: 'b', account: 'bob' },
      ]);
      const a = await subject.claimed({ leaseMs: 1000 });
      await subject.claimed({ leaseMs: 5000 });
      expect(await subject.store.orphans(subject.epoch, NOON)).toEqual([]);
      expect((await subject.store.orphans(subject.epoch, NOON + 1000)).map(({ id }) => id)).toEqual(['a']);
      expect(await subject.store.orphans(subject.epoch + 1, NOON)).toHaveLength(2);
      const returned = await subject.order(a, { type: 'holder_died', counts: true, message: 'killed' });
      expect(returned).toMatchObject({ status: 'pending', attempts: 0, crashes: 1 });
    });

    it('runs a job found in two crashes alone', async () => {
      await subject.accounts(['alice', 'bob', 'carol'], { postsPerDay: 9 });
      await subject.add([{ id: 'bad', account: 'alice' }]);
      for (let n = 0; n < 2; n += 1) await subject.order(await subject.claimed(), { type: 'holder_died', counts: true, message: 'killed' });
      await subject.add([
        { id: 'b', account: 'bob', publishAtMs: NOON - 1 },
        { id: 'c', account: 'carol', publishAtMs: NOON + 1 },
      ]);
      const b = await subject.claimed();
      expect(b.id).toBe('b');
      expect(await subject.claim()).toBeNull();
      await subject.publish(b);
      await subject.clock.advance(1);
      expect((await subject.claimed()).id).toBe('bad');
      expect(await subject.claim()).toBeNull();
    });

    it('keeps accounts, values and resources, and takes whole jobs once', async () => {
      await subject.accounts(['alice']);
      await subject.store.setValue('pass_history', [{ pass: 1 }]);
      expect(await subject.store.value('pass_history')).toEqual([{ pass: 1 }]);
      expect(await subject.store.value('nothing')).toBeNull();
      const resource = { id: 'r', kind: 'forward', details: { serial: 'x', port: 8200 }, epoch: 1, startedMs: NOON } as const;
      await subject.store.recordResource(resource);
      expect(await subject.store.resources()).toEqual([resource]);
      await subject.store.forgetResource('r');
      expect(await subject.store.resources()).toEqual([]);
      expect(await subject.store.job('nothing')).toBeNull();
      await expect(subject.order('nothing', { type: 'skip', reason: '' })).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
      await expect(subject.store.changeAccount('nobody', { type: 'release' }, 'test')).rejects.toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
      await subject.add([{ id: 'pooled' }], ['bob', 'alice']);
      const [job] = await subject.store.jobs({});
      expect(job?.pool).toBe('alice,bob');
      expect(await subject.store.importJobs([job as Job, { ...(job as Job), id: 'other', sha256: sha(5) }], 'import')).toEqual(['other']);
      expect(await subject.store.job('other')).toMatchObject({ pool: 'alice,bob', status: 'pending' });
    });
  });

  describe(`${name} store: blames the right thing and keeps the platform's no (promises 4 and 5)`, () => {
    open();

    it('keeps the cap by the local date of the commit, and gives the slot back when a verdict says absent', async () => {
      await subject.accounts(['alice']);
      await subject.add([
        { id: 'one', account: 'alice' },
        { id: 'two', account: 'alice' },
      ]);
      const one = await subject.claimed();
      await subject.report(one, { type: 'commit' });
      await subject.report(one, { type: 'doubt', failure: ADB_TIMEOUT });
      expect((await subject.store.accounts(NOON))[0]?.postedToday).toBe(1);
      await subject.order(one, { type: 'verdict', verdict: 'absent', retryAtMs: null, by: 'person' });
      expect((await subject.store.accounts(NOON))[0]?.postedToday).toBe(0);
      await subject.publish(await subject.claimed());
      await subject.order('one', { type: 'retry', grant: 3 });
      expect(await subject.claim()).toBeNull();
      expect(await subject.reasonOf('alice')).toBe('cap');
      // Berlin's midnight is 23:00 UTC; at 12:00 UTC that is 11 hours away.
      expect(await subject.store.nextWake(NOON)).toEqual({ atMs: NOON + 11 * HOUR, reason: 'cap' });
      await subject.clock.advance(11 * HOUR - 1);
      expect(await subject.claim()).toBeNull();
      await subject.clock.advance(1);
      expect((await subject.claimed()).id).toBe('one');
    });

    it('counts the same posts on other days when the zone of the account changes', async () => {
      await subject.clock.advance(10 * HOUR); // Monday 23:00 in Berlin
      await subject.accounts(['alice']);
      await subject.add([
        { id: 'one', account: 'alice' },
        { id: 'two', account: 'alice' },
      ]);
      await subject.publish(await subject.claimed());
      await subject.clock.advance(1.5 * HOUR); // Tuesday 00:30 in Berlin, still Monday in London
      await subject.accounts(['alice'], { timezone: 'Europe/London' });
      expect((await subject.store.accounts(subject.clock.now()))[0]).toMatchObject({ postedToday: 1, waitReason: 'cap' });
      await subject.accounts(['alice']);
      expect((await subject.store.accounts(subject.clock.now()))[0]).toMatchObject({ postedToday: 0, waitReason: null });
    });

    it.each([
      ['spring', '2026-03-29', 23],
      ['autumn', '2026-10-25', 25],
    ])('a day of the change in %s is one day for the cap: the next post waits for its midnight', async (_when, day, hours) => {
      const midnight = localDay('Europe/Berlin', Date.parse(`${day}T12:00:00Z`)).startMs;
      await subject.clock.advance(midnight + 60_000 - NOON);
      await subject.accounts(['alice']);
      await subject.add([
        { id: 'one', account: 'alice' },
        { id: 'two', account: 'alice' },
      ]);
      await subject.publish(await subject.claimed());
      expect(await subject.store.nextWake(subject.clock.now())).toEqual({ atMs: midnight + hours * HOUR, reason: 'cap' });
      await subject.clock.advance(hours * HOUR - 60_001);
      expect(await subject.claim()).toBeNull();
      await subject.clock.advance(1);
      expect((await subject.claimed()).id).toBe('two');
    });

    it('keeps a rolling limit of 24 hours', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9, rolling24h: 2 });
      await subject.add([1, 2, 3].map((n) => ({ id: `v${n}`, account: 'alice' })));
      await subject.publish(await subject.claimed());
      await subject.clock.advance(HOUR);
      await subject.publish(await subject.claimed());
      expect(await subject.claim()).toBeNull();
      expect(await subject.store.nextWake(subject.clock.now())).toEqual({ atMs: NOON + 24 * HOUR, reason: 'cap' });
      await subject.clock.advance(23 * HOUR);
      expect((await subject.claimed()).id).toBe('v3');
    });

    it('keeps windows and gaps, with the jitter drawn once', async () => {
      const windows = [{ days: [1], fromMinute: 9 * 60, toMinute: 15 * 60 }];
      await subject.accounts(['alice'], { postsPerDay: 9, windows, minGapMs: HOUR, jitterMs: HOUR });
      await subject.add([1, 2, 3].map((n) => ({ id: `v${n}`, account: 'alice' })));
      await subject.publish(await subject.claimed());
      const [alice] = await subject.store.accounts(NOON);
      expect(alice).toMatchObject({ lastCommitMs: NOON, gapJitterMs: HOUR / 2, waitReason: 'gap', nextAtMs: NOON + 1.5 * HOUR });
      await subject.clock.advance(1.5 * HOUR - 1);
      expect(await subject.claim()).toBeNull();
      await subject.clock.advance(1);
      const v2 = await subject.claimed();
      await subject.clock.advance(HOUR); // 15:30 in Berlin: the window has closed while it was prepared
      await expect(subject.report(v2, { type: 'commit' })).rejects.toMatchObject({ code: 'REFUSED', details: { reason: 'window' } });
      await expect(subject.store.checkCommit(claimOf(v2))).rejects.toMatchObject({ code: 'REFUSED', details: { reason: 'window' } });
      await subject.report(v2, { type: 'defer', reason: 'window', untilMs: subject.clock.now(), failure: null });
      expect(await subject.store.nextWake(subject.clock.now())).toEqual({ atMs: Date.UTC(2026, 0, 12, 8), reason: 'window' });
    });

    it('cools an account from the third charge on, and forgets all of it at a success', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'one', account: 'alice' }]);
      for (let n = 1; n <= 3; n += 1) {
        const one = await subject.claimed();
        await subject.report(one, { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: subject.clock.now() + 15_000 }, { type: 'charge' });
        await subject.clock.advance(15_000);
      }
      expect(await subject.store.account('alice')).toMatchObject({ consecutiveFailures: 3, cooldownUntilMs: NOON + 30_000 + 30 * 60_000 });
      expect(await subject.claim()).toBeNull();
      expect(await subject.reasonOf('alice')).toBe('cooldown');
      await subject.clock.advance(30 * 60_000);
      await subject.publish(await subject.claimed());
      expect(await subject.store.account('alice')).toMatchObject({ consecutiveFailures: 0, cooldownUntilMs: null });
    });

    it('holds an account with its job in one step, whatever pauses and resumes follow, until a person releases it', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([
        { id: 'one', account: 'alice' },
        { id: 'two', account: 'alice' },
      ]);
      const failure = { ...ADB_TIMEOUT, category: 'account', type: 'captcha' } as const;
      const hold = { type: 'hold', reason: 'captcha', job: 'one', evidence: 'e/1' } as const;
      await subject.report(await subject.claimed(), { type: 'fail', failure, retryAtMs: null }, hold);
      await subject.store.changeAccount('alice', { type: 'pause', reason: 'left the YAML' }, 'config');
      await subject.store.changeAccount('alice', { type: 'resume' }, 'config');
      expect(await subject.store.account('alice')).toMatchObject({ state: 'hold', reason: 'captcha' });
      expect(await subject.claim()).toBeNull();
      await subject.store.changeAccount('alice', { type: 'release' }, 'person');
      expect((await subject.claimed()).id).toBe('two');
      const types = (await subject.store.events({ types: ['account_hold', 'account_released', 'account_paused'] })).map(({ type }) => type);
      expect(types).toEqual(['account_hold', 'account_released']);
    });

    it('refuses a commit of an account that was put on hold or paused meanwhile', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one', account: 'alice' }]);
      const one = await subject.claimed();
      await subject.store.changeAccount('alice', { type: 'pause', reason: 'by a person' }, 'person');
      await expect(subject.report(one, { type: 'commit' })).rejects.toMatchObject({ code: 'REFUSED', details: { reason: 'paused' } });
      await subject.store.changeAccount('alice', { type: 'resume' }, 'person');
      expect((await subject.report(one, { type: 'commit' })).status).toBe('committing');
    });

    it('leaves alone accounts in trouble and jobs of accounts that nobody has added', async () => {
      await subject.accounts(['alice']);
      await subject.add([
        { id: 'one', account: 'alice' },
        { id: 'two', account: 'stranger' },
      ]);
      await subject.store.changeAccount('alice', { type: 'trouble', message: 'no phone named alice' }, 'daemon');
      expect(await subject.claim()).toBeNull();
      expect((await subject.store.accounts(NOON)).map(({ name: one }) => one)).toEqual(['alice']);
      await subject.store.changeAccount('alice', { type: 'assign_device', device: 'phone' }, 'daemon');
      expect(await subject.claimed()).toMatchObject({ id: 'one', device: 'phone' });
      expect(await subject.claim()).toBeNull();
      expect(await subject.store.putAccounts([{ name: 'stranger', policy: POLICY }])).toEqual({ added: ['stranger'], updated: [] });
      expect((await subject.claimed()).id).toBe('two');
    });
  });

  describe(`${name} store: takes jobs in the promised order`, () => {
    open();

    it('by due time, priority, the account that posted longest ago, age', async () => {
      await subject.accounts(['alice', 'bob', 'carol'], { postsPerDay: 9 });
      await subject.add([{ id: 'seen', account: 'bob', publishAtMs: NOON - 9 }]);
      await subject.publish(await subject.claimed());
      await subject.clock.advance(1000);
      await subject.add([
        { id: 'later', account: 'carol', publishAtMs: NOON - 1 },
        { id: 'bob', account: 'bob', publishAtMs: NOON - 2 },
        { id: 'carol', account: 'carol', publishAtMs: NOON - 2 },
        { id: 'older', account: 'alice', publishAtMs: NOON - 2, priority: 1 },
        { id: 'younger', account: 'alice', publishAtMs: NOON - 2, priority: 1 },
        { id: 'urgent', account: 'alice', publishAtMs: NOON - 2, priority: -1 },
        { id: 'future', account: 'alice', publishAtMs: NOON + HOUR },
      ]);
      const order: string[] = [];
      for (let job = await subject.claim(); job !== null; job = await subject.claim()) {
        order.push(job.id);
        await subject.publish(job);
      }
      expect(order).toEqual(['urgent', 'carol', 'bob', 'older', 'younger', 'later']);
      expect(await subject.store.nextWake(subject.clock.now())).toEqual({ atMs: NOON + HOUR, reason: 'due' });
    });

    it('shares a pool fairly among its accounts, and a job once attempted stays with its account', async () => {
      await subject.accounts(['alice', 'bob', 'carol'], { postsPerDay: 9 });
      await subject.add(
        [1, 2, 3, 4].map((n) => ({ id: `v${n}` })),
        ['alice', 'bob'],
      );
      const takers: (string | null)[] = [];
      for (let n = 0; n < 4; n += 1) {
        const job = await subject.claimed();
        takers.push(job.account);
        if (n < 3) await subject.publish(job);
        else await subject.report(job, { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: subject.clock.now() });
        await subject.clock.advance(1000);
      }
      expect(takers).toEqual(['alice', 'bob', 'alice', 'bob']);
      expect(await subject.claim({ accounts: ['alice', 'carol'] })).toBeNull();
      expect(await subject.claimed()).toMatchObject({ id: 'v4', account: 'bob', attempts: 2 });
    });

    it('weighs a pool against an account of its own by who posted longest ago', async () => {
      await subject.accounts(['alice', 'bob'], { postsPerDay: 9 });
      await subject.add([{ id: 'seen', account: 'alice' }]);
      await subject.publish(await subject.claimed());
      await subject.add([{ id: 'bound', account: 'alice', publishAtMs: NOON }]);
      await subject.add([{ id: 'pooled', publishAtMs: NOON }], ['bob']);
      expect(await subject.claimed()).toMatchObject({ id: 'pooled', account: 'bob' });
      expect(await subject.claimed()).toMatchObject({ id: 'bound', account: 'alice' });
    });

    it('gives a pool of all accounts also to one that is added later, and a refunded job back to its pool', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one' }]);
      const back = await subject.report(await subject.claimed(), { type: 'defer', reason: 'busy', untilMs: NOON, failure: null });
      expect(back).toMatchObject({ account: null, postKey: null, status: 'pending' });
      await subject.store.changeAccount('alice', { type: 'pause', reason: '' }, 'test');
      await subject.accounts(['bob']);
      expect((await subject.claimed()).account).toBe('bob');
    });

    it('does not sleep through what fell due between an empty claim and the question', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one', account: 'alice', publishAtMs: NOON + 5 }]);
      expect(await subject.claim()).toBeNull();
      await subject.clock.advance(10);
      expect(await subject.store.nextWake(subject.clock.now())).toEqual({ atMs: NOON + 5, reason: 'due' });
    });
  });
}
