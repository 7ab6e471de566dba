/** Guards promises 1 and 2 after a slip of the pen: a mistyped account is named, and can be taken back without forgetting a post or losing a video. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Command, Reply } from '../../src/scheduler/commands.ts';
import { Desk } from '../../src/scheduler/desk.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { likelySlip } from '../../src/scheduler/taking-back.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { failure, policy } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let folder: string;
let store: SqliteStore;
let clock: VirtualClock;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'taking-back-'));
  clock = new VirtualClock();
  store = new SqliteStore({ path: join(folder, 'state.db'), clock, random: new FakeRandom() });
  await store.raiseEpoch('test');
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function order(command: Command): Promise<Reply> {
  const none = async () => undefined;
  return new Desk({
    ...{
      store,
      clock,
      epoch: 1,
      home: folder,
      daemon: null,
      doubted: new DoubtedHolders({ store, isDead: async () => false }),
      wake: () => undefined,
    },
    ledger: { append: none, withdraw: none, confirm: none },
    accountPolicy: () => policy({ postsPerDay: 9 }),
    isConfigured: (name) => name === 'yaml',
  }).handle(command);
}

function add(batch: string, accounts: readonly string[], ids: readonly string[]): Promise<Reply> {
  const jobs = ids.map((id) => ({
    ...{ id, videoPath: `/v/${id}.mp4`, sha256: Buffer.from(id).toString('hex').padEnd(64, '0'), caption: '', account: null },
    ...{ publishAtMs: null, priority: 0, maxAttempts: null, repeat: 0 },
  }));
  return order({ do: 'add_jobs', batch: { id: batch, source: '/v', accounts }, jobs });
}

async function claim(account: string): Promise<string> {
  const request = { worker: 'worker 1', token: 't', epoch: 1, leaseMs: 60_000, passNumber: 1, exceptDevices: [] };
  return (await store.claim({ ...request, accounts: [account] }))?.id ?? 'nothing';
}

describe('--undo-accounts', () => {
  it('takes a mistyped account back; its videos go to the others once their batch was taken back', async () => {
    await order({ do: 'add_accounts', names: ['alice', 'alcie'] });
    await add('b1', ['alice', 'alcie'], ['one', 'two']);
    const id = await claim('alcie');
    const notSignedIn = failure({ category: 'account', type: 'wrong_account' });
    const change = { claim: { jobId: id, token: 't', epoch: 1 }, epoch: 1, who: 'worker 1' };
    await store.change(id, { ...change, event: { type: 'fail', failure: notSignedIn, retryAtMs: null } });
    expect(await order({ do: 'undo_account', account: 'alcie' })).toMatchObject({
      code: 'REFUSED',
      text: '1 video is for alcie alone, or failed there',
      next: 'Take back what was added for it: `scheduler --undo-add b1 --undo-accounts alcie`; then add the folder again for the right one.',
    });
    expect(await order({ do: 'undo_add', batch: 'b1' })).toMatchObject({ text: 'Took back 2 videos of batch b1.' });
    expect(await order({ do: 'undo_account', account: 'alcie' })).toMatchObject({
      ok: true,
      text: 'alcie is no account of this home any more; its story stays in --events.',
    });
    expect(await add('b2', ['alice'], ['one', 'two'])).toMatchObject({ text: 'Queued 2 videos (batch b2).' });
    expect(await claim('alice')).toBe('one');
  });

  it('refuses whoever posted, who is in scheduler.yaml, and who is not there', async () => {
    await order({ do: 'add_accounts', names: ['alice', 'yaml'] });
    await add('b1', ['alice'], ['one']);
    await claim('alice');
    expect(await order({ do: 'undo_account', account: 'alice' })).toMatchObject({
      code: 'REFUSED',
      text: 'alice has posts on record or under way (one is claimed), which keep its videos from going out twice',
      next: '`--pause alice` keeps it from posting.',
    });
    expect(await order({ do: 'undo_account', account: 'yaml' })).toMatchObject({ text: 'yaml is named in scheduler.yaml' });
    expect(await order({ do: 'undo_account', account: 'zoe' })).toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
    expect((await store.accounts(clock.now())).map(({ name }) => name)).toEqual(['alice', 'yaml']);
  });
});

describe('a new name that looks like one that is there', () => {
  it('is added, with a warning that says how to take it back', async () => {
    expect(await order({ do: 'add_accounts', names: ['alice', 'alicia'] })).toMatchObject({ text: 'Accounts: added alice, alicia.' });
    expect(await order({ do: 'add_accounts', names: ['alcie', 'bob'] })).toMatchObject({
      text: 'Accounts: added alcie, bob.\nWARNING: alcie is new, and looks like alice; if it is a slip: scheduler --undo-accounts alcie',
      data: { added: ['alcie', 'bob'] },
    });
  });

  it.each([
    ['alcie', 'alice'],
    ['the.teem', 'the.team'],
    ['brand_2', null],
    ['brand12', null],
    ['bob', null],
    ['caroline', null],
  ])('%s looks like %s', (name, meant) => {
    expect(likelySlip(name, ['alice', 'brand_1', 'brand1', 'bot', 'the.team', 'carolus9'])).toBe(meant);
  });
});
