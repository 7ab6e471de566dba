/** Guards promise 7: evidence stays bounded by age and size, but never goes while a person has to look at it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sweepEvidence } from '../../src/scheduler/evidence-sweep.ts';
import { MemoryLogger } from '../support/memory-logger.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 5, 1);
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'evidence-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function keep(job: string, attempt: number, days: number, bytes = 10): string {
  const folder = join(root, job, `attempt-${attempt}`);
  mkdirSync(folder, { recursive: true });
  const at = (NOW - days * DAY) / 1_000;
  writeFileSync(join(folder, 'screen.png'), Buffer.alloc(bytes));
  for (const path of [join(folder, 'screen.png'), folder]) utimesSync(path, at, at);
  return folder;
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly account: string;
}

function sweep(more: { readonly jobs?: readonly Row[]; readonly held?: readonly string[]; readonly mostBytes?: number } = {}) {
  const store = {
    jobs: async ({ statuses }: { readonly statuses?: readonly string[] }) =>
      (more.jobs ?? []).filter(({ status }) => statuses?.includes(status)),
    accounts: async () => (more.held ?? []).map((name) => ({ name, state: 'hold' })),
  };
  const { mostBytes = 2_000_000_000 } = more;
  return sweepEvidence({ root, store: store as never, nowMs: NOW, logger: new MemoryLogger(), keepMs: 30 * DAY, mostBytes });
}

it('removes what is older than 30 days, with the folder of its job once that is empty', async () => {
  const paths = [keep('one', 1, 31), keep('one', 2, 29), keep('two', 1, 40)];
  expect(await sweep()).toBe(2);
  expect(paths.map((path) => existsSync(path))).toEqual([false, true, false]);
  expect([existsSync(join(root, 'one')), existsSync(join(root, 'two'))]).toEqual([true, false]);
});

it('removes the oldest first when it is too much', async () => {
  const paths = [keep('a', 1, 3, 90_000), keep('b', 1, 2, 90_000), keep('c', 1, 1, 90_000)];
  await sweep({ mostBytes: 210_000 });
  expect(paths.map((path) => existsSync(path))).toEqual([false, true, true]);
});

it('keeps what a person has to look at', async () => {
  const paths = [keep('doubtful', 1, 90, 90_000), keep('captcha', 1, 90, 90_000), keep('settled', 1, 90)];
  const jobs = [
    { id: 'doubtful', status: 'uncertain', account: 'alice' },
    { id: 'captcha', status: 'failed', account: 'bob' },
    { id: 'settled', status: 'failed', account: 'carol' },
  ];
  await sweep({ jobs, held: ['bob'], mostBytes: 1 });
  expect(paths.map((path) => existsSync(path))).toEqual([true, true, false]);
});

it('is at peace where nothing was ever kept', async () => {
  rmSync(root, { recursive: true });
  expect(await sweep()).toBe(0);
});
