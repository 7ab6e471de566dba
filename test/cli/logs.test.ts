/** Guards promise 7: what was written down can be read: all kept days in order, of one job or worker, and as it comes. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LogsRequest, showLogs } from '../../src/cli/logs.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

let home: string;
let shown: string[];
let clock: VirtualClock;
const daily = (name: string) => join(home, 'logs', 'daily', name);
const line = (msg: string, more: object = {}) => `${JSON.stringify({ level: 'info', time: '2026-11-22T10:00:00.000Z', msg, ...more })}\n`;
const lastWords = () => shown.map((text) => text.trim().split(' ').at(-1));

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'logs-'));
  mkdirSync(join(home, 'logs', 'daily'), { recursive: true });
  shown = [];
  clock = new VirtualClock();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function show(more: Partial<LogsRequest> = {}, stop = new AbortController().signal) {
  const terminal = { write: (text: string) => void shown.push(text), isTty: false, columns: 100 };
  return showLogs(
    { home, job: null, worker: null, follow: false, json: false, terminal, clock, hasJob: async (job) => job === 'quiet', ...more },
    stop,
  );
}

it('shows the days in their order, the tenth file of a day after the second', async () => {
  writeFileSync(daily('scheduler.2026-11-22.10.log'), line('fourth'));
  writeFileSync(daily('scheduler.2026-11-22.2.log'), line('third'));
  writeFileSync(daily('scheduler.2026-11-22.1.log'), line('second'));
  writeFileSync(daily('scheduler.2026-11-21.1.log'), line('first'));
  writeFileSync(daily('worker_1.2026-11-22.1.log'), line('foreign'));
  await show();
  expect(lastWords()).toEqual(['first', 'second', 'third', 'fourth']);
});

it('shows one job, or one worker, and warnings with their reason', async () => {
  writeFileSync(daily('scheduler.2026-11-22.1.log'), line('mine', { job: 'one' }) + line('other', { job: 'two' }) + line('nobody'));
  writeFileSync(daily('worker_2.2026-11-22.1.log'), line('bad', { level: 'warn', worker: 2, err: { message: 'adb hangs\nat x' } }));
  await show({ job: 'one' });
  expect(shown.join('')).toBe('2026-11-22 10:00:00 INFO  mine\n');
  shown = [];
  await show({ worker: 2 });
  expect(shown.join('')).toBe('2026-11-22 10:00:00 WARN  worker 2: bad (adb hangs)\n');
});

it('refuses a job that nobody knows, and a worker that never was; a job that nothing was written of is none of these', async () => {
  writeFileSync(daily('scheduler.2026-11-22.1.log'), line('mine', { job: 'one' }));
  await expect(show({ job: 'nope' })).rejects.toMatchObject({ code: 'UNKNOWN_JOB' });
  await expect(show({ worker: 99 })).rejects.toThrow('there is no log of worker 99');
  await show({ job: 'quiet' });
  expect(shown).toEqual([]);
});

it('shows lines that are no JSON as they are, and JSON to programs', async () => {
  writeFileSync(daily('scheduler.2026-11-22.1.log'), `torn{\n${line('whole')}`);
  await show({ json: true });
  expect(shown.join('')).toBe(`torn{\n${line('whole')}`);
});

it('shows the last 200 lines of everything', async () => {
  writeFileSync(daily('scheduler.2026-11-22.1.log'), Array.from({ length: 300 }, (_, n) => line(`n${n}`)).join(''));
  await show();
  expect(shown).toHaveLength(200);
  expect(lastWords().at(-1)).toBe('n299');
});

it('follows into the file of the next day, and never shows half a line', async () => {
  const today = daily('scheduler.2026-11-22.1.log');
  writeFileSync(today, line('old'));
  const stop = new AbortController();
  const following = show({ follow: true }, stop.signal);
  const nextLook = async () => {
    await clock.untilWaiting('next look at the log');
    await clock.advance(500);
    await clock.untilWaiting('next look at the log');
  };
  await clock.untilWaiting('next look at the log');
  appendFileSync(today, `${line('new')}${line('half').slice(0, 20)}`);
  await nextLook();
  expect(lastWords()).toEqual(['old', 'new']);
  appendFileSync(today, line('half').slice(20));
  writeFileSync(daily('scheduler.2026-11-23.1.log'), line('tomorrow'));
  await nextLook();
  expect(lastWords()).toEqual(['old', 'new', 'half', 'tomorrow']);
  stop.abort();
  await following;
});

it('says so when nothing was written down', async () => {
  await expect(show({ worker: 9 })).rejects.toMatchObject({ code: 'BAD_USAGE', message: expect.stringContaining('no log of worker 9') });
});
