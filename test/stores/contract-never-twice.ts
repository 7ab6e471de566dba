/** The part of the stores' contract that promise 1 rests on; run by contract.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Job } from '../../src/domain/job.ts';
import { postKey } from '../../src/domain/post-key.ts';
import { ADB_TIMEOUT, claimOf, HOUR, type MakeStore, NOON, Subject, sha } from './subject.ts';

export function neverTwice(name: string, make: MakeStore): void {
  let subject: Subject;
  const open = () => {
    beforeEach(async () => {
      subject = await Subject.open(make);
    });
    afterEach(() => subject.store.close());
  };

  describe(`${name} store: never twice (promise 1)`, () => {
    open();

    it('gives one account one job at a time, and none while a post is uncertain', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([
        { id: 'one', account: 'alice' },
        { id: 'two', account: 'alice' },
      ]);
      const one = await subject.claimed();
      expect(await subject.claim()).toBeNull();
      expect(await subject.reasonOf('alice')).toBe('busy');
      await subject.report(one, { type: 'commit' });
      await subject.report(one, { type: 'doubt', failure: ADB_TIMEOUT });
      expect(await subject.claim()).toBeNull();
      expect(await subject.reasonOf('alice')).toBe('uncertain');
      await subject.order(one, { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'person' });
      expect((await subject.claimed()).id).toBe('two');
    });

    it('gives one phone to one job at a time, and none that is excepted', async () => {
      await subject.accounts(['alice', 'bob', 'carol']);
      for (const account of ['alice', 'bob'])
        await subject.store.changeAccount(account, { type: 'assign_device', device: 'phone' }, 'test');
      await subject.store.changeAccount('carol', { type: 'assign_device', device: 'other' }, 'test');
      await subject.add([
        { id: 'a', account: 'alice' },
        { id: 'b', account: 'bob' },
        { id: 'c', account: 'carol' },
      ]);
      const a = await subject.claimed();
      expect(a.device).toBe('phone');
      expect(await subject.claim({ exceptDevices: ['other'] })).toBeNull();
      expect((await subject.claimed()).id).toBe('c');
      expect(await subject.claim()).toBeNull();
      // Past the commit point and in doubt the account is blocked, its phone is not.
      await subject.report(a, { type: 'doubt', failure: ADB_TIMEOUT });
      expect((await subject.claimed()).id).toBe('b');
    });

    it('gives claims that are asked for in one moment different accounts and phones, and refuses one of an older life alone', async () => {
      const names = ['alice', 'bob', 'carol', 'dave'];
      await subject.accounts(names, { postsPerDay: 9 });
      for (const [n, account] of names.entries()) {
        await subject.store.changeAccount(account, { type: 'assign_device', device: n < 2 ? 'shared' : account }, 'test');
      }
      await subject.add(names.flatMap((account) => [1, 2].map((n) => ({ id: `${account}-${n}`, account }))));
      const late = subject.epoch - 1;
      const asked = [{}, {}, { epoch: late }, {}, {}, {}].map((request) => subject.claim(request));
      const answers = await Promise.allSettled(asked);
      expect(answers[2]).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_LOST' } });
      const jobs = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
      expect(jobs.map((job) => job?.id ?? null)).toEqual(['alice-1', 'carol-1', 'dave-1', null, null]);
      expect(new Set(jobs.map((job) => job?.claimToken)).size).toBe(4);
      for (const job of jobs) if (job !== null) await subject.publish(job);
      expect((await subject.store.counts()).success).toBe(3);
    });

    it('refuses a commit when another job holds the post key, also across ids and imports', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'one', account: 'alice', sha256: sha(1) }]);
      const one = await subject.claimed();
      const twin: Job = { ...one, id: 'elsewhere', status: 'success', committedMs: NOON - 30 * HOUR, postKey: null };
      expect(await subject.store.importJobs([twin], 'import')).toEqual(['elsewhere']);
      const refusal = { code: 'ALREADY_PUBLISHED', details: { job: 'elsewhere' } };
      await expect(subject.store.checkCommit(claimOf(one))).rejects.toMatchObject(refusal);
      await expect(subject.report(one, { type: 'commit' })).rejects.toMatchObject(refusal);
      expect((await subject.store.job('one'))?.status).toBe('claimed');
    });

    it('queues nothing for bytes it knows in any state, and says which job holds them', async () => {
      await subject.accounts(['alice', 'bob']);
      await subject.add([{ id: 'one', sha256: sha(1), account: 'alice' }]);
      await subject.order('one', { type: 'skip', reason: 'not wanted' });
      const report = await subject.add([
        { id: 'renamed', sha256: sha(1) },
        { id: 'new', sha256: sha(2) },
        { id: 'copy', sha256: sha(2) },
      ]);
      expect(report).toEqual({
        added: ['new'],
        known: [
          { id: 'renamed', knownAs: 'one' },
          { id: 'copy', knownAs: 'new' },
        ],
      });
    });

    it('queues an ordered repeat once per account', async () => {
      await subject.accounts(['alice', 'bob']);
      const again = { sha256: sha(1), repeat: 1 };
      await subject.add([{ id: 'one', sha256: sha(1), account: 'alice' }]);
      const report = await subject.add([
        { id: 'r1', account: 'alice', ...again },
        { id: 'r2', account: 'alice', ...again },
        { id: 'r3', account: 'bob', ...again },
      ]);
      expect(report).toEqual({ added: ['r1', 'r3'], known: [{ id: 'r2', knownAs: 'r1' }] });
    });

    it('guards an imported post without bytes by account and file stem', async () => {
      await subject.accounts(['alice', 'bob'], { postsPerDay: 9 });
      await subject.add([{ id: 'model', account: 'bob' }]);
      const [model] = await subject.store.jobs({});
      const old: Job = {
        ...(model as Job),
        id: 'old',
        sha256: null,
        account: 'alice',
        videoPath: 'C:\\videos\\Reel_12.MP4',
        status: 'success',
        postKey: null,
      };
      await subject.store.importJobs([old], 'import');
      const report = await subject.add([
        { id: 'x', videoPath: '/new/reel_12.mp4', account: 'alice' },
        { id: 'y', videoPath: '/new/reel_12.mp4', account: 'bob' },
        { id: 'z', videoPath: '/new/reel_12.mp4', sha256: sha(7) },
      ]);
      expect(report.known).toEqual([
        { id: 'x', knownAs: 'old' },
        { id: 'z', knownAs: 'old' },
      ]);
      expect(report.added).toEqual(['y']);
    });

    it('takes several uncertain jobs of one account from an import, and blocks the account until all are settled', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'one', account: 'alice' }]);
      const [one] = await subject.store.jobs({});
      const found = [1, 2].map(
        (n): Job => ({
          ...(one as Job),
          id: `found ${n}`,
          sha256: sha(n),
          status: n === 1 ? 'claimed' : 'uncertain',
          committedMs: NOON - HOUR,
        }),
      );
      await subject.store.importJobs([...found, { ...(found[1] as Job), id: 'same post' }], 'import');
      expect(await subject.store.counts()).toMatchObject({ uncertain: 2, claimed: 0, skipped: 1 });
      const settle = { type: 'verdict', verdict: 'published', retryAtMs: null, by: 'person' } as const;
      await subject.order('found 1', settle);
      expect(await subject.claim()).toBeNull();
      await subject.order('found 2', settle);
      expect((await subject.claimed()).id).toBe('one');
    });

    it('takes an imported post also when its id belongs to other bytes here: it must go on guarding its own', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([{ id: 'clip', account: 'alice', sha256: sha(1) }]);
      const [clip] = await subject.store.jobs({});
      const old: Job = { ...(clip as Job), sha256: sha(2), status: 'success', committedMs: NOON - 48 * HOUR };
      expect(await subject.store.importJobs([old], 'import')).toEqual(['clip-2']);
      expect(await subject.store.importJobs([old], 'import')).toEqual([]);
      expect((await subject.add([{ id: 'again', sha256: sha(2) }])).known).toEqual([{ id: 'again', knownAs: 'clip-2' }]);
    });

    it('stops a queued job whose post an import brings afterwards, under whatever id and with or without bytes', async () => {
      await subject.accounts(['alice'], { postsPerDay: 9 });
      await subject.add([1, 2].map((n) => ({ id: `clip ${n}`, account: 'alice', sha256: sha(n) })));
      const posted = { status: 'success', committedMs: NOON - 48 * HOUR } as const;
      const [one, two] = await subject.store.jobs({});
      await subject.store.importJobs(
        [
          { ...(one as Job), ...posted },
          { ...(two as Job), ...posted, sha256: null },
        ],
        'import',
      );
      for (const holder of ['clip 1-2', 'clip 2-2']) {
        const job = await subject.claimed();
        await expect(subject.report(job, { type: 'commit' })).rejects.toMatchObject({
          code: 'ALREADY_PUBLISHED',
          details: { job: holder },
        });
        await subject.order(job, { type: 'skip', reason: 'already published' });
      }
    });

    it('makes a job uncertain when a record says that it was posted before, several per account', async () => {
      await subject.accounts(['alice'], { postsPerDay: 3 });
      await subject.add([1, 2, 3].map((n) => ({ id: `v${n}`, sha256: sha(n) })));
      const record = (n: number) =>
        ({
          type: 'posted_before',
          account: 'alice',
          postKey: postKey('alice', sha(n), 0),
          committedMs: NOON - HOUR,
          message: 'posted.jsonl',
        }) as const;
      await subject.order('v1', record(1));
      await subject.order('v2', record(2));
      await expect(subject.order('v3', record(2))).rejects.toMatchObject({ code: 'ALREADY_PUBLISHED' });
      expect((await subject.store.accounts(NOON))[0]).toMatchObject({ postedToday: 2, waitReason: 'uncertain', lastCommitMs: NOON - HOUR });
      expect(await subject.claim()).toBeNull();
    });

    it('lets a holder write only with its own token and epoch, and an old daemon nothing', async () => {
      await subject.accounts(['alice']);
      await subject.add([{ id: 'one', account: 'alice' }]);
      const one = await subject.claimed();
      const lost = { code: 'CLAIM_LOST' };
      await expect(subject.report({ ...one, claimToken: 'forged' }, { type: 'commit' })).rejects.toMatchObject(lost);
      expect(await subject.store.renew({ ...claimOf(one), token: 'forged' }, 1000)).toBeNull();
      expect(await subject.store.renew(claimOf(one), 90_000)).toBe(NOON + 90_000);
      expect(await subject.store.enterPhase(claimOf(one), 'push')).toBe(true);
      expect(await subject.store.job('one')).toMatchObject({ phase: 'push', leaseUntilMs: NOON + 90_000 });
      expect(await subject.store.raiseEpoch('test')).toBe(subject.epoch + 1);
      await expect(subject.report(one, { type: 'commit' })).rejects.toMatchObject(lost);
      await expect(subject.store.checkCommit(claimOf(one))).rejects.toMatchObject(lost);
      await expect(subject.order('one', { type: 'skip', reason: '' })).rejects.toMatchObject(lost);
      await expect(subject.claim()).rejects.toMatchObject({ code: 'LOCK_LOST' });
      expect(await subject.store.renew(claimOf(one), 1000)).toBeNull();
      expect(await subject.store.enterPhase(claimOf(one), 'commit')).toBe(false);
    });
  });
}
