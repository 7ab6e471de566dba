/** The part of the stores' contract that keeps a holder harmless that was replaced and wakes up (promise 3). */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Store } from '../../src/stores/store.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { NOON, POLICY } from './subject.ts';

/** @param open the same content twice, as two processes have it open */
export function lives(name: string, open: (clock: VirtualClock) => Promise<readonly [Store, Store]>): void {
  const accounts = ['alice', 'bob'].map((name) => ({ name, policy: POLICY }));
  const clip = { id: 'clip', videoPath: '/v/clip.mp4', sha256: null, caption: '', account: null, publishAtMs: null };
  const job = { ...clip, priority: 0, maxAttempts: null, repeat: 0 };
  const batch = { id: 'batch', source: '/v', accounts: null };
  let old: Store;
  let next: Store;

  beforeEach(async () => {
    [old, next] = await open(new VirtualClock(NOON));
    await old.raiseEpoch('home');
    await old.putAccounts(accounts);
    await old.addJobs(batch, [job]);
  });
  afterEach(async () => {
    await old.close();
    await next.close();
  });

  const writes: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
    changeAccount: (store) => store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'worker 1'),
    putAccounts: (store) => store.putAccounts([...accounts, { name: 'carol', policy: POLICY }]),
    removeAccount: (store) => store.removeAccount('bob', 'person'),
    addJobs: (store) => store.addJobs({ ...batch, id: 'other' }, [{ ...job, id: 'other', videoPath: '/v/other.mp4' }]),
    undoAdd: (store) => store.undoAdd('batch'),
    importJobs: async (store) => {
      const [known] = await store.jobs({});
      return store.importJobs(known === undefined ? [] : [{ ...known, id: 'imported', videoPath: '/v/imported.mp4' }], 'import');
    },
    setValue: (store) => store.setValue('paused', true),
  };
  const picture = async () =>
    JSON.stringify([await next.accounts(NOON), await next.jobs({}), await next.value('paused'), await next.events({})]);

  it.each(Object.keys(writes))(`${name} store: after a newer life has begun, %s of the older one changes nothing`, async (write) => {
    const act = writes[write] as (store: Store) => Promise<unknown>;
    await next.raiseEpoch('home');
    const before = await picture();
    await expect(act(old)).rejects.toMatchObject({ code: 'LOCK_LOST' });
    expect(await picture()).toBe(before);
    await act(next);
    expect(await picture()).not.toBe(before);
  });

  it(`${name} store: who has begun no life needs none to write`, async () => {
    for (const act of Object.values(writes)) await act(next);
    expect(await next.value('paused')).toBe(true);
  });
}
