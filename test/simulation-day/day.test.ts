// Guards promises 2 and 4 in figures: a day on a rack of phones that fail as measured loses next to nothing, whatever the seed.
import { describe, expect, test } from 'vitest';
import { DAY_FAULTS, type DayRequest, figuresOf, simulateDay } from './day.ts';

/** A tenth of bench/day.ts, so that three seeds take seconds. */
const TENTH: Omit<DayRequest, 'seed'> = {
  phones: 20,
  accounts: 200,
  jobsPerAccount: 1,
  workers: 20,
  postsPerDay: 1,
  startMs: Date.UTC(2026, 0, 5, 8),
  faults: DAY_FAULTS,
  bursts: { count: 4, share: 0.1, withinMs: 2_400_000 },
  limitMs: 24 * 3_600_000,
};

describe('a day of 200 posts on 20 phones', () => {
  test.each([1, 2, 3])('seed %i', async (seed) => {
    const { rack, jobs, startMs, accounts } = await simulateDay({ ...TENTH, seed });
    const figures = figuresOf(rack, jobs, startMs);
    expect(figures.publishedShare).toBeGreaterThanOrEqual(0.99);
    expect(figures.doublePosts).toBe(0);
    expect(figures.makespanRatio).toBeLessThan(1.25);
    // Whatever the phones' own failures and rests take: the choice of jobs leaves no phone idle that has work.
    expect(figures.ownLossRatio).toBeLessThan(1.02);
    expect(figures.wastedShare).toBeLessThan(0.1);
    expect(rack.overlaps).toBe(0);
    expect(new Set(accounts.filter(({ state }) => state === 'hold').map(({ name }) => name))).toEqual(rack.blocked);
  });
});
