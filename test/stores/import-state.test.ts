/** Imports publish nothing again (promise 1) and lose nothing without saying so (promise 2). */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { parseState, withBytes } from '../../src/stores/import-state.ts';
import { writeSnapshot } from '../../src/stores/snapshot.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { MemoryStore } from './memory-store.ts';
import { ADB_TIMEOUT, HOUR, NOON, Subject, sha } from './subject.ts';

const OPTIONS = { file: 'scheduler_state.json', timezone: 'Europe/Berlin', map: [{ from: 'C:\\videos', to: '/mnt/videos' }], now: NOON };

/** A row as the ancestor wrote it. */
const row = (fields: Record<string, unknown>) => ({
  id: 'DA1',
  video_path: 'C:\\videos\\chunk_01\\DA1.mp4',
  caption: ' two\nlines, emoji 🎬 ',
  account: 'alice',
  status: 'pending',
  attempts: 0,
  max_attempts: 3,
  last_error: '',
  last_attempt: null,
  completed_at: null,
  source_folder: 'chunk_01',
  ...fields,
});

const parse = (jobs: readonly unknown[], accounts: readonly unknown[] = []) =>
  parseState(JSON.stringify({ jobs, accounts, settings: {}, saved_at: 'x' }), OPTIONS);
const make = async (clock: Subject['clock']) => new MemoryStore({ clock, random: new FakeRandom(0.5) });

describe('the ancestor’s scheduler_state.json', () => {
  it('gives each row the state that can publish nothing twice', () => {
    const cases: [Record<string, unknown>, string][] = [
      [{ status: 'pending' }, 'pending'],
      [{ status: 'in_progress' }, 'uncertain'],
      [{ status: 'claimed' }, 'uncertain'],
      [{ status: 'verification_pending' }, 'uncertain'],
      [{ status: 'retrying', last_error: 'Device never appeared in ADB devices list' }, 'retrying'],
      [{ status: 'retrying', last_error: 'Post returned False' }, 'uncertain'],
      [{ status: 'failed', last_error: 'Max steps reached. Share clicked: True' }, 'uncertain'],
      [{ status: 'failed', last_error: 'Video file not found' }, 'failed'],
      [{ status: 'success' }, 'success'],
      [{ status: '2025-12-01T10:00:00' }, 'uncertain'],
      [{ status: 'in_progress', account: '' }, 'skipped'],
      [{ status: 'pending', account: null }, 'pending'],
    ];
    const { jobs, report } = parse(cases.map(([fields], n) => row({ id: `row ${n}`, ...fields })));
    expect(jobs.map(({ status }) => status)).toEqual(cases.map(([, status]) => status));
    expect(report.statuses).toEqual({ pending: 2, uncertain: 6, retrying: 1, failed: 1, success: 1, skipped: 1 });
    expect(report.remarks.map(({ row: at }) => at)).toEqual([2, 3, 4, 6, 7, 10, 11, 11]);
  });

  it('keeps captions whole, rewrites paths, and reads naive times in the given zone', () => {
    const [job] = parse([row({ status: 'success', completed_at: '2026-01-05T09:30:00.123456', unknown_key: 1 })]).jobs;
    expect(job).toMatchObject({
      videoPath: '/mnt/videos/chunk_01/DA1.mp4',
      caption: ' two\nlines, emoji 🎬 ',
      committedMs: Date.UTC(2026, 0, 5, 8, 30, 0, 123),
      postKey: 'alice:file:da1:0',
    });
    expect(parse([row({ video_path: 'C:\\videos2\\a.mp4' })]).jobs[0]?.videoPath).toBe('C:\\videos2\\a.mp4');
  });

  it('leaves out what is no row, and says so; two rows of one id are two jobs', () => {
    const { jobs, report } = parse(
      ['text', null, {}, row({}), row({ account: 'bob' })],
      [{ name: 'alice', cooldown_until: '2026-01-05T14:00:00', consecutive_failures: 'x' }, 7],
    );
    expect(jobs.map(({ id }) => id)).toEqual(['DA1', 'DA1-2']);
    expect(report.left).toBe(3);
    expect(parse([], [{ name: 'alice', cooldown_until: '2026-01-05T14:00:00', consecutive_failures: 'x' }, 7]).accounts).toEqual([
      { name: 'alice', cooldownUntilMs: NOON + HOUR, consecutiveFailures: 0 },
    ]);
  });

  it('refuses what is no state file', () => {
    expect(() => parseState('{"jobs": [', OPTIONS)).toThrow(expect.objectContaining({ code: 'BAD_IMPORT' }));
    expect(() => parseState('[]', OPTIONS)).toThrow(expect.objectContaining({ code: 'BAD_IMPORT' }));
    expect(parseState(`\uFEFF${JSON.stringify({ jobs: [] })}`, OPTIONS).jobs).toEqual([]);
  });

  it('guards what it imports: by the bytes where the file is there, else by account and file stem', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice'], { postsPerDay: 9 });
    const { jobs } = parse([
      row({ id: 'there', video_path: '/v/there.mp4', status: 'success' }),
      row({ id: 'gone', video_path: '/v/gone.mp4', status: 'success' }),
    ]);
    const filled = await withBytes(jobs, async (path) => (path === '/v/there.mp4' ? sha(1) : null));
    await subject.store.importJobs(filled, 'import');
    const report = await subject.add([
      { id: 'renamed', sha256: sha(1), account: 'alice' },
      { id: 'same stem', videoPath: '/elsewhere/gone.mp4', sha256: sha(2), account: 'alice' },
      { id: 'other', sha256: sha(3), account: 'alice' },
    ]);
    expect(report).toEqual({
      added: ['other'],
      known: [
        { id: 'renamed', knownAs: 'there' },
        { id: 'same stem', knownAs: 'gone' },
      ],
    });
  });
});

describe('our own snapshot', () => {
  it('comes back whole, with claims and doubts as uncertain', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'snapshot-'));
    const path = join(folder, 'scheduler_state.json');
    const subject = await Subject.open(make);
    await subject.accounts(['alice', 'bob', 'carol', 'dave'], { postsPerDay: 9 });
    await subject.add([
      { id: 'done', account: 'alice', caption: ' 日本\n' },
      { id: 'doubt', account: 'bob' },
      { id: 'held', account: 'carol' },
      { id: 'on its way', account: 'dave' },
    ]);
    await subject.add([{ id: 'open', publishAtMs: NOON + HOUR }], ['alice', 'bob']);
    await subject.publish(await subject.claimed());
    await subject.report(await subject.claimed(), { type: 'doubt', failure: ADB_TIMEOUT });
    await subject.claimed();
    await subject.report(await subject.claimed(), { type: 'commit' });
    const config = { delayBetweenPostsMs: 10_000, defaults: { postsPerDay: 1, retry: DEFAULT_RETRY } };
    await writeSnapshot({ store: subject.store, path, clock: subject.clock, config });

    const text = await readFile(path, 'utf8');
    await rm(folder, { recursive: true, force: true });
    const state = JSON.parse(text);
    expect(state).toMatchObject({
      written_by: 'posting-scheduler',
      settings: { max_retries: 3, delay_between_posts: 10, retry_delay_minutes: 0.25 },
    });
    expect(state.jobs.map((job: { status: string }) => job.status)).toEqual([
      'success',
      'uncertain',
      'in_progress',
      'committing',
      'pending',
    ]);
    expect(text).not.toContain('token-');

    const { own, jobs } = parseState(text, OPTIONS);
    expect(own).toBe(true);
    const next = await Subject.open(make);
    await next.accounts(['alice', 'bob', 'carol', 'dave'], { postsPerDay: 9 });
    await next.store.importJobs(jobs, 'import');
    expect((await next.store.jobs({})).map(({ id, status }) => [id, status])).toEqual([
      ['done', 'success'],
      ['doubt', 'uncertain'],
      ['held', 'uncertain'],
      ['on its way', 'uncertain'],
      ['open', 'pending'],
    ]);
    const blind = { epoch: 0 };
    expect({ ...(await next.store.job('done')), ...blind }).toEqual({ ...(await subject.store.job('done')), ...blind, device: null });
    expect(await next.store.job('open')).toEqual(await subject.store.job('open'));
    expect((await next.add([{ id: 'done again', sha256: (await subject.store.job('done'))?.sha256 ?? '' }])).added).toEqual([]);
  });

  it("keeps a job's own retry policy, but none that would stop every claim of it", () => {
    const row = (id: string, retry: unknown) => ({ whole: { id, status: 'pending', videoPath: `/v/${id}.mp4`, retry } });
    const policies = [null, 5, { max_attempts: 2, never: ['port_busy'] }, { max_attempts: 'many' }];
    const state = { written_by: 'posting-scheduler', jobs: policies.map((retry, index) => row(`job ${index}`, retry)) };
    const { jobs, report } = parseState(JSON.stringify(state), OPTIONS);
    expect(jobs.map(({ retry }) => retry)).toEqual([...policies.slice(0, 3), null]);
    expect(report.remarks).toEqual([{ row: 4, what: 'its retry policy has no max_attempts of this kind; the settings decide' }]);
  });
});
