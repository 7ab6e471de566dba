/** The part of the stores' contract about events: every transition has one, with the facts of the attempt. Promise 7. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { isoTime } from '../../src/runtime/clock.ts';
import { ADB_TIMEOUT, type MakeStore, NOON, Subject } from './subject.ts';

export function events(name: string, make: MakeStore): void {
  describe(`${name} store: says what it does (promise 7)`, () => {
    let subject: Subject;
    beforeEach(async () => {
      subject = await Subject.open(make);
    });
    afterEach(() => subject.store.close());

    it('writes one event per transition and the seeds’ words for the attempt, numbered, and keeps the newest number through retention', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one', account: 'alice' }]);
      const one = await subject.claimed();
      await subject.report(one, { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: NOON + 15_000 });
      const events = await subject.store.events({ job: 'one' });
      expect(events.map(({ type, who }) => [type, who])).toEqual([
        ['claimed', 'worker 1'],
        ['action_started', 'worker 1'],
        ['action_error', 'worker 1'],
        ['action_retry', 'worker 1'],
      ]);
      expect(events[3]).toMatchObject({
        account: 'alice',
        phase: 'push',
        category: 'infrastructure',
        details: { type: 'adb_timeout', attempt: 1, max_attempts: 3, retry_delay_seconds: 15 },
      });
      const all = await subject.store.events({});
      expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
      await subject.clock.advance(1);
      await subject.store.maintain({ eventsBeforeMs: subject.clock.now() });
      await subject.store.recordEvent({ type: 'publisher_paused', epoch: 1, who: 'test', details: { reason: 'x' } });
      expect((await subject.store.events({})).map(({ seq }) => seq)).toEqual([all.length, all.length + 1]);
      expect(await subject.store.events({ afterSeq: all.length, limit: 1 })).toMatchObject([
        { type: 'publisher_paused', details: { reason: 'x' } },
      ]);
    });

    it('says with each try how often there may be one, whoever set that limit', async () => {
      await subject.accounts(['alice'], { retry: { ...DEFAULT_RETRY, maxAttempts: 7 }, postsPerDay: 9 });
      await subject.add([
        { id: 'account', account: 'alice' },
        { id: 'policy', account: 'alice', retry: { max_attempts: 4, initial_delay: 1 } },
        { id: 'number', account: 'alice', retry: 4, maxAttempts: 2 },
      ]);
      for (let n = 0; n < 3; n += 1) await subject.publish(await subject.claimed());
      const events = await subject.store.events({ types: ['claimed', 'action_started', 'action_completed'] });
      const said = (id: string) => events.filter(({ job }) => job === id).map(({ details }) => details.max_attempts);
      expect([said('account'), said('policy'), said('number')]).toEqual([
        [7, 7, 7],
        [4, 4, 4],
        [2, 2, 2],
      ]);
    });

    it('says where the evidence of a failure lies, and in which phase and by whom it was met', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one', account: 'alice' }]);
      const failure = { ...ADB_TIMEOUT, evidence: '2026-01-05/one-1' };
      await subject.report(await subject.claimed(), { type: 'fail', failure, retryAtMs: null });
      const said = (await subject.store.events({ job: 'one' })).slice(-2);
      const facts = { who: 'worker 1', epoch: 1, account: 'alice', phase: 'push', details: { evidence: failure.evidence } };
      expect(said).toMatchObject([
        { type: 'action_error', ...facts },
        { type: 'failed', ...facts },
      ]);
    });

    it('says of a settled doubt what became of the attempt, and why a job came back', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'one', account: 'alice' }]);
      const seen = async () => (await subject.store.events({ job: 'one' })).slice(-2).map(({ type, details }) => [type, details]);
      await subject.report(await subject.claimed(), { type: 'doubt', failure: ADB_TIMEOUT });
      await subject.order('one', { type: 'verdict', verdict: 'absent', retryAtMs: NOON + 5_000, by: 'person' });
      expect(await seen()).toMatchObject([
        ['settled', { note: 'settled as absent by person' }],
        ['action_retry', { attempt: 1, max_attempts: 3, retry_delay_seconds: 5 }],
      ]);
      await subject.clock.advance(5_000);
      await subject.report(await subject.claimed(), { type: 'doubt', failure: ADB_TIMEOUT });
      await subject.order('one', { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'person' });
      expect(await seen()).toMatchObject([
        ['settled', { note: 'settled as published by person' }],
        ['action_completed', { attempt: 2, max_attempts: 3 }],
      ]);
      await subject.add([{ id: 'two', account: 'alice' }]);
      await subject.claimed();
      await subject.order('two', { type: 'holder_died', counts: true, message: 'its holder is gone' });
      expect((await subject.store.events({ job: 'two' })).at(-1)).toMatchObject({
        type: 'returned',
        details: { message: 'its holder is gone', until: isoTime(subject.clock.now()) },
      });
    });

    it('changes nothing when a change is refused: neither job, nor event, nor count', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one', account: 'alice' }]);
      const before = [
        await subject.store.jobs({}),
        await subject.store.counts(),
        await subject.store.events({}),
        await subject.store.accounts(NOON),
      ];
      await expect(subject.order('one', { type: 'confirm' })).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
      expect([
        await subject.store.jobs({}),
        await subject.store.counts(),
        await subject.store.events({}),
        await subject.store.accounts(NOON),
      ]).toEqual(before);
    });
  });
}
