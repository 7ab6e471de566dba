/** Guards promise 7: the status page says what is so, and puts first what needs a person, with the command that settles it. */
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { renderStatus } from '../../src/cli/render-status.ts';
import { isoTime } from '../../src/runtime/clock.ts';
import { failure, job, policy } from '../support/build.ts';
import { MONDAY_NOON } from '../support/virtual-clock.ts';
import { build, HELD, LIVE, NOBODY, PIPE, screen, standing, UNCERTAIN } from './status-pages.ts';

describe('the page', () => {
  it('puts first what needs a person, each with the command that settles it', async () => {
    const page = await build(
      {
        accounts: [
          standing({ name: 'carol', state: 'hold', reason: 'captcha', waitReason: 'hold' }),
          standing({ name: 'dave', trouble: 'no phone named dave', waitReason: 'configuration' }),
        ],
        jobs: [UNCERTAIN],
      },
      HELD,
    );
    const text = renderStatus(page, PIPE);
    expect(text).toContain('NEEDS A PERSON (3)');
    expect(text).toContain('clip-1a2b3c4d: nobody is sure whether alice published it (2h ago)');
    expect(text).toContain('look at the profile, then: scheduler --settle clip-1a2b3c4d published\n');
    expect(text).toContain('scheduler --release carol');
    expect(text).toContain('dave: no phone named dave');
    expect(text.indexOf('NEEDS A PERSON')).toBeLessThan(text.indexOf('VIDEOS'));
  });

  it('says what is put off for a week, and what rests because it fails', async () => {
    const since = MONDAY_NOON - 8 * 86_400_000;
    const putOff = job({
      id: 'stuck-1',
      account: 'alice',
      deferrals: 9,
      deferredSinceMs: since,
      note: 'the folder /mnt/videos is not there',
    });
    const why = 'error: device offline';
    const breakers = [
      { kind: 'device', name: 'phone-9', failures: 4, openings: 3, untilMs: MONDAY_NOON + 240_000, why },
      { kind: 'flow', name: 'demo:pick a video', failures: 1, openings: 0, untilMs: null, why },
    ];
    const page = await build({ jobs: [putOff], values: { breakers, config: { defer_limit_seconds: 604_800 } } }, HELD);
    expect(page.status.put_off).toEqual([
      { job: 'stuck-1', account: 'alice', since: isoTime(since), why: 'the folder /mnt/videos is not there' },
    ]);
    expect(page.status.resting).toEqual([{ kind: 'device', name: 'phone-9', until: isoTime(MONDAY_NOON + 240_000), why }]);
    const text = renderStatus(page, PIPE);
    expect(text).toContain('stuck-1: put off again and again, first 8d 0h ago: the folder /mnt/videos is not there');
    expect(text).toContain('scheduler --skip stuck-1');
    expect(text).toContain('Phone phone-9 rests, tried again in 4m (--resume: at once): error: device offline');
    const patient = await build({ jobs: [putOff], values: { config: { defer_limit_seconds: 30 * 86_400 } } });
    expect(patient.status.put_off).toEqual([]);
  });

  it('of a hundred that are put off lists some, in JSON too, and says how many more', async () => {
    const jobs = Array.from({ length: 100 }, (_, number) =>
      job({ id: `stuck-${number}`, account: 'alice', deferrals: 9, deferredSinceMs: MONDAY_NOON - 8 * 86_400_000 }),
    );
    const page = await build({ jobs });
    expect(page.status.put_off).toHaveLength(50);
    expect(page.status.put_off_total).toBe(100);
    expect(page.status.troubled_jobs).toHaveLength(50);
    expect(renderStatus(page, PIPE)).toContain('NEEDS A PERSON (100)');
    expect(renderStatus(page, PIPE)).toContain('… and 92 more (--status --json lists more of them)');
  });

  it('says plainly whether anything runs', async () => {
    expect(renderStatus(await build({}, HELD), PIPE)).toMatch(/^RUNNING {2}PID 4711, started 1h ago, last heartbeat 12s ago/);
    const paused = { paused: true, pause_reason: 'the publisher returned without a commit() that resolved' };
    expect(renderStatus(await build({ values: { live: paused } }, HELD), PIPE)).toMatch(/^PAUSED.*\nthe publisher returned without/);
    expect(renderStatus(await build({}), PIPE)).toMatch(/^NOT RUNNING {2}Nothing is published now; `scheduler --run` starts it\./);
    expect(renderStatus(await build({}, { ...HELD, state: 'stale' }), PIPE)).toContain(
      'A dead or hung instance (PID 4711, last heartbeat 12s ago)',
    );
  });

  it('says what a person paused, also when nothing runs', async () => {
    const values = { paused: true, paused_phones: ['phone-2'] };
    expect(renderStatus(await build({ values }, HELD), PIPE)).toMatch(
      /^PAUSED.*Phone phone-2 is PAUSED \(--resume phone:phone-2 goes on\)/s,
    );
    const stopped = await build({ values });
    expect(stopped.status).toMatchObject({ running: false, paused: true, paused_devices: ['phone-2'] });
    expect(renderStatus(stopped, PIPE)).toContain('Paused: the next start publishes nothing either, until `scheduler --resume` then.');
  });

  it('shows who posts what where, in which phase and for how long', async () => {
    const text = renderStatus(await build({ values: { live: LIVE } }, HELD), PIPE);
    expect(text).toMatch(/1 +bob +phone-1 +next-5e6f7a8b +compose +1m 15s/);
    expect(text).toContain('Appium http://127.0.0.1:4723: healthy');
    expect(text).toContain('Phones: 1 ready');
  });

  it('names with a hold the videos that failed by it, and how to have both back; of other failures none', async () => {
    const refused = failure({ category: 'account', type: 'captcha' });
    const jobs = [
      job({ id: 'first', account: 'carol', status: 'failed', failure: refused }),
      job({ id: 'broken', account: 'carol', status: 'failed', failure: failure({ category: 'content' }) }),
      job({ id: 'other', account: 'dave', status: 'failed', failure: refused }),
    ];
    const held = standing({ name: 'carol', state: 'hold', reason: 'captcha', waitReason: 'hold' });
    const text = renderStatus(await build({ accounts: [held], jobs }), PIPE);
    expect(text).toContain('      when it is in order again: scheduler --release carol\n');
    expect(text).toContain('      with the video that failed by it: scheduler --release carol --retry first\n');
    const many = Array.from({ length: 7 }, (_, n) => job({ id: `j${n}`, account: 'carol', status: 'failed', failure: refused }));
    expect(renderStatus(await build({ accounts: [held], jobs: many }), PIPE)).toContain(
      'with the 7 videos that failed by it: scheduler --release carol --retry j0 j1 j2 j3   … and 3 more\n',
    );
  });

  it('asks nobody about a doubt that is looked at again, and asks when no look will come any more, or nothing runs', async () => {
    const looks = [{ job: UNCERTAIN.id, at: isoTime(MONDAY_NOON + 300_000) }];
    const given = { accounts: [standing({ name: 'alice', waitReason: 'uncertain' })], jobs: [UNCERTAIN] };
    const page = await build({ ...given, values: { live: { ...LIVE, looks } } }, HELD);
    expect(page.status.uncertain).toMatchObject([{ job: UNCERTAIN.id, next_look: isoTime(MONDAY_NOON + 300_000) }]);
    const text = renderStatus(page, PIPE);
    expect(text).not.toContain('NEEDS A PERSON');
    expect(text).toContain('BEING LOOKED AT (1)\n  clip-1a2b3c4d: nobody is sure whether alice published it (2h ago)\n');
    expect(text).toContain(
      'nobody is needed: the next look is in 5m\n      who knows sooner: scheduler --settle clip-1a2b3c4d published (or: absent)',
    );
    for (const [live, lock] of [
      [{ ...LIVE, looks: [] }, HELD],
      [{ ...LIVE, looks }, NOBODY],
    ] as const) {
      expect(renderStatus(await build({ ...given, values: { live } }, lock), PIPE)).toContain('NEEDS A PERSON (1)');
    }
  });

  it('sums 80 accounts up by state, those that need a person first, as wide as the terminal, and whole in a pipe', async () => {
    const accounts = Array.from({ length: 80 }, (_, n) =>
      standing({
        name: `account-with-a-long-name-${n}`,
        policy: policy({ postsPerDay: 3 }),
        ...(n % 20 === 7 ? { state: 'hold' as const, waitReason: 'hold' as const, reason: `captcha 市場 ${'x'.repeat(80)}` } : {}),
        ...(n % 20 === 8 ? { cooldownUntilMs: MONDAY_NOON + 1_000, waitReason: 'cooldown' as const, nextAtMs: MONDAY_NOON + 1_000 } : {}),
      }),
    );
    const workers = Array.from({ length: 3 }, (_, n) => ({
      ...LIVE.workers[0],
      id: n,
      job: `a-very-long-file-name-indeed-that-goes-on-${n}`,
      account: accounts[n]?.name,
    }));
    const page = await build({ accounts, jobs: [UNCERTAIN], values: { live: { ...LIVE, workers } } }, HELD);
    for (const columns of [60, 80, 100]) {
      const painted = renderStatus(page, screen(columns));
      const text = stripVTControlCharacters(painted);
      expect(text).not.toBe(painted);
      expect(text).toContain('80 in all: 4 on hold, 4 cooldown, 72 active');
      expect(text.split('\n').length).toBeLessThan(45);
      // What to do, and each command that is copied from the page, is never cut.
      const lines = text.split('\n').filter((line) => !line.includes('--') && !line.startsWith('      '));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    }
    const piped = renderStatus(page, PIPE);
    expect(stripVTControlCharacters(piped)).toBe(piped);
    expect(piped).not.toContain('…');
    expect(piped).toContain(`captcha 市場 ${'x'.repeat(80)}`);
  });
});
