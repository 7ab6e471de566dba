/** Guards promise 7: pauses of one account or phone, edits and reload are carried out or refused with one sentence. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { JobEvent } from '../../src/domain/job.ts';
import type { Command } from '../../src/scheduler/commands.ts';
import { Desk, type DeskParts } from '../../src/scheduler/desk.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { pausedPhones } from '../../src/scheduler/pausing.ts';
import { MemoryStore } from '../stores/memory-store.ts';
import { POLICY } from '../stores/subject.ts';
import { failure } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let clock: VirtualClock;
let store: MemoryStore;
let told: string[];
const nothing = async () => undefined;

beforeEach(async () => {
  clock = new VirtualClock();
  store = new MemoryStore({ clock, random: new FakeRandom(0.5) });
  await store.raiseEpoch('test');
  told = [];
  await order({ do: 'add_accounts', names: ['alice', 'bob'] });
  await order({
    do: 'add_jobs',
    batch: { id: 'b1', source: '/v', accounts: null },
    jobs: [
      {
        id: 'one',
        videoPath: '/v/1.mp4',
        sha256: '1'.repeat(64),
        caption: 'old',
        account: 'alice',
        publishAtMs: null,
        priority: 0,
        maxAttempts: null,
        repeat: 0,
      },
    ],
  });
});

const daemon: NonNullable<DeskParts['daemon']> = {
  stop: () => undefined,
  pause: async () => undefined,
  resume: async () => undefined,
  phones: () => ['phone-1', 'phone-2'],
  phonesPaused: async () => void told.push('phones'),
  reload: async () => 'Read scheduler.yaml again.',
};

function order(command: Command, beside: DeskParts['daemon'] = daemon, phones: DeskParts['phones'] = null) {
  const ledger = { append: nothing, withdraw: nothing, confirm: nothing };
  const desk = new Desk({
    store,
    ledger,
    doubted: new DoubtedHolders({ store, isDead: async () => false }),
    epoch: 1,
    clock,
    home: '/home',
    accountPolicy: () => POLICY,
    isConfigured: () => false,
    daemon: beside,
    phones,
    wake: () => undefined,
  });
  return desk.handle(command);
}

describe('one account', () => {
  it('is paused and resumed, with and without a daemon', async () => {
    for (const beside of [daemon, null]) {
      expect(await order({ do: 'pause', account: 'alice' }, beside)).toMatchObject({
        ok: true,
        text: expect.stringContaining('alice begins no further post'),
      });
      expect(await store.account('alice')).toMatchObject({ state: 'paused' });
      expect(await store.account('bob')).toMatchObject({ state: 'active' });
      expect(await order({ do: 'resume', account: 'alice' }, beside)).toMatchObject({ ok: true, text: 'alice may post again.' });
      expect(await store.account('alice')).toMatchObject({ state: 'active' });
    }
  });

  it('on hold, or paused by its configuration, is not resumed by the way', async () => {
    await store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'worker 1');
    expect(await order({ do: 'resume', account: 'alice' })).toMatchObject({ ok: false, next: expect.stringContaining('--release alice') });
    await store.changeAccount('bob', { type: 'pause', reason: 'it is not in scheduler.yaml any more' }, 'configuration');
    expect(await order({ do: 'resume', account: 'bob' })).toMatchObject({ ok: false, next: expect.stringContaining('--reload') });
    expect(await order({ do: 'pause', account: 'zoe' })).toMatchObject({ ok: false, code: 'UNKNOWN_ACCOUNT' });
  });
});

describe('one phone', () => {
  it('is paused until it is resumed, and the daemon is told', async () => {
    expect(await order({ do: 'pause', device: 'phone-2' })).toMatchObject({ ok: true });
    await order({ do: 'pause', device: 'phone-2' });
    expect(await pausedPhones(store)).toEqual(['phone-2']);
    expect(await order({ do: 'resume', device: 'phone-2' })).toMatchObject({ text: 'The phone phone-2 posts again.' });
    expect(await pausedPhones(store)).toEqual([]);
    expect(told).toHaveLength(3);
  });

  it('that nobody knows is refused, with those that there are', async () => {
    expect(await order({ do: 'pause', device: 'phone-9' })).toMatchObject({ ok: false, next: 'There are phone-1, phone-2.' });
  });
});

describe('one phone, without a daemon', () => {
  it('is paused when the configuration names it, or names none and they are found by looking; else refused', async () => {
    const named = ['phone-1', 'phone-2'];
    expect(await order({ do: 'pause', device: 'nope' }, null, named)).toMatchObject({
      ok: false,
      text: 'there is no phone "nope"',
      next: 'There are phone-1, phone-2.',
    });
    expect(await pausedPhones(store)).toEqual([]);
    expect(await order({ do: 'pause', device: 'phone-1' }, null, named)).toMatchObject({ ok: true });
    expect(await order({ do: 'pause', device: 'R58M' }, null, null)).toMatchObject({ ok: true });
    expect(await order({ do: 'resume', device: 'R58M' }, null, named)).toMatchObject({ ok: true });
    expect(await pausedPhones(store)).toEqual(['phone-1']);
  });
});

describe('editing', () => {
  it('changes what waits', async () => {
    const publishAtMs = clock.now() + 60_000;
    expect(await order({ do: 'edit', job: 'one', edit: { caption: 'new', account: 'bob', publishAtMs } })).toMatchObject({
      ok: true,
      text: expect.stringContaining('one is changed (caption, account, time), not before'),
    });
    expect(await store.job('one')).toMatchObject({ caption: 'new', account: 'bob', dueMs: publishAtMs });
  });

  it.each<[string, Command, object]>([
    ['an unknown video', { do: 'edit', job: 'nine', edit: { caption: '' } }, { code: 'UNKNOWN_JOB' }],
    ['an unknown account', { do: 'edit', job: 'one', edit: { account: 'zoe' } }, { code: 'UNKNOWN_ACCOUNT' }],
  ])('refuses %s', async (_what, command, refusal) => {
    expect(await order(command)).toMatchObject({ ok: false, ...refusal });
    expect(await store.job('one')).toMatchObject({ caption: 'old', account: 'alice' });
  });

  it('gives a video whose attempt was given back to another account, and one that was really tried to none', async () => {
    const claim = () => store.claim({ worker: 'w', token: 't', epoch: 1, leaseMs: 1, passNumber: 1, accounts: null, exceptDevices: [] });
    await claim();
    expect(await order({ do: 'edit', job: 'one', edit: { caption: 'x' } })).toMatchObject({
      ok: false,
      text: expect.stringContaining('right now'),
    });
    const end = async (event: JobEvent) => {
      const held = { jobId: 'one', token: 't', epoch: 1 };
      await store.change('one', { event, claim: held, epoch: 1, who: 'w' });
    };
    await end({ type: 'defer', reason: 'busy', untilMs: clock.now(), failure: null });
    expect(await order({ do: 'edit', job: 'one', edit: { account: 'bob' } })).toMatchObject({ ok: true });
    await claim();
    await end({ type: 'fail', failure: failure(), retryAtMs: clock.now() });
    expect(await order({ do: 'edit', job: 'one', edit: { account: 'alice' } })).toMatchObject({
      ok: false,
      text: expect.stringContaining('was tried for bob already and stays with it'),
    });
    await store.change('one', { event: { type: 'skip', reason: 'x' }, claim: null, epoch: 1, who: 'person' });
    expect(await order({ do: 'edit', job: 'one', edit: { caption: 'x' } })).toMatchObject({
      ok: false,
      text: expect.stringContaining('only a video that waits'),
    });
  });
});

it('reload needs somebody who runs', async () => {
  expect(await order({ do: 'reload' })).toMatchObject({ ok: true, text: 'Read scheduler.yaml again.' });
  expect(await order({ do: 'reload' }, null)).toMatchObject({ ok: false, code: 'NO_DAEMON' });
});
