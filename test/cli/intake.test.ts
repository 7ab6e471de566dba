/** Guards promises 2 and 8: a video is queued as it was meant, or named with the reason why it is not; and one bad file keeps no other waiting. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addCommands, type Intake, type IntakeRequest, jobId, notesOf, repeatsOf, takeFolder } from '../../src/cli/intake.ts';
import { fileSha256, VideoChecker } from '../../src/cli/video-check.ts';
import { job } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures', 'videos');
const GOOD = readFileSync(join(FIXTURES, 'good.mp4'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'intake-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A good video of its own bytes: a `free` box behind the film changes nothing but the hash. */
function video(name: string, mark = name): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  const text = Buffer.from(mark);
  const box = Buffer.alloc(8);
  box.writeUInt32BE(8 + text.length);
  box.write('free', 4, 'latin1');
  writeFileSync(path, Buffer.concat([GOOD, box, text]));
}

function file(name: string, content: string): void {
  writeFileSync(join(folder, name), content);
}

function take(request: Partial<IntakeRequest> = {}): Promise<Intake> {
  return takeFolder(
    {
      folder,
      forAccounts: [],
      knownAccounts: ['alice', 'bob'],
      boundTo: null,
      at: null,
      maxAttempts: null,
      zoneOf: (account) => (account === 'alice' ? 'Asia/Tokyo' : 'Europe/Berlin'),
      repeatOf: null,
      ...request,
    },
    { clock: new VirtualClock(), random: new FakeRandom() },
  );
}

describe('takeFolder', () => {
  it('queues videos of the folder and its sub-folders, each by the hash of its bytes', async () => {
    for (const name of ['a 1.mp4', 'sub/deep/B.MP4', '.hidden.mp4', 'sub/._B.MP4']) video(name);
    file('notes.md', 'x');
    file('c.mov', 'x');
    const intake = await take();
    const { jobs, refused } = intake;
    expect(jobs.map(({ videoPath }) => videoPath)).toEqual([join(folder, 'a 1.mp4'), join(folder, 'sub/deep/B.MP4')]);
    for (const { videoPath, sha256, id } of jobs) {
      expect(sha256).toBe(createHash('sha256').update(readFileSync(videoPath)).digest('hex'));
      expect(id).toMatch(new RegExp(`^[a-z0-9-]+-${sha256?.slice(0, 8)}$`));
    }
    expect(refused).toEqual([]);
    expect(notesOf(intake, jobs).join('; ')).toContain('1 video of other kinds than .mp4 left alone');
  });

  it('follows links to videos, for folders that only point elsewhere', async () => {
    symlinkSync(join(FIXTURES, 'good.mp4'), join(folder, 'linked.mp4'));
    symlinkSync(join(folder, 'nowhere.mp4'), join(folder, 'dead.mp4'));
    expect((await take()).jobs).toHaveLength(1);
  });

  it('names every video that must not be queued, and queues the others', async () => {
    for (const name of ['good.mp4', 'truncated.mp4', 'truncated-tail.mp4', 'no-video-track.mp4', 'not-a-video.mp4']) {
      copyFileSync(join(FIXTURES, name), join(folder, name));
    }
    file('empty.mp4', '');
    const { jobs, refused } = await take();
    expect(jobs.map(({ videoPath }) => videoPath)).toEqual([join(folder, 'good.mp4')]);
    expect(Object.fromEntries(refused.map(({ what, why }) => [what, why]))).toEqual({
      'empty.mp4': 'it is empty',
      'no-video-track.mp4': 'it has no video track',
      'not-a-video.mp4': 'it is not a video',
      'truncated.mp4': expect.stringContaining('it is cut off'),
      'truncated-tail.mp4': expect.stringContaining('it is cut off'),
    });
  });

  it('joins captions by path, name or stem; a row beats the .txt beside the video', async () => {
    for (const name of ['one.mp4', 'two.mp4', 'sub/three.mp4', 'four.mp4', 'five.mp4']) video(name);
    file('four.txt', 'from the text file\nsecond line\n');
    file('one.txt', 'loses');
    file('c.csv', 'filename,caption\none.mp4,by name\nTWO,by stem\n"C:\\clips\\sub\\three.mp4",by a path from elsewhere\n');
    const intake = await take();
    const { jobs, refused } = intake;
    expect(refused).toEqual([]);
    expect(Object.fromEntries(jobs.map((one) => [one.id.split('-')[0], one.caption]))).toEqual({
      one: 'by name',
      two: 'by stem',
      three: 'by a path from elsewhere',
      four: 'from the text file\nsecond line',
      five: '',
    });
    expect(notesOf(intake, jobs).join('; ')).toContain('1 of 5 videos has no caption');
  });

  it('binds videos: --account, else the row, else the sub-folder named like an account', async () => {
    for (const name of ['free.mp4', 'alice/own.mp4', 'alice/lent.mp4', '@bob/handle.mp4', 'misc/x.mp4']) video(name);
    file('c.csv', 'filename,account\nlent.mp4,bob\n');
    const accounts = async (request: Partial<IntakeRequest>) =>
      Object.fromEntries((await take(request)).jobs.map(({ id, account }) => [id.split('-')[0], account]));
    expect(await accounts({})).toEqual({ free: null, own: 'alice', lent: 'bob', handle: 'bob', x: null });
    expect(new Set(Object.values(await accounts({ boundTo: 'alice' })))).toEqual(new Set(['alice']));
    await expect(take({ boundTo: 'nobody' })).rejects.toMatchObject({ code: 'UNKNOWN_ACCOUNT' });
  });

  it('refuses a time that is long past: a mistyped year must not lose a batch', async () => {
    video('a.mp4');
    await expect(take({ at: 'yesterday' })).rejects.toThrow('--at: "yesterday" is no time; write 2026-11-22 18:30');
    await expect(take({ at: '2020-01-01 10:00' })).rejects.toMatchObject({
      code: 'BAD_USAGE',
      message: expect.stringContaining('more than a day ago'),
    });
  });

  it("reads publish_at in the account's own zone, and never posts at once what could not be read", async () => {
    for (const name of ['a.mp4', 'b.mp4', 'c.mp4', 'd.mp4', 'e.mp4']) video(name);
    file(
      'c.csv',
      'filename,account,publish_at,priority\na,alice,2026-11-22 18:30,-2\nb,bob,2026-11-22T18:30,\nc,,2026-11-22T18:30:00Z,\nd,,tomorrow,\ne,,,high\n',
    );
    const { jobs, refused } = await take();
    expect(jobs.map(({ publishAtMs, priority }) => [publishAtMs, priority])).toEqual([
      [Date.parse('2026-11-22T09:30:00Z'), -2],
      [Date.parse('2026-11-22T17:30:00Z'), 0],
      [Date.parse('2026-11-22T18:30:00Z'), 0],
    ]);
    expect(refused.map(({ what, why }) => `${what}: ${why}`)).toEqual([
      expect.stringMatching(/^d\.mp4: "tomorrow" is no time; write .* \(c\.csv:5\)$/),
      expect.stringMatching(/^e\.mp4: the priority "high" is no whole number \(c\.csv:6\)$/),
    ]);
    expect((await take({ at: '2026-12-01T00:00:00Z' })).jobs[0]?.publishAtMs).toBe(Date.parse('2026-11-22T09:30:00Z'));
  });

  it('takes a retry policy of its own from a row, in every form, on top of --max-attempts; a wrong one keeps its video back', async () => {
    const forms = ['5', 'false', 'true', '{initial_delay: 2s, stop_when: "{{ attempt >= 2 }}"}', ''];
    const wrong = ['soon', '{stop_when: "{% if x %}"}', '{max_attempts: 0}', '{tries: 3}'];
    const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
    [...forms, ...wrong].forEach((_, index) => void video(`v${index}.mp4`));
    file('c.csv', ['filename,retry', ...[...forms, ...wrong].map((text, index) => `v${index},${cell(text)}`)].join('\n'));
    const tries = async (request: Partial<IntakeRequest>) =>
      (await take(request)).jobs.map(({ retry, maxAttempts }) => [retry ?? null, maxAttempts]);
    const stop_when = '{{ attempt >= 2 }}';
    expect(await tries({})).toEqual([
      [5, null],
      [false, null],
      [true, null],
      [{ initial_delay: '2s', stop_when }, null],
      [null, null],
    ]);
    expect(await tries({ maxAttempts: 9 })).toEqual([
      [{ max_attempts: 5 }, null],
      [{ max_attempts: 1 }, null],
      [{ max_attempts: 9 }, null],
      [{ max_attempts: 9, initial_delay: '2s', stop_when }, null],
      [null, 9],
    ]);
    expect((await take({})).refused.map(({ what, why }) => `${what}: ${why}`)).toEqual([
      expect.stringMatching(/^v5\.mp4: its retry policy must be true, false, a number .* \(c\.csv:7\)$/),
      expect.stringMatching(/^v6\.mp4: its retry policy holds a condition that must be one expression .* \(c\.csv:8\)$/),
      expect.stringMatching(/^v7\.mp4: its retry policy is wrong: max_attempts: 0 .* \(c\.csv:9\)$/),
      expect.stringMatching(/^v8\.mp4: its retry policy knows no "tries"; there are max_attempts, .* \(c\.csv:10\)$/),
    ]);
  });

  it("reads --at in the zone of the one account it can be for, else in the home's", async () => {
    video('a.mp4');
    const at = async (request: Partial<IntakeRequest>) => (await take({ at: '2026-12-01 12:00', ...request })).jobs[0]?.publishAtMs;
    expect(await at({ forAccounts: ['alice'] })).toBe(Date.parse('2026-12-01T03:00:00Z'));
    expect(await at({ boundTo: 'alice' })).toBe(Date.parse('2026-12-01T03:00:00Z'));
    expect(await at({ forAccounts: ['alice', 'bob'] })).toBe(Date.parse('2026-12-01T11:00:00Z'));
  });

  it('refuses rows that cannot be meant, with their line, and keeps their videos back', async () => {
    for (const name of ['a.mp4', 'x/twin.mp4', 'y/twin.mp4', 'comma.mp4', 'b.mp4']) video(name);
    file('c.csv', 'filename,caption,account\na,x,nobody\ntwin.mp4,x\ncomma,Hello, world, again\nb,1\nb,2\ngone.mp4,x\n');
    const { jobs, refused } = await take();
    expect(jobs).toEqual([]);
    expect(refused.map(({ what, why }) => `${what}: ${why}`)).toEqual([
      'c.csv:3: "twin.mp4" could be x/twin.mp4 or y/twin.mp4; write the path',
      'comma.mp4: it has 4 values where the header has 3; put a caption that contains commas in quotes (c.csv:4)',
      'c.csv:6: b.mp4 has a row already',
      'c.csv:7: there is no video "gone.mp4" in the folder',
      'a.mp4: there is no account "nobody"; add it by --add-accounts nobody, or correct the name (c.csv:2)',
    ]);
  });

  it.each([
    ['the video named last', 'caption,filename\nHello, world,one.mp4\nok,two.mp4\n', 'c.csv:2: it has 3 values where the header has 2'],
    ['no more values than columns', 'caption,filename,priority\nHello, world,one.mp4\nok,two.mp4,\n', 'there is no video "world"'],
    ['a slip in the name', 'filename,caption\nonee.mp4,Hello\ntwo.mp4,ok\n', 'c.csv:2: there is no video "onee.mp4"'],
  ])('keeps back a video whose caption may be in a row that fits none, and no other: %s', async (_what, rows, why) => {
    for (const name of ['one.mp4', 'two.mp4', 'three.mp4']) video(name);
    file('three.txt', 'from the text file');
    file('c.csv', rows);
    const { jobs, refused, found } = await take();
    expect(jobs.map(({ caption }) => caption)).toEqual(['from the text file', 'ok']);
    const lines = refused.map((one) => `${one.what}: ${one.why}`);
    expect(lines).toEqual([
      expect.stringContaining(why),
      "one.mp4: no row is for it, and c.csv:2 fits no video: correct that row, or put this one's caption into one.txt beside it",
    ]);
    expect(found).toBe(3);
  });

  it('queues videos without any caption beside rows that all fit, and beside the empty lines of a spreadsheet', async () => {
    for (const name of ['one.mp4', 'two.mp4']) video(name);
    file('c.csv', 'filename,caption\none.mp4,Hello\n,\n');
    const { jobs, refused } = await take();
    expect(refused).toEqual([]);
    expect(jobs.map(({ caption }) => caption)).toEqual(['Hello', '']);
  });

  it('offers to add only a name that can be one, and takes half of a caption for no account, whoever the videos are for', async () => {
    video('a.mp4');
    file('c.csv', 'filename,caption,account\na,Hello, my friends\n');
    const said =
      'a.mp4: "my friends" is no possible name of an account; correct it, and put a caption that contains commas in quotes (c.csv:2)';
    for (const boundTo of [null, 'alice']) {
      const { jobs, refused } = await take({ boundTo });
      expect({ jobs, refused: refused.map(({ what, why }) => `${what}: ${why}`) }).toEqual({ jobs: [], refused: [said] });
    }
  });

  it('takes two files of the same bytes as one post', async () => {
    video('a.mp4', 'same');
    video('b.mp4', 'same');
    const { jobs, refused } = await take();
    expect(jobs).toHaveLength(1);
    expect(refused).toEqual([{ what: 'b.mp4', why: 'it is the same video as a.mp4' }]);
  });

  it('says in one sentence what is wrong with the folder itself', async () => {
    await expect(take({ folder: join(folder, 'none') })).rejects.toThrow(`there is no folder ${join(folder, 'none')}`);
    await expect(take()).rejects.toThrow(`the folder ${folder} holds no .mp4 video`);
    video('a.mp4');
    await expect(take({ folder: join(folder, 'a.mp4') })).rejects.toThrow('is a file; --add-folder takes the folder it lies in');
    file('other.csv', 'name,size\na,1\n');
    await expect(take()).rejects.toThrow('has no column for the video');
  });

  it('tells how far it is', async () => {
    for (const name of ['a.mp4', 'b.mp4', 'c.mp4']) video(name);
    const seen: string[] = [];
    await take({ onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(['1/3', '2/3', '3/3']);
  });

  it('shares a batch among the accounts of the command, or says that all may have it', async () => {
    video('a.mp4');
    expect((await take({ forAccounts: ['bob'] })).batch).toMatchObject({ accounts: ['bob'], source: folder, id: '20260105-120000-id00' });
    const open = await take();
    expect(open.batch.accounts).toBeNull();
    expect(notesOf(open, open.jobs)).toContain('1 video may be published by any of the 2 accounts');
  });

  it('numbers an ordered repeat, so that it is a job of its own', async () => {
    video('a.mp4');
    const [first] = (await take()).jobs;
    const sha256 = first?.sha256 ?? '';
    const repeatOf = await repeatsOf({ jobs: async () => [job({ sha256, repeat: 1 }), job({ sha256 })] });
    const [again] = (await take({ repeatOf })).jobs;
    expect(again).toMatchObject({ repeat: 2, id: `${first?.id}-again-2` });
    expect(repeatOf('f'.repeat(64))).toBe(0);
  });
});

describe('addCommands', () => {
  it('cuts a large folder into commands of one transaction each, all of one batch, none lost', async () => {
    video('a.mp4');
    const intake = await take();
    const [one] = intake.jobs;
    const jobs = Array.from({ length: 10_000 }, (_, n) => ({
      ...(one as Intake['jobs'][number]),
      id: `job-${n}`,
      caption: 'x'.repeat(2_200),
    }));
    const commands = addCommands({ ...intake, jobs });
    expect(commands.flatMap((command) => command.jobs.map(({ id }) => id))).toEqual(jobs.map(({ id }) => id));
    expect(new Set(commands.map((command) => command.batch.id))).toEqual(new Set([intake.batch.id]));
    for (const command of commands) expect(JSON.stringify(command).length).toBeLessThan(1_500_000);
    expect(Math.max(...commands.map((command) => command.jobs.length))).toBeLessThanOrEqual(500);
  });
});

describe('jobId', () => {
  it.each([
    ['Grüße aus Köln!', 'grusse-aus-koln'],
    ['市場', 'video'],
    ['--x', 'x'],
    ['a'.repeat(80), 'a'.repeat(40)],
  ])('is safe to type: %s', (stem, slug) => {
    expect(jobId(stem, 'abcdef0123456789', 0)).toBe(`${slug}-abcdef01`);
  });
});

describe('VideoChecker', () => {
  it('says why a file cannot be opened, checks many at once, and closes', async () => {
    const checker = new VideoChecker();
    const results = await Promise.all([
      checker.check(join(folder, 'none.mp4')),
      checker.check(folder),
      ...Array.from({ length: 10 }, () => checker.check(join(FIXTURES, 'good.mp4'))),
    ]);
    expect(results).toEqual(['it cannot be opened (ENOENT)', expect.stringContaining('it cannot be read'), ...Array(10).fill(null)]);
    await checker.close();
    await expect(fileSha256(join(folder, 'none.mp4'))).rejects.toThrow('ENOENT');
  });
});
