/** Guards promises 1 and 3: a worker whose claim cannot be trusted any more does nothing. */
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/runtime/logger.ts';
import { LEASE_MS, Lease } from '../../src/scheduler/lease.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const CLAIM = { jobId: 'beach-aaaaaaaa', token: 't', epoch: 1 };

function lease(clock: VirtualClock, renew: () => Promise<number | null> = async () => clock.now() + LEASE_MS) {
  let renewals = 0;
  const store = {
    renew: () => {
      renewals++;
      return renew();
    },
  };
  const made = new Lease({ store, clock, logger: silentLogger() }, CLAIM, {
    askedMonotonic: clock.monotonic(),
    untilMs: clock.now() + LEASE_MS,
  });
  return { lease: made, renewals: () => renewals };
}

describe('a lease', () => {
  it('is renewed three times within its length and stays trusted', async () => {
    const clock = new VirtualClock();
    const { lease: kept, renewals } = lease(clock);
    kept.start();
    await clock.advance(LEASE_MS * 10);
    expect(renewals()).toBe(30);
    expect(kept.lost.aborted).toBe(false);
    expect(kept.remainingMs()).toBeGreaterThan(0);
    kept.end();
  });

  it('is lost as soon as the store says so', async () => {
    const clock = new VirtualClock();
    const { lease: kept } = lease(clock, async () => null);
    kept.start();
    await clock.advance(LEASE_MS / 3);
    expect(kept.lost.aborted).toBe(true);
  });

  it('is lost when the store cannot be asked until the trust is used up, and not before', async () => {
    const clock = new VirtualClock();
    const { lease: kept } = lease(clock, () => Promise.reject(new Error('SQLITE_IOERR')));
    kept.start();
    await clock.advance((LEASE_MS / 3) * 2);
    expect(kept.lost.aborted).toBe(false);
    await clock.advance(LEASE_MS / 3);
    expect(kept.lost.aborted).toBe(true);
  });

  it('answers no renewal for one that failed: the store may have written an earlier end than the one that is trusted', async () => {
    const clock = new VirtualClock();
    let writtenUntil = 0;
    const { lease: kept } = lease(clock, async () => {
      writtenUntil = clock.now() + LEASE_MS;
      throw new Error('SQLITE_IOERR');
    });
    clock.suspend(-3_600_000);
    await expect(kept.renew()).rejects.toThrow('SQLITE_IOERR');
    clock.suspend(3_600_000);
    expect(writtenUntil).toBeLessThan(clock.now());
    expect(kept.remainingMs()).toBeGreaterThan(0);
  });

  it('is not trusted after the machine slept, though monotonic time stood still', () => {
    const clock = new VirtualClock();
    const { lease: kept } = lease(clock);
    clock.suspend(LEASE_MS);
    expect(kept.remainingMs()).toBeLessThan(0);
  });

  it('is not trusted for longer because somebody set the wall clock back', async () => {
    const clock = new VirtualClock();
    const { lease: kept } = lease(clock);
    clock.setWall(clock.now() - 3_600_000);
    await clock.advance(LEASE_MS);
    expect(kept.remainingMs()).toBeLessThan(0);
  });

  it.each([
    ['after the renewal', 0, LEASE_MS],
    ['before it is over', 3_600_000, 0],
  ])(
    'is not trusted for longer than the store granted it, when the wall clock is set back and then, %s, forward',
    async (_, during, after) => {
      const clock = new VirtualClock();
      let grantedUntil = 0;
      const { lease: kept } = lease(clock, async () => {
        clock.suspend(-3_600_000);
        grantedUntil = clock.now() + LEASE_MS;
        clock.suspend(during);
        return grantedUntil;
      });
      await kept.renew();
      clock.suspend(after);
      expect(grantedUntil).toBeLessThanOrEqual(clock.now());
      expect(kept.remainingMs()).toBeLessThan(0);
    },
  );

  it('is trusted from the start of a slow renewal, not from its answer', async () => {
    const clock = new VirtualClock();
    const { lease: kept } = lease(clock, async () => {
      await clock.sleep(30_000, 'slow store');
      return clock.now() + LEASE_MS;
    });
    await clock.run(kept.renew());
    expect(kept.remainingMs()).toBeLessThan(LEASE_MS - 30_000);
  });
});
