/** Guards promise 1 where others extend us: the module shown in docs/adding-a-publisher.md works, and acts only after commit(). */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { PublishContext, Publisher, PublishJob } from '../../src/publishers/publisher.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'adding-a-publisher.md'), 'utf8');

let folder: string;
let publisher: Publisher;
let job: PublishJob;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'publisher-'));
  const [, text = ''] = /```js\n(\/\/ outbox[\s\S]*?)```/.exec(page) ?? [];
  writeFileSync(join(folder, 'outbox.mjs'), text);
  writeFileSync(join(folder, 'video.mp4'), 'bytes');
  publisher = ((await import(pathToFileURL(join(folder, 'outbox.mjs')).href)) as { default: Publisher }).default;
  const video = { path: join(folder, 'video.mp4'), sha256: 'a'.repeat(64) };
  job = { id: 'job-1', account: 'alice', video, caption: '市場', post_key: 'k', attempt: 1, max_attempts: 3, app: 'demo', device: null };
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function context(commit: () => Promise<void>): PublishContext {
  const log = { info: () => undefined, warn: () => undefined };
  return {
    signal: new AbortController().signal,
    log,
    phase: () => undefined,
    appVersion: () => undefined,
    commit,
    evidence: async () => undefined,
    options: { folder },
  };
}

it('is twenty lines or so', () => {
  const lines = /```js\n(\/\/ outbox[\s\S]*?)```/.exec(page)?.[1]?.trim().split('\n').length;
  expect(lines).toBeLessThanOrEqual(25);
});

it('publishes after commit(), and sees afterwards that it did', async () => {
  let wasThereAtCommit = true;
  const ctx = context(async () => {
    wasThereAtCommit = existsSync(join(folder, 'job-1.mp4'));
  });
  expect(await publisher.verify?.(job, ctx)).toBe('absent');
  await publisher.publish(job, ctx);
  expect(wasThereAtCommit).toBe(false);
  expect(readFileSync(join(folder, 'job-1.mp4'), 'utf8')).toBe('bytes');
  expect(readFileSync(join(folder, 'job-1.mp4.txt'), 'utf8')).toBe('市場');
  expect(await publisher.verify?.(job, ctx)).toBe('published');
});

it('does not act when commit() refuses', async () => {
  const ctx = context(() => Promise.reject(new Error('no')));
  await expect(publisher.publish(job, ctx)).rejects.toThrow('no');
  expect(existsSync(join(folder, 'job-1.mp4'))).toBe(false);
});
