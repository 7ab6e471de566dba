/** Part of the store's contract. Guards promises 1 and 2: what a person changes in the queue takes effect at once, and nothing else changes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ADB_TIMEOUT, type MakeStore, Subject } from './subject.ts';

export function editing(name: string, make: MakeStore): void {
  let subject: Subject;
  describe(`${name} store: editing what waits`, () => {
    beforeEach(async () => {
      subject = await Subject.open(make);
    });
    afterEach(() => subject.store.close());

    it('keeps the new caption and priority, also when it is claimed', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'one' }, { id: 'two' }]);
      await subject.order('two', { type: 'edit', edit: { caption: 'better', priority: -1 } });
      expect(await subject.store.job('two')).toMatchObject({ caption: 'better', priority: -1, status: 'pending' });
      expect(await subject.claimed()).toMatchObject({ id: 'two', caption: 'better' });
      const [event] = (await subject.store.events({ job: 'two' })).filter(({ type }) => type === 'edited');
      expect(event).toMatchObject({ who: 'person' });
    });

    it('waits for the new time, and goes at once when there is none any more', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one' }]);
      const later = subject.clock.now() + 3_600_000;
      await subject.order('one', { type: 'edit', edit: { publishAtMs: later } });
      expect(await subject.claim()).toBeNull();
      expect(await subject.store.nextWake(subject.clock.now())).toMatchObject({ atMs: later });
      await subject.order('one', { type: 'edit', edit: { publishAtMs: null } });
      expect(await subject.claimed()).toMatchObject({ id: 'one' });
    });

    it('belongs to the account that it was given, and to no other', async () => {
      await subject.accounts(['alice', 'bob', 'carol'], { postsPerDay: 9 });
      await subject.add([{ id: 'one', account: 'alice' }, { id: 'two' }], null);
      await subject.order('one', { type: 'edit', edit: { account: 'bob' } });
      await subject.order('two', { type: 'edit', edit: { account: 'carol' } });
      expect(await subject.claim({ accounts: ['alice'] })).toBeNull();
      expect(await subject.claimed({ accounts: ['bob'] })).toMatchObject({ id: 'one', account: 'bob' });
      expect(await subject.claimed({ accounts: ['carol'] })).toMatchObject({ id: 'two', account: 'carol' });
    });

    it('is not for a video that is being published', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one' }]);
      await subject.claimed();
      await expect(subject.order('one', { type: 'edit', edit: { caption: 'late' } })).rejects.toMatchObject({ code: 'ILLEGAL_TRANSITION' });
    });
  });

  describe(`${name} store: taking back`, () => {
    beforeEach(async () => {
      subject = await Subject.open(make);
    });
    afterEach(() => subject.store.close());
    const remove = async (account: string) => (await subject.store.removeAccount(account, 'person')).map(({ id }) => id);
    const known = async () => (await subject.store.accounts(subject.clock.now())).map((account) => account.name);

    it('removes of a batch what waits or has failed, and nothing that is held, or is or may be public', async () => {
      await subject.accounts(['alice', 'bob', 'carol'], { postsPerDay: 9 });
      const owners = { deferred: 'alice', failed: 'alice', posted: 'alice', fresh: 'alice', doubtful: 'bob', held: 'carol' };
      await subject.add(Object.entries(owners).map(([id, account]) => ({ id, account })));
      await subject.add([{ id: 'other', account: 'alice' }], null, 'another batch');
      const next = (account: string) => subject.claimed({ accounts: [account] });
      const untilMs = subject.clock.now() + 1;
      await subject.report(await next('alice'), { type: 'defer', reason: 'phone busy', untilMs, failure: null });
      await subject.report(await next('alice'), { type: 'fail', failure: ADB_TIMEOUT, retryAtMs: null });
      await subject.publish(await next('alice'));
      const doubtful = await next('bob');
      await subject.report(doubtful, { type: 'commit' });
      await subject.report(doubtful, { type: 'doubt', failure: ADB_TIMEOUT });
      await next('carol');
      expect([...(await subject.store.undoAdd('batch'))].sort()).toEqual(['deferred', 'failed', 'fresh']);
      const left = (await subject.store.jobs({})).map(({ id, status }) => `${id} ${status}`);
      expect(left).toEqual(['posted success', 'doubtful uncertain', 'held claimed', 'other pending']);
      expect(await next('alice')).toMatchObject({ id: 'other' });
    });

    it('removes an account that nothing needs, keeps what happened, and brings it back as it was', async () => {
      await subject.accounts(['alice', 'alcie']);
      await subject.add([{ id: 'shared' }], ['alice', 'alcie']);
      await subject.store.changeAccount('alcie', { type: 'hold', reason: 'not signed in', job: null, evidence: null }, 'worker 1');
      expect(await remove('alcie')).toEqual([]);
      expect([await subject.store.account('alcie'), await known()]).toEqual([null, ['alice']]);
      expect(await subject.claim({ accounts: ['alcie'] })).toBeNull();
      expect((await subject.store.events({})).filter((event) => event.account === 'alcie').map(({ type }) => type)).toEqual([
        'account_added',
        'account_hold',
        'account_removed',
      ]);
      await expect(remove('alcie')).rejects.toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
      await subject.accounts(['alcie']);
      expect(await subject.store.account('alcie')).toMatchObject({ state: 'hold', reason: 'not signed in' });
    });

    it('names what is in the way of that: posts, doubts, and videos that nobody else may post', async () => {
      await subject.accounts(['alice', 'bob', 'carol', 'dave'], { postsPerDay: 9 });
      await subject.add([{ id: 'posted', account: 'alice' }]);
      await subject.publish(await subject.claimed());
      expect(await remove('alice')).toEqual(['posted']);
      await subject.add([{ id: 'bound', account: 'bob' }]);
      expect(await remove('bob')).toEqual(['bound']);
      await subject.add([{ id: 'shared' }], ['carol', 'dave'], 'pool');
      expect(await remove('dave')).toEqual([]);
      expect(await remove('carol')).toEqual(['shared']);
      expect(await subject.claimed({ accounts: ['carol'] })).toMatchObject({ id: 'shared' });
      expect(await remove('carol')).toEqual(['shared']);
      expect(await known()).toEqual(['alice', 'bob', 'carol']);
    });
  });
}
