/** Guards promises 1 and 2 by their judge: a double post, a lost job and a stuck one must each be noticed, or the chaos runs prove nothing. */
import { describe, expect, it } from 'vitest';
import { type JobView, judge } from './judge.ts';

const NOW = 1_000;
const JOB: JobView = { id: 'one', status: 'success', account: 'alice', sha256: 'aa', dueMs: 0, note: null, failure: null };
const POST = { account: 'alice', sha256: 'aa' };
const CLEAN = { twice: 0, lost: 0, stuck: 0 };

describe('the judge of a chaos run', () => {
  it.each([
    ['published once', [POST], [JOB], CLEAN],
    ['before a human', [], [{ ...JOB, status: 'uncertain' }], CLEAN],
    ['failed with a reason', [], [{ ...JOB, status: 'failed', failure: '{}' }], CLEAN],
    ['waits for its time', [], [{ ...JOB, status: 'retrying', dueMs: 2_000 }], CLEAN],
    ['published twice', [POST, POST], [JOB], { ...CLEAN, twice: 1 }],
    ['published by two accounts', [POST, { ...POST, account: 'bob' }], [JOB], { ...CLEAN, twice: 1 }],
    ['said to be published', [], [JOB], { ...CLEAN, lost: 1 }],
    ['forgotten', [], [], { ...CLEAN, lost: 1 }],
    ['failed for no reason', [], [{ ...JOB, status: 'failed' }], { ...CLEAN, lost: 1 }],
    ['due and not tried', [], [{ ...JOB, status: 'pending' }], { ...CLEAN, stuck: 1 }],
    ['held by nobody', [], [{ ...JOB, status: 'claimed' }], { ...CLEAN, stuck: 1 }],
    ['published, and held by nobody', [POST], [{ ...JOB, status: 'committing' }], { ...CLEAN, stuck: 1 }],
  ])('%s', (_, posts, jobs, expected) => {
    expect(judge(['aa'], posts, jobs, NOW)).toMatchObject(expected);
  });
});
