/** The part of the stores' contract about what waits: wishes, deferrals, jobs that must run alone, apps that rest. Promises 2 and 5. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { ALONE_PATIENCE_MS } from '../../src/domain/job-in-doubt.ts';
import { ADB_TIMEOUT, HOUR, type MakeStore, NOON, Subject } from './subject.ts';

const ids = (jobs: readonly Job[]) => jobs.map(({ id }) => id);
const DEFER = { type: 'defer', reason: 'the phone is busy', failure: null } as const;

export function waiting(name: string, make: MakeStore): void {
  let subject: Subject;
  beforeEach(async () => {
    subject = await Subject.open(make);
  });
  afterEach(() => subject.store.close());

  /** A job of alice that was found in two crashes. */
  async function poisoned(): Promise<void> {
    await subject.add([{ id: 'bad', account: 'alice' }], null, 'bad');
    for (let n = 0; n < 2; n += 1) await subject.order(await subject.claimed(), { type: 'holder_died', counts: true, message: 'killed' });
  }

  describe(`${name} store: what waits`, () => {
    it('knows the waiting jobs whose own wish is past, the oldest first, and no others', async () => {
      await subject.accounts(['alice', 'bob'], { postsPerDay: 9 });
      await subject.add([
        { id: 'later', account: 'alice', publishAtMs: NOON - HOUR },
        { id: 'first', account: 'alice', publishAtMs: NOON - 2 * HOUR },
        { id: 'future', account: 'alice', publishAtMs: NOON + HOUR },
        { id: 'no-wish', account: 'bob' },
      ]);
      expect(ids(await subject.store.wishedBefore(NOON))).toEqual(['first', 'later']);
      expect(ids(await subject.store.wishedBefore(NOON - 2 * HOUR))).toEqual(['first']);
      const first = await subject.claimed();
      expect(ids(await subject.store.wishedBefore(NOON))).toEqual(['later']);
      await subject.report(first, { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: NOON });
      expect(ids(await subject.store.wishedBefore(NOON))).toEqual(['first', 'later']);
    });

    it('a person who orders another try makes the wish new', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'old', account: 'alice', publishAtMs: NOON - HOUR }]);
      await subject.order('old', { type: 'skip', reason: 'too late' });
      await subject.order('old', { type: 'retry', grant: 3 });
      expect((await subject.store.job('old'))?.publishAtMs).toBe(NOON);
      expect(ids(await subject.store.wishedBefore(NOON - 1))).toEqual([]);
    });

    it('knows since when a job is put off; a real attempt, or a long wait for its turn, begins anew', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'one', account: 'alice' }]);
      const putOff = async (untilMs: number) => subject.report(await subject.claimed(), { ...DEFER, untilMs });
      await putOff(NOON + HOUR);
      expect(await subject.store.putOffSince(NOON - 1, 9)).toEqual({ jobs: [], total: 0 });
      expect(ids((await subject.store.putOffSince(NOON, 9)).jobs)).toEqual(['one']);
      await subject.clock.advance(HOUR);
      expect((await putOff(NOON + 2 * HOUR)).deferredSinceMs).toBe(NOON);
      await subject.clock.advance(30 * HOUR);
      expect((await putOff(NOON + 31 * HOUR)).deferredSinceMs).toBe(NOON + 31 * HOUR);
      await subject.report(await subject.claimed(), { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: NOON + 31 * HOUR });
      expect(await subject.store.putOffSince(NOON + 99 * HOUR, 9)).toEqual({ jobs: [], total: 0 });
    });

    it('of many that are put off answers the first, longest first, and how many there are', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add(['one', 'two', 'three'].map((id) => ({ id, account: 'alice' })));
      const order: string[] = [];
      for (let job = 0; job < 3; job += 1) {
        const claimed = await subject.claimed();
        order.push(claimed.id);
        await subject.report(claimed, { ...DEFER, untilMs: NOON + 9 * HOUR });
        await subject.clock.advance(HOUR / 60);
      }
      const { jobs, total } = await subject.store.putOffSince(NOON + HOUR, 2);
      expect({ ids: ids(jobs), total }).toEqual({ ids: order.slice(0, 2), total: 3 });
      expect((await subject.store.putOffSince(NOON, 2)).total).toBe(1);
    });

    it('keeps a retry policy of the job itself', async () => {
      await subject.accounts(['alice']);
      const retry = { max_attempts: 5, stop_when: "{{ type == 'adb_timeout' }}" };
      await subject.add([
        { id: 'one', account: 'alice', retry },
        { id: 'two', account: 'alice' },
      ]);
      expect((await subject.store.job('one'))?.retry).toEqual(retry);
      expect((await subject.claimed()).retry).toEqual(retry);
      expect((await subject.store.job('two'))?.retry).toBeNull();
    });

    it('gives no job of an app that rests', async () => {
      await subject.accounts(['alice'], { app: 'tiktok' });
      await subject.accounts(['bob']);
      await subject.add([{ id: 'bound', account: 'alice' }]);
      await subject.add([{ id: 'pooled' }], null, 'pool');
      expect(await subject.claimed({ exceptApps: ['tiktok'] })).toMatchObject({ id: 'pooled', account: 'bob' });
      expect(await subject.claim({ exceptApps: ['tiktok'] })).toBeNull();
      expect(await subject.claimed({ exceptApps: ['demo', 'tiktok@phone-1', 'tik'] })).toMatchObject({ id: 'bound' });
    });

    it('gives no job of an app that rests on one phone, and those of other phones and other apps', async () => {
      await subject.accounts(['alice', 'carol'], { app: 'tiktok' });
      await subject.accounts(['bob']);
      for (const [name, device] of Object.entries({ alice: 'p1', bob: 'p1', carol: 'p2' })) {
        await subject.store.changeAccount(name, { type: 'assign_device', device }, 'test');
        await subject.add([{ id: `of ${name}`, account: name }]);
      }
      const given = [];
      for (
        let job = await subject.claim({ exceptApps: ['tiktok@p1'] });
        job !== null;
        job = await subject.claim({ exceptApps: ['tiktok@p1'] })
      ) {
        given.push(job.account);
      }
      expect(given.sort()).toEqual(['bob', 'carol']);
    });
  });

  describe(`${name} store: a job that runs alone does not starve`, () => {
    const many = Array.from({ length: 9 }, (_, n) => ({ id: `b${n}`, account: n % 2 === 0 ? 'bob' : 'carol', publishAtMs: NOON - 1 }));

    it('others go before it for a while; then nothing else starts until it has run', async () => {
      await subject.accounts(['alice', 'bob', 'carol'], { postsPerDay: 99 });
      await poisoned();
      await subject.add(many);
      let running = [await subject.claimed(), await subject.claimed()];
      // Two workers who are never idle at the same moment.
      for (let minute = 1; minute < 10; minute += 1) {
        await subject.clock.advance(60_000);
        const [first, second] = running as [Job, Job];
        await subject.publish(first);
        const next = await subject.claim();
        running = next === null ? [second] : [second, next];
        if (next === null) break;
      }
      await subject.clock.advance(ALONE_PATIENCE_MS);
      expect(await subject.claim()).toBeNull();
      for (const job of running) await subject.publish(job);
      expect((await subject.claimed()).id).toBe('bad');
      expect(await subject.claim()).toBeNull();
    });

    it.each([
      [
        'its account is on hold',
        () => subject.store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'test'),
        {},
      ],
      ['its phone rests', async () => {}, { exceptDevices: ['phone'] }],
      ['its app rests', async () => {}, { exceptApps: ['other'] }],
      ['this run is for other accounts', async () => {}, { accounts: ['bob', 'carol'] }],
    ])('nobody waits for it while %s', async (_what, prepare, request) => {
      await subject.accounts(['alice'], { postsPerDay: 99, app: 'other' });
      await subject.accounts(['bob', 'carol'], { postsPerDay: 99 });
      await subject.store.changeAccount('alice', { type: 'assign_device', device: 'phone' }, 'test');
      await poisoned();
      await prepare();
      await subject.add(many);
      await subject.clock.advance(2 * ALONE_PATIENCE_MS);
      expect((await subject.claimed(request)).account).toBe('bob');
      expect((await subject.claimed(request)).account).toBe('carol');
    });
  });
}
