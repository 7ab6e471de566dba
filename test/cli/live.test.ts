/** Guards promise 7 on the terminal: while it runs, a person sees who posts what on which phone, in which phase, how it ended and how long it took. */
import { describe, expect, it } from 'vitest';
import { LiveLines } from '../../src/cli/live.ts';
import { ProgressBar } from '../../src/cli/progress-bar.ts';
import { failure, job } from '../support/build.ts';
import { MONDAY_NOON, VirtualClock } from '../support/virtual-clock.ts';

function terminal(isTty = false) {
  const written: string[] = [];
  return { written, write: (text: string) => void written.push(text), isTty, columns: 100 };
}

describe('LiveLines', () => {
  it('tells a post from its start to its proof', () => {
    const shown = terminal();
    const lines = new LiveLines(shown, () => 6);
    const one = job({ id: 'clip-1', account: 'alice', device: 'phone-1', attempts: 2, status: 'claimed' });
    lines.started({ worker: 'worker 1', job: one, maxAttempts: 3, atMs: MONDAY_NOON });
    lines.phase('worker 1', 'clip-1', 'prepare', MONDAY_NOON + 1);
    lines.phase('worker 1', 'clip-1', 'push', MONDAY_NOON + 2_000);
    lines.ended('worker 1', { ...one, status: 'success' }, MONDAY_NOON + 75_000);
    expect(shown.written).toEqual([
      '    0ms  worker 1  alice on phone-1 posts clip-1, attempt 2 of 3\n',
      '     2s  worker 1    sends the video to the phone\n',
      ' 1m 15s  worker 1  PUBLISHED clip-1 by alice after 1m 15s  [1 of 6]\n',
    ]);
  });

  it.each([
    ['uncertain', 'UNCERTAIN job-1: adb did not answer'],
    ['failed', 'FAILED job-1: adb did not answer'],
    ['skipped', 'SKIPPED job-1: too late'],
    ['retrying', 'will retry job-1 in 15s: adb did not answer'],
    ['pending', 'put back job-1: too late'],
  ] as const)('says why when it ended as %s', (status, text) => {
    const shown = terminal();
    const note = status === 'skipped' || status === 'pending' ? 'too late' : null;
    const ended = job({ status, note, dueMs: MONDAY_NOON + 15_000, failure: failure({ message: 'adb did not answer\nstack' }) });
    new LiveLines(shown, () => 0).ended('worker 1', ended, MONDAY_NOON);
    expect(shown.written.join('')).toContain(text);
    expect(shown.written.join('')).not.toContain('stack');
  });
});

describe('ProgressBar', () => {
  it('is drawn in place on a terminal, ten times a second at most, and always to its end', () => {
    const shown = terminal(true);
    const bar = new ProgressBar(shown, new VirtualClock(), 'videos checked');
    for (let done = 1; done <= 100; done += 1) bar.update(done, 100);
    expect(shown.written).toEqual([
      '\r[------------------------------] 1/100 videos checked',
      '\r[##############################] 100/100 videos checked\n',
    ]);
  });

  it('is a line each tenth elsewhere, and nothing for a few videos', () => {
    const shown = terminal();
    const bar = new ProgressBar(shown, new VirtualClock(), 'videos checked');
    for (let done = 1; done <= 100; done += 1) bar.update(done, 100);
    expect(shown.written).toHaveLength(10);
    expect(shown.written[0]).toBe('10/100 videos checked\n');
    bar.update(3, 3);
    expect(shown.written).toHaveLength(10);
  });
});
