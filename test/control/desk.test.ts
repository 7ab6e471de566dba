/** Guards promises 1 and 2 at the desk: no order of a person publishes twice or loses a job, and every refusal says what to order instead. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import type { Command, Reply } from '../../src/scheduler/commands.ts';
import { Desk } from '../../src/scheduler/desk.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import type { PostedRecord } from '../../src/stores/store.ts';
import { failure, job, policy } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { MONDAY_NOON, VirtualClock } from '../support/virtual-clock.ts';

let folder: string;
let store: SqliteStore;
let clock: VirtualClock;
let switched: string[];
let wakes: number;
let recorded: string[];
let deadPid: number;
let publishing: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'desk-'));
  clock = new VirtualClock();
  store = new SqliteStore({ path: join(folder, 'state.db'), clock, random: new FakeRandom() });
  await store.raiseEpoch('test');
  switched = [];
  wakes = 0;
  recorded = [];
  deadPid = 0;
  publishing = [];
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

function desk(withDaemon = true): Desk {
  const switches = (what: string) => async () => void switched.push(what);
  const daemon = {
    stop: switches('stop'),
    pause: switches('pause'),
    resume: switches('resume'),
    publishing: (job: string) => publishing.includes(job),
  };
  const keep = (what: string) => async (record: PostedRecord) => void recorded.push(`${what} ${record.account} ${record.job}`);
  return new Desk({
    store,
    ledger: { append: keep('append'), withdraw: keep('withdraw'), confirm: keep('confirm') },
    doubted: new DoubtedHolders({ store, isDead: async ({ pid }) => pid === deadPid }),
    epoch: 1,
    clock,
    home: folder,
    accountPolicy: () => policy({ postsPerDay: 7 }),
    isConfigured: (name) => name === 'yaml',
    daemon: withDaemon ? daemon : null,
    wake: () => {
      wakes += 1;
    },
  });
}

function order(command: Command): Promise<Reply> {
  return desk().handle(command);
}

async function has(...jobs: Partial<Job>[]): Promise<void> {
  await order({ do: 'add_accounts', names: ['alice', 'bob'] });
  const whole = jobs.map((one, n) =>
    job({
      id: `j${n + 1}`,
      sha256: String(n + 1)
        .repeat(64)
        .slice(0, 64),
      pool: null,
      account: 'alice',
      seq: n + 1,
      ...one,
    }),
  );
  await store.importJobs(whole, 'import');
}

const newJob = {
  id: 'a-1',
  videoPath: '/v/a.mp4',
  sha256: 'a'.repeat(64),
  caption: '',
  account: null,
  publishAtMs: null,
  priority: 0,
  maxAttempts: null,
  repeat: 0,
};
const batch = { id: 'b1', source: '/v', accounts: null };
const uncertain = {
  status: 'uncertain',
  attempts: 1,
  committedMs: MONDAY_NOON,
  uncertainMs: MONDAY_NOON,
  failure: failure({ uncertain: true }),
} as const;

describe('adding', () => {
  it('adds accounts with the policy of the configuration, and a second time nothing', async () => {
    expect(await order({ do: 'add_accounts', names: ['alice', 'bob', 'alice'] })).toMatchObject({
      ok: true,
      text: 'Accounts: added alice, bob.',
      data: { added: ['alice', 'bob'] },
    });
    await store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'worker 1');
    expect(await order({ do: 'add_accounts', names: ['alice', 'carol'] })).toMatchObject({
      text: 'Accounts: added carol, 1 known already.',
    });
    expect(await store.account('alice')).toMatchObject({ state: 'hold', policy: { postsPerDay: 7 } });
  });

  it('queues nothing without an account, nor for an account that is not there', async () => {
    expect(await order({ do: 'add_jobs', batch, jobs: [newJob] })).toMatchObject({
      ok: false,
      code: 'NO_ACCOUNTS',
      usage: true,
      next: expect.stringContaining('--add-accounts'),
    });
    await has();
    expect(await order({ do: 'add_jobs', batch: { ...batch, accounts: ['alice', 'zoe'] }, jobs: [newJob] })).toMatchObject({
      code: 'UNKNOWN_ACCOUNT',
      text: 'there is no account "zoe" in this home',
    });
    expect(
      await order({ do: 'add_jobs', batch, jobs: [newJob, { ...newJob, id: 'a-2', sha256: 'b'.repeat(64), account: 'zoe' }] }),
    ).toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
    expect(await store.counts()).toMatchObject({ pending: 0 });
  });

  it('counts bytes that are known already, wakes the workers, and takes a batch back', async () => {
    await has();
    const before = wakes;
    expect(await order({ do: 'add_jobs', batch, jobs: [newJob] })).toMatchObject({ text: 'Queued 1 video (batch b1).' });
    expect(wakes).toBe(before + 1);
    expect(await order({ do: 'add_jobs', batch: { ...batch, id: 'b2' }, jobs: [{ ...newJob, id: 'z-1' }] })).toMatchObject({
      text: 'Queued 0 videos, 1 already known (batch b2).',
    });
    expect(await order({ do: 'undo_add', batch: 'b1' })).toMatchObject({ ok: true, data: { removed: ['a-1'] } });
    expect(await order({ do: 'undo_add', batch: 'b1' })).toMatchObject({
      ok: false,
      code: 'REFUSED',
      text: expect.stringContaining('nothing of batch "b1" to take back'),
    });
  });
});

describe('retry', () => {
  it('refuses where a retry could publish twice, each with its own sentence', async () => {
    await has(
      uncertain,
      { status: 'success', account: 'bob', finishedMs: MONDAY_NOON, committedMs: MONDAY_NOON },
      { status: 'pending', account: null, pool: 'batch-1' },
    );
    expect(await order({ do: 'retry', job: 'j1' })).toMatchObject({
      code: 'REFUSED',
      text: 'j1 may be public already, so a retry could publish it twice',
      next: 'Look at the profile of alice, then `--settle j1 published` or `--settle j1 absent`.',
    });
    expect(await order({ do: 'retry', job: 'j2' })).toMatchObject({
      code: 'REFUSED',
      text: 'j2 was published by bob at 2026-01-05T12:00:00.000Z',
    });
    expect(await order({ do: 'retry', job: 'j3' })).toMatchObject({ code: 'REFUSED', text: 'j3 is waiting for its turn already' });
    expect(await order({ do: 'retry', job: 'nope' })).toMatchObject({ code: 'UNKNOWN_JOB' });
    expect(await store.counts()).toMatchObject({ uncertain: 1, success: 1, pending: 1 });
  });

  it('refuses a job that is being published, before and after its commit point', async () => {
    await has({ status: 'pending' });
    const claimed = await store.claim({
      worker: 'worker 1',
      token: 't',
      epoch: 1,
      leaseMs: 60_000,
      passNumber: 1,
      accounts: null,
      exceptDevices: [],
    });
    expect(claimed?.id).toBe('j1');
    const refusal = { code: 'REFUSED', text: 'j1 is being published right now by alice' };
    for (const command of [
      { do: 'retry', job: 'j1' },
      { do: 'skip', job: 'j1', reason: 'x' },
    ] as const)
      expect(await order(command)).toMatchObject(refusal);
    await store.change('j1', { event: { type: 'commit' }, claim: { jobId: 'j1', token: 't', epoch: 1 }, epoch: 1, who: 'worker 1' });
    for (const command of [
      { do: 'retry', job: 'j1' },
      { do: 'skip', job: 'j1', reason: 'x' },
    ] as const)
      expect(await order(command)).toMatchObject(refusal);
    expect(await order({ do: 'settle', job: 'j1', verdict: 'absent' })).toMatchObject({
      code: 'REFUSED',
      text: expect.stringContaining('only an uncertain job'),
    });
  });

  it('grants max_attempts more to a failed or skipped job, and says when its account is still held', async () => {
    await has({ status: 'failed', attempts: 3, failure: failure() }, { status: 'skipped', account: 'bob' });
    await store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: 'j1', evidence: null }, 'worker 1');
    expect(await order({ do: 'retry', job: 'j1' })).toMatchObject({
      text: 'j1 is tried again, up to 3 times, as soon as alice is released (`--release alice`).',
    });
    expect(await store.job('j1')).toMatchObject({ status: 'retrying', attempts: 3, maxAttempts: 6, dueMs: clock.now() });
    expect(await order({ do: 'retry', job: 'j2' })).toMatchObject({ ok: true });
    expect(await store.job('j2')).toMatchObject({ status: 'pending', maxAttempts: 3 });
  });

  it('all means all that failed, and nothing else', async () => {
    await has(
      { status: 'failed', attempts: 3 },
      { ...uncertain, account: 'bob' },
      { status: 'failed', attempts: 1 },
      { status: 'skipped' },
    );
    expect(await order({ do: 'retry', job: 'all' })).toMatchObject({
      text: '2 failed jobs are tried again.',
      data: { jobs: ['j1', 'j3'] },
    });
    expect(await store.counts()).toMatchObject({ failed: 0, retrying: 2, uncertain: 1, skipped: 1 });
    expect(await order({ do: 'retry', job: 'all' })).toMatchObject({ text: 'No job has failed; there is nothing to retry.' });
  });
});

describe('skip', () => {
  it('skips what waits or failed, once', async () => {
    await has({ status: 'pending' }, { status: 'failed', attempts: 3 }, { status: 'retrying', attempts: 1 });
    for (const id of ['j1', 'j2', 'j3']) expect(await order({ do: 'skip', job: id, reason: 'not wanted' })).toMatchObject({ ok: true });
    expect(await store.job('j1')).toMatchObject({ status: 'skipped', note: 'not wanted' });
    expect(await order({ do: 'skip', job: 'j1', reason: 'x' })).toMatchObject({ ok: true, text: 'j1 was skipped already.' });
  });

  it('never forgets a post that may be public', async () => {
    await has(uncertain, { status: 'success', account: 'bob', committedMs: MONDAY_NOON, finishedMs: MONDAY_NOON });
    expect(await order({ do: 'skip', job: 'j1', reason: 'x' })).toMatchObject({
      code: 'REFUSED',
      next: expect.stringContaining('--settle j1'),
    });
    expect(await order({ do: 'skip', job: 'j2', reason: 'x' })).toMatchObject({ code: 'REFUSED' });
    expect(await store.counts()).toMatchObject({ uncertain: 1, success: 1, skipped: 0 });
  });
});

describe('settle', () => {
  it('is written into posted.jsonl too, which outlives the database', async () => {
    await has(uncertain, { ...uncertain, account: 'bob' });
    await order({ do: 'settle', job: 'j1', verdict: 'published' });
    await order({ do: 'settle', job: 'j2', verdict: 'absent' });
    expect(recorded).toEqual(['confirm alice j1', 'withdraw bob j2']);
  });

  it('published is a success that counts, and can be settled no second time', async () => {
    await has(uncertain);
    expect(await order({ do: 'settle', job: 'j1', verdict: 'published' })).toMatchObject({
      text: 'j1 counts as published by alice.',
      data: { status: 'success' },
    });
    expect(await order({ do: 'settle', job: 'j1', verdict: 'absent' })).toMatchObject({
      code: 'REFUSED',
      text: 'j1 is success; only an uncertain job can be settled',
    });
  });

  it('absent is tried again while attempts are left, and says so when none is', async () => {
    await has(uncertain, { ...uncertain, account: 'bob', attempts: 3 });
    expect(await order({ do: 'settle', job: 'j1', verdict: 'absent' })).toMatchObject({
      text: 'j1 was not published and is tried again.',
      data: { status: 'retrying' },
    });
    expect(await store.job('j1')).toMatchObject({ status: 'retrying', attempts: 1, dueMs: clock.now() });
    expect(await order({ do: 'settle', job: 'j2', verdict: 'absent' })).toMatchObject({
      text: 'j2 was not published and has failed: its 3 attempts are used up (`--retry j2` grants more).',
      data: { status: 'failed' },
    });
  });
});

describe('absent, while somebody may still post', () => {
  const frozen = { pid: 42, hostname: 'rack-2', started: '2026-01-05T08:00:00Z', last_heartbeat: '2026-01-05T11:00:00Z' };
  const absent = { do: 'settle', job: 'j1', verdict: 'absent' } as const;
  const doubt = (epoch: number) => new DoubtedHolders({ store, isDead: async () => false }).add([frozen], epoch);

  it.each([true, false])('is refused for what a holder held that may wake up; with a daemon: %s', async (withDaemon) => {
    await has(uncertain, { status: 'pending', account: 'bob' });
    const request = { worker: 'worker 1', token: 't', epoch: 1, leaseMs: 60_000, passNumber: 1, accounts: ['bob'], exceptDevices: [] };
    expect(await store.claim(request)).toMatchObject({ id: 'j2' });
    const change = { claim: { jobId: 'j2', token: 't', epoch: 1 }, epoch: 1, who: 'worker 1' } as const;
    await store.change('j2', { ...change, event: { type: 'commit' } });
    await store.change('j2', { ...change, event: { type: 'doubt', failure: failure() } });
    await doubt(1);
    expect(await desk(withDaemon).handle(absent)).toEqual({
      ok: false,
      code: 'REFUSED',
      usage: true,
      text: 'PID 42 on rack-2 may still post j1: it was silent since 2026-01-05T11:00:00Z, was replaced, and is not proven gone',
      next: 'End that process, or switch that machine off; then `--holder-gone 42@rack-2 --settle j1 absent`.',
    });
    expect(await store.job('j1')).toMatchObject({ status: 'uncertain' });
    expect(recorded).toEqual([]);
    // What was claimed after it was replaced, and what is public, is nothing that it could change.
    expect(await desk(withDaemon).handle({ ...absent, job: 'j2' })).toMatchObject({ ok: true });
    expect(await desk(withDaemon).handle({ ...absent, verdict: 'published' })).toMatchObject({ ok: true });
  });

  it('is taken when a person vouches for its end by name, and by no other name', async () => {
    await has(uncertain);
    await doubt(1);
    expect(await order({ do: 'holder_gone', holder: '42@rack-1' })).toMatchObject({
      code: 'REFUSED',
      text: 'no holder "42@rack-1" is in doubt',
      next: 'There is 42@rack-2.',
    });
    expect(await order(absent)).toMatchObject({ ok: false });
    expect(await order({ do: 'holder_gone', holder: '42@rack-2' })).toMatchObject({ ok: true });
    expect(await order(absent)).toMatchObject({ ok: true });
    expect(await order({ do: 'holder_gone', holder: '42@rack-2' })).toMatchObject({ next: 'Nobody is in doubt.' });
  });

  it('is taken when this machine can see that it has ended', async () => {
    await has(uncertain);
    await doubt(1);
    deadPid = 42;
    expect(await order(absent)).toMatchObject({ ok: true });
  });

  it('is refused while the publisher of this very daemon has not come to its end', async () => {
    await has(uncertain);
    publishing = ['j1'];
    expect(await order(absent)).toMatchObject({
      code: 'REFUSED',
      text: 'the publisher has not let go of j1 and may still post it',
      next: '`scheduler --stop` ends it; then settle it.',
    });
    expect(await store.job('j1')).toMatchObject({ status: 'uncertain' });
    publishing = [];
    expect(await order(absent)).toMatchObject({ ok: true });
  });
});

describe('release', () => {
  it('ends a hold or a cooldown, and says when there was none', async () => {
    await has();
    await store.changeAccount('alice', { type: 'hold', reason: 'captcha', job: null, evidence: null }, 'worker 1');
    for (let n = 0; n < 3; n += 1) await store.changeAccount('bob', { type: 'charge' }, 'worker 1');
    expect(await order({ do: 'release', account: 'alice' })).toMatchObject({ text: 'alice may post again.' });
    expect(await order({ do: 'release', account: 'bob' })).toMatchObject({ text: 'bob need not rest any longer.' });
    expect(await store.account('bob')).toMatchObject({ cooldownUntilMs: null, consecutiveFailures: 0 });
    expect(await order({ do: 'release', account: 'alice' })).toMatchObject({ text: 'alice was not on hold.' });
    await store.changeAccount('alice', { type: 'pause', reason: 'not in scheduler.yaml any more' }, 'roster');
    expect(await order({ do: 'release', account: 'alice' })).toMatchObject({ code: 'REFUSED', next: 'Put it back into scheduler.yaml.' });
    expect(await order({ do: 'release', account: 'zoe' })).toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
  });
});

describe('the switches', () => {
  it('reach the daemon, and without one say so', async () => {
    for (const command of ['pause', 'resume', 'stop'] as const) expect(await order({ do: command })).toMatchObject({ ok: true });
    expect(switched).toEqual(['pause', 'resume', 'stop']);
    expect(await desk(false).handle({ do: 'stop' })).toMatchObject({ ok: false, code: 'NO_DAEMON', usage: true });
  });
});

it('answers even when the store fails', async () => {
  await store.close();
  expect(await order({ do: 'retry', job: 'j1' })).toMatchObject({ ok: false, usage: false });
  store = new SqliteStore({ path: join(folder, 'again.db'), clock, random: new FakeRandom() });
});
