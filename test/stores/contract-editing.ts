/** Part of the store's contract. Guards promises 1 and 2: what a person changes in the queue takes effect at once, and nothing else changes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MakeStore, Subject } from './subject.ts';

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
}
