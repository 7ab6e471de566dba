// Guards promise 7: what happens is written down at once, no secret is, and a log that cannot be written harms nobody.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scrubber } from '../../src/domain/scrub.ts';
import { createLogger, type LoggerOptions, type RootLogger, silentLogger } from '../../src/runtime/logger.ts';
import { Child } from '../support/children.ts';

let dir: string;
let open: RootLogger[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'logs-'));
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((logger) => logger.close()));
  await rm(dir, { recursive: true, force: true });
});

async function create(options: Partial<LoggerOptions> = {}): Promise<RootLogger> {
  const logger = await createLogger({ dir: join(dir, 'logs'), level: 'info', pretty: false, ...options });
  open.push(logger);
  return logger;
}

function lines(name: string): Record<string, unknown>[] {
  const text = readFileSync(join(dir, 'logs', name), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('files', () => {
  test('a folder that cannot be made is one clear message, not a stack', async () => {
    writeFileSync(join(dir, 'file'), '');
    await expect(create({ dir: join(dir, 'file', 'logs') })).rejects.toMatchObject({
      code: 'HOME_NOT_WRITABLE',
      message: expect.stringMatching(/^the home cannot be written: .*file\/logs \(ENOTDIR\)$/),
    });
  });

  test('a line is in scheduler.log when the call returns, and in the file of the day', async () => {
    const logger = await create();
    logger.info({ job: 'j1' }, 'Processing job j1');
    expect(lines('scheduler.log')).toEqual([
      { level: 'info', time: expect.any(String), pid: process.pid, job: 'j1', msg: 'Processing job j1' },
    ]);
    const today = readdirSync(join(dir, 'logs', 'daily'));
    expect(today).toEqual([expect.stringMatching(/^scheduler\.\d{4}-\d\d-\d\d\.1\.log$/)]);
    expect(lines(join('daily', today[0] as string))).toEqual(lines('scheduler.log'));
  });

  test('a worker writes to its own file and to the common one', async () => {
    const logger = await create();
    const worker = await logger.worker(2);
    worker.child({ job: 'j1' }).warn('slow');
    logger.info('not for the worker');
    expect(lines('worker_2.log')).toMatchObject([{ worker: 2, job: 'j1', level: 'warn', msg: 'slow' }]);
    expect(lines('scheduler.log').map((line) => line.msg)).toEqual(['slow', 'not for the worker']);
  });

  test('a restart goes on in the same files', async () => {
    const first = await create();
    first.info('one');
    await first.close();
    const second = await create();
    second.info('two');
    expect(lines('scheduler.log').map((line) => line.msg)).toEqual(['one', 'two']);
    expect(readdirSync(join(dir, 'logs', 'daily'))).toHaveLength(1);
  });

  test('levels below the wanted one are left out', async () => {
    const logger = await create({ level: 'warn' });
    logger.debug('a');
    logger.info('b');
    logger.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'c');
    expect(lines('scheduler.log')).toMatchObject([{ msg: 'c', err: { message: 'outer', cause: { message: 'inner' } } }]);
  });

  test('without a folder no file is made', async () => {
    const logger = await create({ dir: null });
    logger.info('nowhere');
    expect((await logger.worker(1)).child({ a: 1 })).toBeDefined();
    expect(existsSync(join(dir, 'logs'))).toBe(false);
  });

  test('SIGKILL loses no line that was logged', async () => {
    const module = new URL('../../src/runtime/logger.ts', import.meta.url).pathname;
    const script = `
      import { createLogger } from ${JSON.stringify(module)};
      const logger = await createLogger({ dir: ${JSON.stringify(join(dir, 'logs'))}, level: 'info', pretty: false });
      for (let i = 0; i < 500; i += 1) logger.info({ i }, 'line');
      process.kill(process.pid, 'SIGKILL');`;
    const child = new Child(process.execPath, ['--input-type=module', '-e', script]);
    expect(await child.ended).toBe('SIGKILL');
    expect(lines('scheduler.log')).toHaveLength(500);
  });

  test('a full disk ends nobody, and does not hold up a stop', async () => {
    // /dev/full answers every write with ENOSPC.
    const daily = join(dir, 'logs', 'daily');
    mkdirSync(daily, { recursive: true });
    symlinkSync('/dev/full', join(daily, `scheduler.${DateTime.local().toFormat('yyyy-MM-dd')}.1.log`));
    const logger = await create();
    for (let i = 0; i < 200; i += 1) logger.info({ filler: 'x'.repeat(10_000) }, 'into the void');
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => logger.error('still here')).not.toThrow();
    await logger.close();
  });
});

test('a person reads lines, not JSON, and sees no secret in them either', async () => {
  const seen: string[] = [];
  const logger = await create({ pretty: true, redact: ['hunter2secret'], terminal: { write: (text) => seen.push(text) } });
  logger.info({ job: 'j1', token: 'abc' }, 'Processing job j1 with hunter2secret');
  expect(seen.join('')).toMatch(/INFO: Processing job j1 with \[redacted\]/);
  expect(seen.join('')).not.toMatch(/abc|hunter2secret/);
});

test('the silent logger takes everything and says nothing', () => {
  const logger = silentLogger();
  expect(() => logger.child({ a: 1 }).error({ err: 1 }, 'x')).not.toThrow();
});

describe('secrets', () => {
  const scrub = scrubber(['Zq81-known"quoted']);
  test.each([
    [{ token: 'tok-1' }, 'tok-1'],
    [{ config: { geelark: { apiToken: 'tok-2' } } }, 'tok-2'],
    [{ headers: { Authorization: 'Bearer abcdef123456' } }, 'abcdef123456'],
    [{ password: 'with "quotes" and \\ inside' }, 'quotes'],
    [{ msg: 'adb -s x shell glogin hunter2' }, 'hunter2'],
    [{ msg: '{"api_key":"inner-3"}' }, 'inner-3'],
    [{ msg: 'GET /x?access_token=tok-4&y=1' }, 'tok-4'],
    [{ msg: 'PASSWORD = s3cret;' }, 's3cret'],
    [{ msg: 'proxy http://user:pa55word@192.0.2.1:80/' }, 'pa55word'],
    [{ msg: 'the value Zq81-known"quoted stands here' }, 'Zq81'],
    [{ cookie: 'session=1' }, 'session=1'],
  ])('%j', (fields, secret) => {
    const line = scrub(JSON.stringify(fields));
    expect(line).not.toContain(secret);
    expect(line).toContain('[redacted]');
    expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  test.each(['error: you should run glogin to login first', '{"job":"tokens are fine"}', 'PID 7 posted', 'http://127.0.0.1:4723/session'])(
    '"%s" stays as it is',
    (text) => {
      expect(scrub(text)).toBe(text);
    },
  );

  test('a line of JSON stays one, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom('msg', 'token', 'note', 'password'),
          fc.oneof(fc.string(), fc.constantFrom('glogin "x', 'Bearer \\"abcdefgh', 'token="')),
        ),
        (fields) => {
          const read = JSON.parse(scrub(JSON.stringify(fields))) as Record<string, string>;
          expect(Object.keys(read)).toEqual(Object.keys(fields));
          for (const name of ['token', 'password']) if (name in fields) expect(read[name]).toBe('[redacted]');
        },
      ),
    );
  });

  test('a value too short to be a secret does not blank the log', () => {
    expect(scrubber(['a'])('a banana')).toBe('a banana');
  });
});
