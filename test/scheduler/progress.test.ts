/** Guards promise 3: a hung loop is noticed, a slow clock or a long wait is not taken for one. */
import { describe, expect, it } from 'vitest';
import { Progress } from '../../src/scheduler/progress.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

describe('progress', () => {
  it('stalls when a step is past its limit, and not before', async () => {
    const clock = new VirtualClock();
    const progress = new Progress(clock);
    progress.enter('worker 1', 'claiming a job', 60_000);
    await clock.advance(74_000);
    expect(progress.stalled()).toBeNull();
    await clock.advance(2_000);
    expect(progress.stalled()).toBe('worker 1 has been in "claiming a job" for too long');
    progress.enter('worker 1', 'waiting for work', 30_000);
    expect(progress.stalled()).toBeNull();
    progress.leave('worker 1');
    await clock.advance(3_600_000);
    expect(progress.stalled()).toBeNull();
  });

  it('is not fooled by a machine that slept or a clock that was set', () => {
    const clock = new VirtualClock();
    const progress = new Progress(clock);
    progress.enter('worker 1', 'waiting for work', 30_000);
    clock.suspend(8 * 3_600_000);
    expect(progress.stalled()).toBeNull();
    clock.setWall(0);
    expect(progress.stalled()).toBeNull();
  });
});
