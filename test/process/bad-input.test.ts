/**
 * Guards promise 7, says what it does: bad input gets one message and exit code
 * 2 and changes nothing; a look creates nothing and never waits for a writer;
 * what runs takes orders beside a scheduler.yaml that is broken.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { openStage, type Stage } from './stage.ts';
import { newWorld, ROOT, sha256, videoBytes, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await newWorld();
});

const cases: readonly (readonly [what: string, flags: (world: World) => readonly string[], message: RegExp])[] = [
  ['a missing folder', () => ['--add-folder', 'not-there', '--add-accounts', 'a'], /there is no folder .*not-there/],
  [
    'a file instead of a folder',
    ({ folder }) => {
      writeFileSync(join(folder, 'clip.mp4'), '');
      return ['--add-folder', 'clip.mp4', '--add-accounts', 'a'];
    },
    /clip\.mp4 is a file/,
  ],
  [
    'an empty folder',
    ({ folder }) => {
      mkdirSync(join(folder, 'empty'));
      return ['--add-folder', 'empty', '--add-accounts', 'a'];
    },
    /empty holds no \.mp4 video/,
  ],
  [
    'an account that is not there',
    (w) => ['--add-folder', w.videos('v', ['one']), '--add-accounts', 'a', '--account', 'zoe'],
    /no account "zoe"/,
  ],
  [
    'a home below a file',
    ({ folder }) => {
      writeFileSync(join(folder, 'file'), '');
      return ['--home', join(folder, 'file', 'home'), '--add-accounts', 'a'];
    },
    /it cannot be read \(ENOTDIR\)/,
  ],
  ['a folder without any account', (w) => ['--add-folder', w.videos('v', ['one'])], /there is no account to post from/],
  ['an unknown flag', () => ['--add-acounts', 'a'], /--add-acounts.*--add-accounts/s],
  ['a value that is none', () => ['--run', '--workers', 'many'], /--workers/],
  ['flags that exclude each other', () => ['--run', '--stop'], /exclude each other/],
  ['a folder beside an order that stands alone', (w) => ['--add-folder', w.videos('v', ['one']), '--install-service'], /stands alone/],
  ['a verdict that is none', () => ['--settle', 'job-1', 'maybe'], /published, or .*absent/],
];

describe('bad input', () => {
  it.each(cases)('%s: one message, nothing created', async (_what, flags, message) => {
    const words = flags(world);
    const before = readdirSync(world.folder);
    const { code, stdout, stderr } = await world.cli(...words);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^scheduler: /);
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('');
    expect(code).toBe(words.length === 2 && words[0] === '--add-folder' && words[1]?.endsWith('/v') ? 1 : 2);
    expect(readdirSync(world.folder)).toEqual(before);
  });

  it.each([
    ['an unknown key', 'workers: 2\nacounts: [a]\n', /scheduler\.yaml:2:1: acounts .*did you mean "accounts"\?/],
    ['a wrong value', 'defaults:\n  posts_per_day: often\n', /scheduler\.yaml:2:3: defaults\.posts_per_day must be/],
    ['no YAML', 'workers: [1, 2\nretry: 3\n', /scheduler\.yaml:\d+:\d+: this is not valid YAML/],
  ])('a scheduler.yaml with %s: line and column, nothing created', async (_what, text, message) => {
    mkdirSync(world.home);
    writeFileSync(world.path('scheduler.yaml'), text);
    const { code, stdout, stderr } = await world.cli('--add-accounts', 'a', '--run');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(readdirSync(world.home)).toEqual(['scheduler.yaml']);
  });

  it.each([
    ['an app without a flow', 'defaults: {app: dmo}\n', /scheduler\.yaml: there is no flow for app "dmo" \(there is one for demo\)/],
    [
      'a phone that is nowhere',
      'defaults: {app: demo}\naccounts: [{name: a, device: phne-1}]\ndevices: {usb: false, network: [{name: phone-1, address: "192.0.2.7:5555"}]}\n',
      /scheduler\.yaml: the phone "phne-1" of a is not among its devices \(it names phone-1, and phones on USB are switched off\)/,
    ],
    [
      'an address that is none',
      'devices: {network: ["192.0.2.7:99999"]}\n',
      /devices\.network\[1\] must be host:port \(a port is 1 to 65535\)/,
    ],
  ])('a scheduler.yaml with %s: said before anything is added', async (_what, text, message) => {
    mkdirSync(world.home);
    writeFileSync(world.path('scheduler.yaml'), text);
    const { code, stdout, stderr } = await world.cli('--add-accounts', 'a', '--add-folder', world.videos('v', ['one']));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(readdirSync(world.home)).toEqual(['scheduler.yaml']);
  });

  it('an app that nobody chose and that has no flow: a warning, and the videos wait', async () => {
    const { code, stdout } = await world.cli('--add-accounts', 'a', '--add-folder', world.videos('v', ['one']));
    expect(stdout).toMatch(/^WARNING: there is no flow for app "instagram" .*; until then nothing is posted\.\n/);
    expect(code).toBe(0);
  });

  it('nothing but a truncated video: one message, and neither a job nor an account', async () => {
    mkdirSync(join(world.folder, 'cut'));
    writeFileSync(join(world.folder, 'cut', 'short.mp4'), videoBytes('').subarray(0, 1_000));
    const { code, stderr } = await world.cli('--add-folder', 'cut', '--add-accounts', 'a', '--run');
    expect(stderr).toMatch(/^scheduler: nothing of cut can be queued \(short\.mp4: .+\)\n/);
    expect(code).toBe(2);
    expect(await world.status()).toMatchObject({ jobs: { total: 0 }, accounts: [], lock: { state: 'none' } });
  });

  it('one bad video among good ones: it alone is not queued, and is named', async () => {
    const folder = world.videos('mixed', ['one', 'two']);
    writeFileSync(join(folder, 'bad.mp4'), 'no video at all');
    writeFileSync(join(folder, 'captions.csv'), 'filename,caption\ngone.mp4,x\n');
    const { code, stdout } = await world.cli('--add-folder', folder, '--add-accounts', 'a');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Not queued: bad\.mp4: /);
    expect(stdout).toMatch(/Not queued: captions\.csv:2: /);
    expect(stdout).toContain('Queued 2 of 3 videos');
  });

  it('an order where nothing ever was creates nothing', async () => {
    expect(await world.cli('--retry', 'all')).toMatchObject({ code: 2, stdout: '' });
    expect(await world.cli('--stop')).toMatchObject({ stdout: '' });
    expect(existsSync(world.home)).toBe(false);
  });
});

describe('--status', () => {
  it('in a home that does not exist answers, and creates nothing', async () => {
    const status = await world.status();
    expect(status).toMatchObject({ running: false, lock: { state: 'none', pid: null }, jobs: { total: 0 }, accounts: [] });
    expect((await world.cli('--status')).stdout).toContain('NOT RUNNING');
    expect(existsSync(world.home)).toBe(false);
  });

  it('answers beside a scheduler.yaml that is wrong, and says so after it', async () => {
    await world.cli('--add-accounts', 'a');
    writeFileSync(world.path('scheduler.yaml'), 'workers: many\n');
    const { code, stdout, stderr } = await world.cli('--status');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^NOT RUNNING/);
    expect(stdout).toMatch(/\nWARNING: scheduler\.yaml:1:1: workers must be a number\n.* what runs goes on, and takes orders\.\n$/);
    expect(JSON.parse((await world.cli('--status', '--json')).stdout)).toMatchObject({ running: false });
  });

  it.each([[['--status']], [['--retry', 'all']], [['--check']], [['--doctor']], [['--logs', '--job', 'one']], [['--backup', 'copy']]])(
    'with a store that is none: one sentence, nothing created: %j',
    async (flags) => {
      await world.cli('--add-accounts', 'a');
      const before = readdirSync(world.home);
      for (const [store, what] of [
        [world.home, 'home is a folder; the store must be a file in it'],
        [world.path('gone.db'), 'there is no database .*gone\\.db; name the right one by --store'],
      ] as const) {
        const { code, stdout, stderr } = await world.cli(...flags, '--store', store);
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toMatch(new RegExp(`^scheduler: .*${what}\n`));
      }
      expect(readdirSync(world.home)).toEqual(before);
      expect(existsSync(join(world.folder, 'copy'))).toBe(false);
    },
  );

  it('answers while the daemon writes, and sees what it holds', async () => {
    const stage: Stage = await openStage();
    onTestFinished(() => stage.close());
    world.configure(stage.url);
    stage.hold('committed');
    const names = Array.from({ length: 12 }, (_, index) => `video-${index}`);
    const daemon = await world.daemon('--add-folder', world.videos('chunk', names), '--add-accounts', 'alice');
    await stage.visit('committed');
    expect(await world.status()).toMatchObject({ running: true, lock: { pid: daemon.pid }, jobs: { committing: 1, total: 12 } });
    stage.open('committed');
    let looks = 0;
    let published = 0;
    while (published < 12) {
      const { jobs } = await world.status();
      expect(Object.values(jobs).reduce((sum, count) => sum + count, 0)).toBe(24);
      published = jobs.success ?? 0;
      looks += 1;
    }
    expect(looks).toBeGreaterThan(0);
    daemon.signal('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(world.posts()).toHaveLength(12);
  });

  it.each([['--status'], ['--status', '--json'], ['--status', '--watch']])(
    'is quiet when its reader goes away: %s %s',
    async (...flags) => {
      const program = join(ROOT, 'bin', 'scheduler.js');
      const script = 'set -o pipefail; "$0" "$@" | head -1; echo "code $?"';
      const words = [process.execPath, program, '--home', world.home, ...flags];
      const child = spawn('bash', ['-c', script, ...words], { env: world.env, stdio: ['ignore', 'pipe', 'pipe'] });
      if (flags.includes('--watch')) {
        // Nothing changes in an empty home, so the second page, which finds the pipe closed, needs a change.
        child.stdout.once('data', () => void world.cli('--add-accounts', 'a', '--add-folder', world.videos('v', ['one'])));
      }
      const { stdout, stderr } = await world.finish(child);
      expect(stderr).toBe('');
      expect(stdout).toMatch(/\ncode 0\n$/);
    },
  );
});

describe('beside a scheduler.yaml that was broken while it runs', () => {
  it('every order reaches it, with a warning that says where; what would read the file is refused', async () => {
    const stage: Stage = await openStage();
    onTestFinished(() => stage.close());
    world.configure(stage.url);
    const later = ['--account', 'alice', '--at', '2090-01-01 12:00'];
    const daemon = await world.daemon('--add-accounts', 'alice', '--add-folder', world.videos('v', ['one']), ...later);
    const job = `one-${sha256(videoBytes('v/one')).slice(0, 8)}`;
    writeFileSync(world.path('scheduler.yaml'), 'workers: many\n');
    const warning = /\nWARNING: scheduler\.yaml:1:1: workers must be a number\n {2}Until that is corrected .*\n$/;
    for (const order of [['--pause'], ['--release', 'alice'], ['--edit', job, '--caption', 'better']]) {
      const { code, stdout, stderr } = await world.cli(...order);
      expect({ order, code, stderr }).toEqual({ order, code: 0, stderr: '' });
      expect(stdout).toMatch(warning);
    }
    expect(await world.cli('--retry', 'nine')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('there is no job "nine"'),
    });
    const goesByTheFile =
      /^scheduler: scheduler\.yaml:1:1: workers must be a number\n {2}Correct the file, .* added, .* exported or started goes by it\.\n$/;
    for (const order of [
      ['--add-accounts', 'bob'],
      ['--export', 'x.csv'],
      ['--edit', job, '--at', '2091-01-01 12:00'],
    ])
      expect(await world.cli(...order)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(goesByTheFile) });
    expect(readdirSync(world.folder)).not.toContain('x.csv');
    const stopped = await world.cli('--stop');
    expect(stopped).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Stopping\.\nStopped\.\n/) });
    expect(stopped.stdout).toMatch(warning);
    expect((await daemon.ended).code).toBe(0);
    expect(JSON.stringify(world.jobs())).toContain('"caption":"better"');
    const without = await world.cli('--retry', 'all');
    expect(without).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^scheduler: scheduler\.yaml:1:1: /) });
  });
});
