/**
 * The simulation would notice: each safeguard of promises 1 and 2 is taken away
 * in turn, and within 2,000 lives it must find what goes wrong.
 */
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';
import { onAllCores, runInThread } from './run-in-thread.ts';

const LIVES = 2_000;

describe('the simulation', () => {
  it('finds out when a safeguard is gone', async () => {
    const survivors = await onAllCores(MUTATIONS, async ({ name, edits, ignore = [] }) => {
      const { result } = await runInThread({ first: 1, count: LIVES, ignore }, { edits });
      return result.failed === null ? [name] : [];
    });
    expect(survivors.flat()).toEqual([]);
  }, 600_000);

  it('notices a mutation whose safeguard was rewritten', async () => {
    const edits = [{ file: 'src/scheduler/commit-point.ts', find: 'this is not there', put: '' }];
    await expect(runInThread({ first: 1, count: 1 }, { edits })).rejects.toThrow('holds 0 times');
  });
});
