/** The record of posts that outlives the database: guards promise 1 against a deleted, restored or copied one. */
import { appendFile, type FileHandle, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { PostedFile } from '../../src/stores/posted-ledger.ts';
import type { PostedRecord } from '../../src/stores/store.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { MemoryStore } from './memory-store.ts';
import { ADB_TIMEOUT, NOON, Subject, sha } from './subject.ts';

let folder: string;
let path: string;
let ledger: PostedFile;

const record = (n: number): PostedRecord => ({ account: 'alice', sha256: sha(n), repeat: 0, job: `v${n}`, atMs: NOON + n });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'posted-'));
  path = join(folder, 'posted.jsonl');
  ledger = new PostedFile({ path });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('posted.jsonl', () => {
  it('is readable by nobody else, one JSON object a line', async () => {
    await ledger.append(record(1));
    expect(JSON.parse((await readFile(path, 'utf8')).trimEnd())).toEqual({
      account: 'alice',
      sha256: sha(1),
      repeat: 0,
      job: 'v1',
      at: '2026-01-05T12:00:00.001Z',
    });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('answers only when the line is on the disk; the first one brings the folder along', async () => {
    const synced: string[] = [];
    const handle = await open(folder);
    const files: FileHandle = Object.getPrototypeOf(handle);
    await handle.close();
    const { sync } = files;
    const spy = vi.spyOn(files, 'sync').mockImplementation(async function (this: FileHandle) {
      const about = await this.stat();
      await sync.call(this);
      synced.push(about.isDirectory() ? 'the folder' : `${about.size} bytes`);
    });
    onTestFinished(() => spy.mockRestore());
    await ledger.append(record(1));
    const { size } = await stat(path);
    expect(synced).toEqual([`${size} bytes`, 'the folder']);
    await ledger.append(record(2));
    expect(synced.slice(2)).toEqual([`${2 * size} bytes`]);
  });

  it('keeps lines apart that are written at the same moment', async () => {
    await Promise.all([1, 2, 3, 4, 5].map((n) => ledger.append(record(n))));
    expect((await ledger.read()).entries.map(({ job }) => job)).toEqual(['v1', 'v2', 'v3', 'v4', 'v5']);
  });

  it('forgets what was withdrawn, until it is announced again, and knows what was confirmed', async () => {
    await ledger.append(record(1));
    await ledger.append(record(2));
    await ledger.withdraw(record(1));
    await ledger.confirm(record(2));
    expect((await ledger.read()).entries).toEqual([{ ...record(2), confirmed: true }]);
    await ledger.append(record(1));
    expect((await ledger.read()).entries.map(({ job, confirmed }) => [job, confirmed])).toEqual([
      ['v2', true],
      ['v1', false],
    ]);
  });

  it('a late word of a frozen process takes nothing back that was announced after it; a confirmation keeps the instant of the post', async () => {
    await ledger.append({ ...record(1), atMs: 1_000 });
    await ledger.append({ ...record(1), atMs: 5_000 });
    await ledger.withdraw({ ...record(1), atMs: 3_000 });
    await ledger.confirm({ ...record(1), atMs: 9_000 });
    expect((await ledger.read()).entries).toEqual([{ ...record(1), atMs: 5_000, confirmed: true }]);
    await ledger.withdraw({ ...record(1), atMs: 9_000 });
    expect((await ledger.read()).entries).toEqual([]);
  });

  it('a frozen process that announces late and withdraws at once does not take back what its successor made and confirmed', async () => {
    await ledger.append({ ...record(1), atMs: 5_000 });
    await ledger.confirm({ ...record(1), atMs: 6_000 });
    await ledger.append({ ...record(1), atMs: 1_000 });
    await ledger.withdraw({ ...record(1), atMs: 1_000 });
    expect((await ledger.read()).entries).toEqual([{ ...record(1), atMs: 5_000, confirmed: true }]);
  });

  it('survives a torn last line and garbage, reports both, and goes on behind them', async () => {
    await ledger.append(record(1));
    await appendFile(
      path,
      'what is this?\n{"account":"alice","sha256":5,"repeat":0,"job":"x","at":"2026-01-05T12:00:00Z"}\n{"account":"ali',
    );
    await ledger.append(record(2));
    const { entries, garbage } = await ledger.read();
    expect(entries.map(({ job }) => job)).toEqual(['v1', 'v2']);
    expect(garbage).toEqual([2, 3, 4]);
    const heard: number[][] = [];
    const reporting = new PostedFile({ path, onGarbage: (lines) => heard.push([...lines]) });
    await reporting.compareWith(new MemoryStore({ clock: (await Subject.open(make)).clock, random: new FakeRandom() }));
    expect(heard).toEqual([[2, 3, 4]]);
  });

  it('says no when the line cannot reach the disk: then the act must not happen', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(new PostedFile({ path: join(folder, 'file', 'posted.jsonl') }).append(record(1))).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
  });
});

const make = async (clock: Subject['clock']) => new MemoryStore({ clock, random: new FakeRandom(0.5) });

describe('what a store is missing', () => {
  it('is every announced key that it does not hold as committing, uncertain or success', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await subject.add([1, 2].map((n) => ({ id: `v${n}`, sha256: sha(n), account: 'alice' })));
    await ledger.append(record(1));
    await ledger.append(record(2));
    await ledger.append(record(3));
    await subject.publish(await subject.claimed());
    expect((await ledger.compareWith(subject.store)).map(({ job }) => job)).toEqual(['v2', 'v3']);
  });

  it('is nothing that only the store knew: it is written down, so that a store that is lost later is missed', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await subject.add([{ id: 'v1', sha256: sha(1), account: 'alice' }]);
    await subject.publish(await subject.claimed());
    await subject.add([{ id: 'v2', sha256: sha(2), account: 'alice' }]);
    await subject.report(await subject.claimed(), { type: 'doubt', failure: ADB_TIMEOUT });
    for (let start = 1; start <= 2; start += 1) expect(await ledger.compareWith(subject.store)).toEqual([]);
    const confirmed = (await ledger.read()).entries.map((entry) => [entry.job, entry.confirmed]);
    expect(confirmed).toEqual([
      ['v1', true],
      ['v2', false],
    ]);
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(3);
    const lost = await Subject.open(make);
    expect((await ledger.compareWith(lost.store)).map(({ job }) => job)).toEqual(['v1', 'v2']);
  });

  it('is not one that was withdrawn once it was settled as absent; the settling alone, which a restored store forgets, is not enough', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await subject.add([{ id: 'v1', sha256: sha(1), account: 'alice' }]);
    const job = await subject.claimed();
    await ledger.append({ ...record(1), atMs: NOON });
    await subject.report(job, { type: 'commit' });
    await subject.report(job, { type: 'doubt', failure: ADB_TIMEOUT });
    await subject.order(job, { type: 'verdict', verdict: 'absent', retryAtMs: NOON, by: 'verifier' });
    expect(await ledger.compareWith(subject.store)).toHaveLength(1);
    await ledger.withdraw({ ...record(1), atMs: NOON });
    expect(await ledger.compareWith(subject.store)).toEqual([]);
    await ledger.append({ ...record(1), atMs: NOON + 1 });
    expect(await ledger.compareWith(subject.store)).toHaveLength(1);
  });

  it('is one too that it is still uncertain about, as an older copy of a database is, once the ledger confirms it', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await subject.add([{ id: 'again', sha256: sha(1), account: 'alice' }]);
    const job = await subject.claimed();
    await ledger.append(record(1));
    await subject.report(job, { type: 'commit' });
    await ledger.confirm(record(1));
    expect(await ledger.compareWith(subject.store)).toEqual([]); // its holder may be about to write it
    await subject.report(job, { type: 'doubt', failure: ADB_TIMEOUT });
    expect(await ledger.compareWith(subject.store)).toEqual([{ ...record(1), job: 'again', confirmed: true }]);
    await ledger.withdraw({ ...record(1), atMs: NOON + 9 });
    expect(await ledger.compareWith(subject.store)).toEqual([]);
    await ledger.append({ ...record(1), atMs: NOON + 10 });
    expect(await ledger.compareWith(subject.store)).toEqual([]);
  });
});
