/** Guards the command line of docs/operations.md: every flag means what it says, and a wrong one is refused in one sentence. */
import { describe, expect, it } from 'vitest';
import { type Options, parseArgv } from '../../src/cli/options.ts';
import { quickStatus } from '../../src/cli/quick-status.ts';
import { SchedulerError } from '../../src/errors.ts';

function parse(line: string): Options {
  return parseArgv(
    line.split(' ').filter((word) => word !== ''),
    '1.2.3',
  );
}

function complaint(...argv: string[]): string {
  try {
    parseArgv(argv, '1.2.3');
  } catch (error) {
    if (error instanceof SchedulerError && error.code === 'BAD_USAGE') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('parseArgv', () => {
  it('reads the whole first day in one line', () => {
    const options = parse('--add-folder chunk --add-accounts a,b --run');
    expect(options).toMatchObject({ add: { folders: ['chunk'], accounts: ['a', 'b'] }, run: 'daemon', show: null, act: [] });
  });

  it.each(['--add-accounts a,b,c', '--add-accounts a b c', '--add-accounts a --add-accounts b,c', '--add-accounts @a, b c'])(
    'takes accounts with commas, spaces, repeated, or as handles: %s',
    (line) => {
      expect(parse(`${line} --run`)).toMatchObject({ add: { accounts: ['a', 'b', 'c'] }, run: 'daemon' });
    },
  );

  it('reads what --add-folder is to do with its videos', () => {
    const options = parse('--add-folder x --add-folder y --account @bob --at 2026-11-22T18:30 --again --max-attempts 2 --seed-only');
    expect(options.add).toEqual({ folders: ['x', 'y'], accounts: [], boundTo: 'bob', at: '2026-11-22T18:30', again: true, maxAttempts: 2 });
    expect(options.run).toBeNull();
  });

  it.each([
    ['--run', 'daemon'],
    ['--run --drain', 'drain'],
    ['--drain', 'drain'],
    ['--run --max-passes 2', 'drain'],
    ['--run --max-passes 2 --daemon', 'daemon'],
    ['--max-passes 2 --status', null],
    ['--status', null],
  ])('%s runs as %s', (line, run) => {
    expect(parse(line).run).toBe(run);
  });

  it("takes the seeds' retry flags, seconds being plain numbers", () => {
    const options = parse(
      '--run --workers 1 --max-passes 5 --retry-delay 60 --infra-retry-limit 0 --accounts a,b --store other.db --status',
    );
    expect(options.overrides).toEqual({ workers: 1, maxPasses: 5, retryDelayMs: 60_000, infraRetryLimit: 0, store: 'other.db' });
    expect(options).toMatchObject({ run: 'drain', onlyAccounts: ['a', 'b'], show: 'status' });
    expect(parse('--retry-delay 0.1s').overrides).toEqual({ retryDelayMs: 100 });
  });

  it('gives orders as commands, those that end the daemon last', () => {
    const line =
      '--stop --retry j1 --retry all --skip j2 --settle j3 published --settle j4 absent --holder-gone 42@rack-2 --release @a,b --undo-add batch --undo-accounts c,d --pause';
    expect(parse(line).act).toEqual([
      { do: 'undo_add', batch: 'batch' },
      { do: 'undo_account', account: 'c' },
      { do: 'undo_account', account: 'd' },
      { do: 'holder_gone', holder: '42@rack-2' },
      { do: 'settle', job: 'j3', verdict: 'published' },
      { do: 'settle', job: 'j4', verdict: 'absent' },
      { do: 'release', account: 'a' },
      { do: 'release', account: 'b' },
      { do: 'retry', job: 'j1' },
      { do: 'retry', job: 'all' },
      { do: 'skip', job: 'j2', reason: 'skipped by a person' },
      { do: 'pause' },
      { do: 'stop' },
    ]);
  });

  it("takes the orchestrator's flags", () => {
    expect(parse('--no-retry-unknown').overrides).toEqual({ unknownIsRetryable: false });
    expect(parse('--retry-all-failed').act).toEqual([{ do: 'retry', job: 'all', only: 'retryable' }]);
    expect(parse('--retry-all-failed --retry-include-non-retryable').act).toEqual([{ do: 'retry', job: 'all' }]);
    expect(parse('--run --force-kill-ports')).toMatchObject({ run: 'daemon', act: [{ do: 'end_leftovers' }] });
    expect(parse('--stop-all').act).toEqual([{ do: 'stop', all: true }]);
    expect(parse('--seed-only --state-file s.json')).toMatchObject({ run: null, import: { files: ['s.json'] } });
    expect(parse('--show-config --json')).toMatchObject({ show: 'config', json: true });
    expect(parse('--events --job j1 --follow')).toMatchObject({ show: 'events', events: { job: 'j1', follow: true }, care: null });
  });

  it('reads imports with their zone and path mappings', () => {
    const options = parseArgv(
      ['--import', 'a.json', '--state-file', 'b.json', '--timezone', 'Asia/Tokyo', '--map', 'C:\\v=/mnt/v', '--export', 'o.csv'],
      '1',
    );
    expect(options.import).toEqual({ files: ['a.json', 'b.json'], timezone: 'Asia/Tokyo', map: [{ from: 'C:\\v', to: '/mnt/v' }] });
    expect(options.exportFile).toBe('o.csv');
  });

  it.each([
    ['--doctor --home h --config c.yaml --store s.db --json', { do: 'doctor' }],
    ['--install-service --home h --user --json', { do: 'install_service', scope: 'user' }],
    ['--logs --home h --follow --job j --worker 1', { do: 'logs', follow: true, job: 'j', worker: 1 }],
  ])('lets an order that stands alone be told where to look and how to answer: %s', (line, care) => {
    expect(parse(line)).toMatchObject({ home: 'h', care });
  });

  it('passes everything beside --simulate-phone on', () => {
    expect(parse('--simulate-phone --port 0 --name p1').simulatePhone).toEqual(['--port', '0', '--name', 'p1']);
  });

  it('shows a page worth reading, its examples first, and nothing of it twice', () => {
    const page = parse('--help').print ?? '';
    expect(page.indexOf('Every day:')).toBeLessThan(page.indexOf('Add:'));
    for (const flag of ['--add-folder', '--settle <job verdict...>', '--drain', '--plan', '--home']) expect(page).toContain(flag);
    expect(page).toContain('Exit codes: 0 done');
    expect(page).not.toContain('(default');
    expect(Math.max(...page.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(parse('').print).toContain('Every day:');
    expect(parse('--version').print).toBe('1.2.3\n');
  });

  it.each([
    [['--statsu'], 'there is no flag --statsu; did you mean --status?'],
    [['-status'], 'there is no flag -status; did you mean --status?'],
    [['\u2014status'], '"\u2014status" stands where a flag was expected; did you mean --status?'],
    [['--watch=1'], '--watch takes no value: write --watch alone'],
    [['--status=json'], '--status takes no value'],
    [['--status', '--job', 'j'], '--job belongs to --logs and --events'],
    [['--status', '--follow'], 'the status is followed by --status --watch'],
    [['--status', '--worker', '1'], '--worker belongs to --logs'],
    [['--add-folder', 'x', '--at', '2026-11-22', '18:30'], '"18:30" stands where a flag was expected; put a value behind its flag'],
    [['--ad-folder', 'x'], 'there is no flag --ad-folder; did you mean --add-folder?'],
    [['--retry-all'], 'there is no flag --retry-all (any more); use --retry all'],
    [['--reset-day'], "the day is the account's local date"],
    [['--force-reseed'], 'nothing can wipe the record of a post'],
    [['--force'], 'a dead or hung holder is replaced by the next start'],
    [['--campaign', 'x'], 'use --import FOLDER'],
    [['--list-campaigns'], 'a campaign is a folder'],
    [['--device', 'geelark'], 'an account has its phone'],
    [['--retry-include-non-retryable'], 'belongs to --retry-all-failed'],
    [['--run', '--stop-all'], '--stop and --run exclude each other'],
    [['--events', '--plan'], '--plan and --events exclude each other'],
    [['--follow'], '--follow belongs to --logs and --events'],
    [['--zzzzzz'], 'there is no flag --zzzzzz'],
    [['run'], '"run" stands where a flag was expected; did you mean --run?'],
    [['--workers', 'x'], 'must be a whole number, at least 1'],
    [['--workers', '0'], 'must be a whole number, at least 1'],
    [['--retry-delay', 'soon'], 'must be a duration'],
    [['--add-folder'], '--add-folder needs something behind it: --add-folder DIR'],
    [['--home', '', '--status'], 'what stands behind --home is empty'],
    [['--skip', 'j', ''], 'what stands behind --skip is empty'],
    [['--settle', 'j'], '--settle j needs a verdict: --settle j published, or --settle j absent'],
    [['--settle', 'j', 'maybe'], 'needs a verdict'],
    [['--add-accounts', 'a/b'], '--add-accounts does not take "a/b": it is no name of an account'],
    ...['c!', '.hidden', '-x-', 'a\u{1F600}', 'a\u0000b', 'x'.repeat(65), 'a@b'].map(
      (name) => [[`--add-accounts=${name}`], "holds letters, digits, '.', '_' and '-'"] as [string[], string],
    ),
    [['--add-accounts', ','], 'it names no account'],
    [['--run', '--pause', 'a', '--resume', 'b'], 'exclude each other'],
    [['--map', 'x'], 'FROM=TO'],
    [['--at', '2026-01-01 10:00'], 'name a folder'],
    [['--run', '--stop'], '--stop and --run exclude each other'],
    [['--run', '--seed-only'], '--seed-only and --run exclude each other'],
    [['--add-folder', 'x', '--again'], '--again repeats posts of one account: name it by --account NAME'],
    [['--drain', '--stop'], '--stop and --run exclude each other'],
    [['--drain', '--seed-only'], '--seed-only and --run exclude each other'],
    [['--status', '--json', '--watch'], '--json and --watch exclude each other'],
    [['--plan', '--watch'], '--watch belongs to --status; --plan is shown once'],
    [['--add-accounts', 'a', '--max-attempts', '2'], '--max-attempts belongs to --add-folder; name a folder'],
    [['--status', '--timezone', 'Asia/Tokyo'], '--timezone and --map say how --import is meant; name a file'],
    [['--add-folder', 'x', '--install-service'], '--install-service stands alone: give --add-folder on a line of its own'],
    [['--doctor', '--check'], '--doctor stands alone: give --check on a line of its own'],
    [['--run', '--no-retry-unknown', '--check'], '--check stands alone: give --run on a line of its own'],
    [['--check', '--no-retry-unknown'], '--check stands alone: give --no-retry-unknown on a line of its own'],
    [['--events', '--logs', '--job', 'j'], '--logs stands alone: give --events on a line of its own'],
    [['--install-service', '--store', 'x.db'], '--install-service takes no --store: the service goes by the scheduler.yaml of its home'],
  ])('refuses %j in one sentence', (argv, message) => {
    expect(complaint(...argv)).toContain(message);
    expect(complaint(...argv)).not.toContain('\n');
  });
});

describe('quickStatus', () => {
  it('knows the plain case, and leaves every other line to the whole reader', () => {
    expect(quickStatus(['--status'])).toEqual({ home: null, json: false });
    expect(quickStatus(['--home', 'h', '--status', '--json'])).toEqual({ home: 'h', json: true });
    for (const line of [
      [],
      ['--json'],
      ['--status', '--watch'],
      ['--status', '--home'],
      ['--status', '--home', ''],
      ['--home', '--status'],
      ['--status', '--workers', '2'],
    ]) {
      expect(quickStatus(line)).toBeNull();
    }
  });

  it('means the same as the whole reader wherever it answers', () => {
    for (const line of [['--status'], ['--status', '--json'], ['--json', '--home', 'x', '--status']]) {
      const whole = parseArgv(line, '1');
      expect(quickStatus(line)).toEqual({ home: whole.home, json: whole.json });
      expect(whole.show).toBe('status');
    }
  });
});
