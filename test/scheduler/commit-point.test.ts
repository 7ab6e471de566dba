/** Guards promise 1, never twice: what must hold at the last moment before the irreversible act. */
import { describe, expect, it } from 'vitest';
import { SchedulerError } from '../../src/errors.ts';
import { CommitPoint, type CommitPointParts } from '../../src/scheduler/commit-point.ts';
import type { PostedRecord } from '../../src/stores/store.ts';

const RECORD: PostedRecord = { account: 'alice', sha256: 'a'.repeat(64), repeat: 0, job: 'beach-aaaaaaaa', atMs: 1 };

/** A commit point whose every safeguard says yes, unless a test says otherwise; `did` lists what happened, in order. */
function point(overrides: Partial<CommitPointParts> = {}, remainingMs: () => number = () => 50_000) {
  const did: string[] = [];
  const commit = new CommitPoint({
    lease: {
      renew: async () => {
        did.push('renew');
        return true;
      },
      remainingMs,
    },
    ledger: {
      append: async () => void did.push('append'),
      withdraw: async () => void did.push('withdraw'),
      confirm: async () => void did.push('confirm'),
    },
    record: () => RECORD,
    forbidden: () => null,
    check: async () => void did.push('check'),
    write: async () => void did.push('write'),
    ...overrides,
  });
  return { commit, did };
}

const refused = (code: string) => expect.objectContaining({ code });

describe('commit() resolves only when everything that protects the post is done, in this order', () => {
  it('asks the store for the claim, asks the rules, records on disk, writes committing', async () => {
    const { commit, did } = point();
    await commit.commit();
    expect(did).toEqual(['renew', 'check', 'append', 'write']);
    expect(commit.committed).toBe(true);
  });

  it.each<[string, Partial<CommitPointParts>, string, string[]]>([
    ['the scheduler may not act', { forbidden: () => 'paused' }, 'REFUSED', []],
    ['the claim is lost', { lease: { renew: async () => false, remainingMs: () => 50_000 } }, 'CLAIM_LOST', []],
    [
      'the store does not answer the renewal',
      { lease: { renew: () => Promise.reject(new SchedulerError('STORE_FAILED')), remainingMs: () => 50_000 } },
      'STORE_FAILED',
      [],
    ],
    ['the claim is trusted for a moment only', { lease: { renew: async () => true, remainingMs: () => 14_000 } }, 'COMMIT_TOO_LATE', []],
    ['a rule forbids it', { check: () => Promise.reject(new SchedulerError('REFUSED')) }, 'REFUSED', ['renew']],
    [
      'another job holds the post key',
      { check: () => Promise.reject(new SchedulerError('ALREADY_PUBLISHED')) },
      'ALREADY_PUBLISHED',
      ['renew'],
    ],
  ])('throws and leaves no record when %s', async (_case, overrides, code, before) => {
    const { commit, did } = point(overrides);
    await expect(commit.commit()).rejects.toEqual(refused(code));
    expect(did).toEqual(before);
    expect(commit.committed).toBe(false);
  });

  it('throws and leaves no record when the machine slept while the rules were asked', async () => {
    let remaining = 50_000;
    const check = async () => {
      remaining = -1;
    };
    const { commit, did } = point({ check }, () => remaining);
    await expect(commit.commit()).rejects.toEqual(refused('COMMIT_TOO_LATE'));
    expect(did).toEqual(['renew']);
  });

  it('throws when posted.jsonl cannot be written, before the store is touched', async () => {
    const { commit, did } = point({
      ledger: { append: () => Promise.reject(new Error('ENOSPC')), withdraw: async () => {}, confirm: async () => {} },
    });
    await expect(commit.commit()).rejects.toThrow('ENOSPC');
    expect(did).toEqual(['renew', 'check']);
    expect(commit.committed).toBe(false);
  });

  it('takes the record back when the store refuses after it', async () => {
    const { commit, did } = point({ write: () => Promise.reject(new SchedulerError('CLAIM_LOST')) });
    await expect(commit.commit()).rejects.toEqual(refused('CLAIM_LOST'));
    expect(did).toEqual(['renew', 'check', 'append', 'withdraw']);
    expect(commit.committed).toBe(false);
  });
});

describe('commit() cannot be used to act twice or too late', () => {
  it('throws the second time, also while the first is under way', async () => {
    const { commit } = point();
    const first = commit.commit();
    await expect(commit.commit()).rejects.toEqual(refused('COMMIT_TWICE'));
    await first;
    await expect(commit.commit()).rejects.toEqual(refused('COMMIT_TWICE'));
  });

  it('throws after the attempt is over', async () => {
    const { commit, did } = point();
    await commit.close();
    await expect(commit.commit()).rejects.toEqual(refused('COMMIT_TOO_LATE'));
    expect(did).toEqual([]);
  });

  it('throws when the attempt ends while committing is being written, and knows that the act was forbidden', async () => {
    const writing = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    const write = () => {
      writing.resolve();
      return written.promise;
    };
    const { commit } = point({ write });
    const committing = commit.commit();
    committing.catch(() => undefined);
    await writing.promise;
    let isClosed = false;
    const closed = commit.close().then(() => {
      isClosed = true;
    });
    await new Promise(setImmediate);
    // Whoever closes it needs to know what was written.
    expect(isClosed).toBe(false);
    written.resolve();
    await closed;
    await expect(committing).rejects.toEqual(refused('COMMIT_TOO_LATE'));
    expect(commit).toMatchObject({ committed: true, actForbidden: true });
  });

  it('throws when the machine slept while committing was written', async () => {
    let remaining = 50_000;
    const { commit } = point(
      {
        write: async () => {
          remaining = -1;
        },
      },
      () => remaining,
    );
    await expect(commit.commit()).rejects.toEqual(refused('COMMIT_TOO_LATE'));
    expect(commit.actForbidden).toBe(true);
  });
});
