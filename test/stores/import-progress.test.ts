/** Old records publish nothing again (promise 1) and lose nothing without saying so (promise 2): progress files of every shape, and lists of posts. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { attemptLimit, DEFAULT_RETRY, policyFor } from '../../src/domain/retry.ts';
import { csvLine, parseCsv } from '../../src/runtime/csv-text.ts';
import { isLedger, parseLedger, parseProgress } from '../../src/stores/import-progress.ts';
import { CSV_COLUMNS } from '../../src/stores/progress-csv.ts';
import { StateFiles, writeState } from '../../src/stores/state-files.ts';
import { failure } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { MemoryStore } from './memory-store.ts';
import { HOUR, NOON, POLICY, Subject, sha } from './subject.ts';

const OPTIONS = {
  file: 'parallel_progress.csv',
  timezone: 'Europe/Berlin',
  map: [{ from: 'C:\\videos', to: '/mnt/videos' }],
  now: NOON,
};
const FIRST_VERSION = 'job_id,account,video_path,caption,status,worker_id,claimed_at,completed_at,error';
const SEED_000 = `${FIRST_VERSION},attempts,max_attempts,last_attempt,error_type`;
const SEED_002 = `${FIRST_VERSION},attempts,max_attempts,retry_at,error_type,error_category,pass_number`;
const CONFIG = { delayBetweenPostsMs: 10_000, defaults: { postsPerDay: 1, retry: DEFAULT_RETRY } };

const parse = (header: string, ...rows: readonly string[]) => parseProgress(`${[header, ...rows].join('\r\n')}\r\n`, OPTIONS);
const states = (header: string, ...rows: readonly string[]) => parse(header, ...rows).jobs.map(({ id, status }) => [id, status]);
const make = async (clock: Subject['clock']) => new MemoryStore({ clock, random: new FakeRandom(0.5) });

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'progress-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function home(path = folder()) {
  const subject = await Subject.open(make);
  const config = { ...CONFIG, home: path, timezone: 'Europe/Berlin' };
  const files = new StateFiles({ store: subject.store, clock: subject.clock, config, policyOf: () => ({ ...POLICY, postsPerDay: 9 }) });
  const take = (name: string, text: string | Uint8Array) => {
    writeFileSync(join(path, name), text);
    return files.importFile({ file: join(path, name), timezone: null, map: [] });
  };
  return { subject, files, path, take };
}

describe('parallel_progress.csv', () => {
  it.each([
    [FIRST_VERSION, 'j1,alice,/v/a.mp4,caption,pending,,,,'],
    [SEED_000, 'j1,alice,/v/a.mp4,caption,pending,,,,,0,3,,'],
    [SEED_002, 'j1,alice,/v/a.mp4,caption,pending,,,,,,3,,'],
    [`${SEED_002},run_id,video_id,platform,unheard_of`, 'j1,alice,/v/a.mp4,caption,pending,,,,,0,3,,,,1,r,v,instagram,x'],
    ['status,job_id,account,video_path,caption', 'pending,j1,alice,/v/a.mp4,caption'],
  ])('is read whatever columns it has: %s', (header, row) => {
    const { jobs, accounts, report } = parse(header, row);
    expect(jobs).toMatchObject([{ id: 'j1', account: 'alice', videoPath: '/v/a.mp4', caption: 'caption', status: 'pending', attempts: 0 }]);
    expect(accounts.map(({ name }) => name)).toEqual(['alice']);
    expect(report).toMatchObject({ left: 0, remarks: [] });
  });

  it('gives each row the state that can publish nothing twice', () => {
    const row = (id: string, status: string, error = '', type = '') =>
      `${id},alice,/v/${id}.mp4,c,${status},1,,,"${error}",1,3,,${type},,1`;
    const given: readonly (readonly [string, string, string, string, string])[] = [
      ['a', 'pending', '', '', 'pending'],
      ['b', 'claimed', '', '', 'uncertain'],
      ['c', 'in_progress', '', '', 'uncertain'],
      ['d', 'verification_pending', '', '', 'uncertain'],
      ['e', 'retrying', 'Device never appeared in ADB devices list', 'adb_timeout', 'retrying'],
      ['f', 'retrying', 'Post returned False', 'claude_stuck', 'uncertain'],
      ['g', 'retrying', '', 'claude_stuck', 'uncertain'],
      ['h', 'failed', 'Max steps reached. Share clicked: True', '', 'uncertain'],
      ['i', 'failed', 'Account suspended', 'suspended', 'failed'],
      ['j', 'SUCCESS', '', '', 'success'],
      ['k', 'skipped', '', '', 'skipped'],
    ];
    const read = states(SEED_002, ...given.map(([id, status, error, type]) => row(id, status, error, type)));
    expect(read).toEqual(given.map(([id, , , , state]) => [id, state]));
  });

  it('doubts an error that was cut off at 500 characters, unless it begins with the platform’s no, and believes our own exports', () => {
    const cut = (start: string, length = 500) => start.padEnd(length, 'x');
    const row = (id: string, error: string) => `${id},alice,/v/${id}.mp4,c,retrying,1,,,${error},1,3,,,,1`;
    const rows = [row('cut', cut('Max steps reached')), row('whole', cut('Max steps reached', 499)), row('no', cut('suspended: '))];
    expect(states(SEED_002, ...rows).map(([, status]) => status)).toEqual(['uncertain', 'retrying', 'retrying']);
    expect(states(`${SEED_002},run_id,video_id,deferrals`, `${row('own', cut('Max steps reached'))},r,v,0`)).toEqual([['own', 'retrying']]);
  });

  it('puts shifted rows back by their status, believes only a success, and says so row by row', () => {
    const { jobs, report } = parse(
      SEED_002,
      'a,alice,/v/a.mp4,one,two,success,1,,,',
      'b,alice,/v/b.mp4,one,two,pending,1,,,',
      'c,alice,/v/c.mp4,caption,2026-01-05T10:00:00,pending,success',
      'd,alice,/v/d.mp4,caption,adb_timeout,1',
      'extra,e,alice,/v/e.mp4,caption,success,1,,,',
      'torn,row',
      ',,,,pending',
    );
    expect(jobs.map(({ id, account, status }) => [id, account, status])).toEqual([
      ['a', 'alice', 'success'],
      ['b', 'alice', 'uncertain'],
      ['c', 'alice', 'uncertain'],
      ['d', 'alice', 'uncertain'],
      ['e', 'alice', 'success'],
    ]);
    expect(report.left).toBe(2);
    expect(report.remarks.map(({ row }) => row)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(report.remarks[1]?.what).toBe('its values are shifted by 1; it said pending and is taken for uncertain');
  });

  it('goes on after a quote that is never closed', () => {
    expect(states(FIRST_VERSION, 'a,alice,/v/a.mp4,"torn,pending,,,,', 'b,alice,/v/b.mp4,fine,pending,,,,')).toEqual([
      ['a', 'pending'],
      ['b', 'pending'],
    ]);
  });

  it('keeps what was known of each try, maps paths, and reads naive times in the given zone', () => {
    const [job] = parse(
      SEED_002,
      'j1,@alice,C:\\videos\\x\\a.mp4,"two\nlines, ""quoted"" 🎬",retrying,2,2026-01-05T12:50:00,,adb did not answer,2,5,2026-01-05T14:30:00,adb_timeout,infrastructure,2',
    ).jobs;
    expect(job).toMatchObject({
      account: 'alice',
      videoPath: '/mnt/videos/x/a.mp4',
      caption: 'two\nlines, "quoted" 🎬',
      status: 'retrying',
      attempts: 2,
      maxAttempts: 5,
      passNumber: 2,
      claimedMs: NOON - 600_000,
      dueMs: NOON + 1.5 * HOUR,
      failure: { category: 'infrastructure', type: 'adb_timeout', message: 'adb did not answer' },
    });
  });

  it('refuses what is no progress file', () => {
    expect(() => parse('filename,caption', 'a,b')).toThrow(expect.objectContaining({ code: 'BAD_IMPORT' }));
    expect(() => parseProgress('', OPTIONS)).toThrow(expect.objectContaining({ code: 'BAD_IMPORT' }));
  });

  it('never throws and never makes a claimable job of a row whose words say that it was posted, whatever the row holds', () => {
    const word = fc.oneof(
      fc.constantFrom('success', 'pending', 'alice', '2026-01-05T10:00:00', '"', '', '|', 'Post returned False'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(fc.array(word, { maxLength: 20 }), { maxLength: 8 }), (rows) => {
        const { jobs } = parse(SEED_002, ...rows.map((row) => row.join(',')));
        for (const job of jobs) {
          const open = job.status === 'pending' || job.status === 'retrying';
          expect(
            open && (job.failure?.message ?? '').includes('Post returned False') && job.attempts > 0 && job.status === 'retrying',
          ).toBe(false);
        }
      }),
    );
  });
});

describe('the list of posts', () => {
  const TEXT = 'alice|DA1.mp4|2026-01-05T10:00:00\n\n# old\nbob|DA1.mp4|when?\nno line of it\n@carol|x y.mp4|2026-01-04 09:00\n';

  it('guards each post by account and file stem, and says what it could not read', () => {
    expect(isLedger(TEXT)).toBe(true);
    expect(isLedger(`${FIRST_VERSION}\n`)).toBe(false);
    const { jobs, report } = parseLedger(TEXT, OPTIONS);
    expect(jobs.map(({ account, postKey, status, committedMs }) => [account, postKey, status, committedMs])).toEqual([
      ['alice', 'alice:file:da1:0', 'success', NOON - 3 * HOUR],
      ['bob', 'bob:file:da1:0', 'success', NOON],
      ['carol', 'carol:file:x y:0', 'success', NOON - 28 * HOUR],
    ]);
    expect(report.remarks.map(({ row }) => row)).toEqual([4, 5]);
    expect(report.left).toBe(1);
    expect(() => parseLedger('a\nb\n', OPTIONS)).toThrow(expect.objectContaining({ code: 'BAD_IMPORT' }));
  });

  it('keeps the same file from going out again', async () => {
    const { subject, take } = await home();
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await take('posted.txt', TEXT);
    expect(await subject.add([{ id: 'again', videoPath: '/v/da1.MP4', account: 'alice' }])).toMatchObject({ added: [] });
    expect((await subject.add([{ id: 'other', account: 'alice' }])).added).toEqual(['other']);
  });
});

describe('--import and --export of a CSV', () => {
  it('writes exactly the fixed header, cuts errors, and leaves an unknown last_attempt empty', async () => {
    const { subject, files, path } = await home();
    await subject.accounts(['alice', 'bob'], { postsPerDay: 9 });
    await subject.add([{ id: 'new', account: 'bob', caption: ' "a", b\n日本 ' }]);
    await subject.add([{ id: 'broken', account: 'alice' }]);
    await subject
      .claimed({ accounts: ['alice'], worker: 'worker 7', passNumber: 2 })
      .then((job) => subject.report(job, { type: 'fail', failure: failure({ message: `${'é🎬'.repeat(600)}` }), retryAtMs: NOON + HOUR }));
    await files.write(join(path, 'out.csv'));
    const text = readFileSync(join(path, 'out.csv'), 'utf8');
    expect(text.split('\n')[0]).toBe(
      'job_id,account,video_path,caption,status,worker_id,claimed_at,completed_at,error,attempts,max_attempts,last_attempt,retry_at,error_type,error_category,pass_number,run_id,video_id,deferrals,retry',
    );
    const [, first, second] = parseCsv(text).map(({ values }) => Object.fromEntries(CSV_COLUMNS.map((name, n) => [name, values[n]])));
    expect(first).toMatchObject({
      job_id: 'new',
      caption: ' "a", b\n日本 ',
      status: 'pending',
      attempts: '0',
      last_attempt: '',
      error: '',
    });
    expect(second).toMatchObject({
      status: 'retrying',
      worker_id: '7',
      attempts: '1',
      max_attempts: '3',
      pass_number: '2',
      error_type: 'adb_timeout',
      error_category: 'infrastructure',
      retry_at: new Date(NOON + HOUR).toISOString(),
    });
    expect(Array.from(second?.error ?? '')).toHaveLength(500);
  });

  it('comes back as it went out, in another home without the files', async () => {
    const from = await home();
    await from.subject.accounts(['alice', 'bob', 'carol', 'dave'], { postsPerDay: 9 });
    await from.subject.add(['alice', 'bob', 'carol', 'dave'].map((account, n) => ({ id: `j${n}`, account, caption: `"${n}",\n` })));
    await from.subject.publish(await from.subject.claimed({ accounts: ['alice'] }));
    const doubtful = await from.subject.claimed({ accounts: ['bob'] });
    await from.subject.report(doubtful, { type: 'doubt', failure: failure() });
    await from.subject.claimed({ accounts: ['carol'] });
    await writeState({ store: from.subject.store, clock: from.subject.clock, config: CONFIG, path: join(from.path, 'out.csv') });

    const to = await home();
    const report = await to.take('in.csv', readFileSync(join(from.path, 'out.csv')));
    expect(report[0]).toContain('Imported 4 of 4 jobs and 1 accounts from in.csv (1 success, 2 uncertain, 1 pending)');
    const jobs = await to.subject.store.jobs({});
    expect(jobs.map(({ id, status, caption, sha256 }) => [id, status, caption, sha256])).toEqual([
      ['j0', 'success', '"0",\n', (await from.subject.store.job('j0'))?.sha256],
      ['j1', 'uncertain', '"1",\n', (await from.subject.store.job('j1'))?.sha256],
      ['j2', 'uncertain', '"2",\n', (await from.subject.store.job('j2'))?.sha256],
      ['j3', 'pending', '"3",\n', (await from.subject.store.job('j3'))?.sha256],
    ]);
    // The same file again changes nothing.
    await to.take('in.csv', readFileSync(join(from.path, 'out.csv')));
    expect(await to.subject.store.jobs({})).toHaveLength(4);
    await to.subject.accounts(['alice'], { postsPerDay: 9 });
    expect((await to.subject.add([{ id: 'again', sha256: jobs[0]?.sha256 ?? sha(9), account: 'alice' }])).added).toEqual([]);
  });

  it('brings back what a job says of its own tries, and leaves the rest to the settings in force', async () => {
    const from = await home();
    await from.subject.accounts(['alice', 'bob', 'carol', 'dave'], { retry: { ...DEFAULT_RETRY, maxAttempts: 7 } });
    const retry = { initial_delay: '2s', stop_when: "{{ type == 'captcha' or error == 'a, \"b\"' }}" };
    await from.subject.add([
      { id: 'settings', account: 'alice' },
      { id: 'number', account: 'bob', maxAttempts: 2 },
      { id: 'both', account: 'carol', maxAttempts: 4, retry },
      { id: 'once', account: 'dave', retry: false },
    ]);
    await from.files.write(join(from.path, 'out.csv'));
    const written = readFileSync(join(from.path, 'out.csv'), 'utf8');
    const [head, ...rows] = parseCsv(written).map(({ values }) => values);
    const columns = ['max_attempts', 'retry'].map((name) => head?.indexOf(name) ?? -1);
    expect(rows.map((values) => columns.map((index) => values[index]))).toEqual([
      ['7', ''],
      ['2', '{"max_attempts":2}'],
      ['4', JSON.stringify({ ...retry, max_attempts: 4 })],
      ['1', 'false'],
    ]);

    const to = await home();
    await to.take('in.csv', written);
    const policies = (await to.subject.store.jobs({})).map((job) => [policyFor(job, DEFAULT_RETRY), attemptLimit(job, DEFAULT_RETRY)]);
    expect(policies).toMatchObject([
      [DEFAULT_RETRY, 3],
      [{ explicitMaxAttempts: true }, 2],
      [{ initialDelayMs: 2_000, stopWhen: retry.stop_when, explicitMaxAttempts: true }, 4],
      [{ explicitMaxAttempts: true }, 1],
    ]);
    await to.files.write(join(to.path, 'out.csv'));
    const column = (text: string) => parseCsv(text).map(({ values }) => values[columns[1] ?? -1]);
    expect(column(readFileSync(join(to.path, 'out.csv'), 'utf8'))).toEqual(column(written));
  });

  it.each(['{max_atempts: 3}', '[3]', '{stop_when: "{{ eror }}"}', '0', '{a: '])(
    'names the row whose retry policy is %s',
    async (retry) => {
      const { subject, take } = await home();
      const said = await take('in.csv', csvLine(['job_id', 'account', 'status', 'retry']) + csvLine(['j1', 'alice', 'pending', retry]));
      expect(said[1]).toMatch(/^ {2}row 1: its retry policy .+; the settings decide$/);
      expect(await subject.store.job('j1')).toMatchObject({ status: 'pending', retry: null, maxAttempts: null });
    },
  );

  it('reads files of Windows that are not UTF-8', async () => {
    const { subject, take } = await home();
    await take('old.csv', Buffer.from(`${FIRST_VERSION}\nj1,alice,/v/a.mp4,gr\xfc\xdfe,pending,,,,\n`, 'latin1'));
    expect((await subject.store.job('j1'))?.caption).toBe('grüße');
  });
});

it('any values come back from a line of CSV', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 6 }), (values) => {
      fc.pre(values.some((value) => value !== ''));
      const text = csvLine(['a', 'b']) + csvLine(values);
      expect(parseCsv(text)[1]?.values).toEqual(values);
    }),
  );
});
