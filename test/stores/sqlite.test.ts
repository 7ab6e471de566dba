/** The SQLite store: the contract, and what only a file can break. Guards promises 1, 2 and 7. */
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../src/stores/database.ts';
import { migrate } from '../../src/stores/migrate.ts';
import { MIGRATIONS } from '../../src/stores/migrations/all.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { EVENTS_OF_JOB } from '../../src/stores/sqlite-events.ts';
import { SqliteReader } from '../../src/stores/sqlite-reader.ts';
import { framesOf } from '../chaos/wal.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { contract } from './contract.ts';
import { lives } from './contract-lives.ts';
import { properties } from './contract-properties.ts';
import { waiting } from './contract-waiting.ts';
import { HOUR, type MakeStore, NOON, POLICY, Subject, sha } from './subject.ts';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-store-'));
let files = 0;
let path = '';
const fresh = () => {
  files += 1;
  path = join(folder, `${files}.db`);
  return path;
};
const make: MakeStore = async (clock) => new SqliteStore({ path: fresh(), clock, random: new FakeRandom(0.5) });
const again: MakeStore = async (clock) => new SqliteStore({ path, clock, random: new FakeRandom(0.5) });

afterAll(() => rmSync(folder, { recursive: true, force: true }));

contract('sqlite', make);
waiting('sqlite', make);
lives('sqlite', async (clock) => [await make(clock), await again(clock)]);
properties('sqlite', make);

describe('the settings that durability rests on (promise 2)', () => {
  beforeEach(fresh);

  it('is synchronous=FULL on every open, not only the first', () => {
    for (let open = 1; open <= 2; open += 1) {
      const db = openDatabase({ path, readOnly: false });
      expect(db.pragma('synchronous', { simple: true })).toBe(2);
      expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(db.pragma('foreign_keys', { simple: true })).toBe(1);
      expect(db.pragma('busy_timeout', { simple: true })).toBe(1000);
      db.exec('CREATE TABLE IF NOT EXISTS t (x)');
      db.close();
    }
    // The reason for the rule: without it a reopened WAL database of this build is not.
    const bare = new Database(path);
    expect(bare.pragma('synchronous', { simple: true })).toBe(1);
    bare.close();
  });

  it('leaves nothing behind of a migration that fails', () => {
    const db = openDatabase({ path, readOnly: false });
    const broken = [{ version: 1, sql: 'CREATE TABLE half (x); CREATE TABLE half (x);' }];
    expect(() => migrate(db, broken)).toThrow(/already exists/);
    expect(db.prepare('SELECT name FROM sqlite_schema').all()).toEqual([]);
    expect(db.pragma('user_version', { simple: true })).toBe(0);
    db.close();
  });

  it('refuses a store that a newer program has written, to write and to read', () => {
    const db = openDatabase({ path, readOnly: false });
    migrate(db, MIGRATIONS);
    db.pragma('user_version = 99');
    db.close();
    const refusal = expect.objectContaining({ code: 'STORE_TOO_NEW', details: { found: 99, known: MIGRATIONS.length } });
    expect(() => new SqliteStore({ path, clock: new VirtualClock(), random: new FakeRandom() })).toThrow(refusal);
    expect(() => new SqliteReader({ path })).toThrow(refusal);
  });

  it('brings a store of an older program up to date and finds what people ask for by an index', async () => {
    const old = openDatabase({ path, readOnly: false });
    migrate(old, MIGRATIONS.slice(0, 1));
    old.prepare("INSERT INTO events (at_ms, type, epoch, job, who) VALUES (1, 'claimed', 1, 'j1', 'worker 1')").run();
    old.close();
    const store = new SqliteStore({ path, clock: new VirtualClock(), random: new FakeRandom() });
    expect(await store.events({ job: 'j1' })).toMatchObject([{ job: 'j1', type: 'claimed' }]);
    await store.close();
    const db = openDatabase({ path, readOnly: true });
    const planOf = (sql: string, ...asked: readonly object[]) =>
      (db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...asked) as { detail: string }[]).map(({ detail }) => detail).join(' ');
    expect(planOf(EVENTS_OF_JOB, { job: 'j1', after: 0, types: null, limit: -1 })).toContain('events_of_job');
    expect(planOf("SELECT * FROM jobs WHERE status IN ('retrying', 'failed') AND status = 'failed' ORDER BY seq LIMIT 5")).toMatch(
      /^SEARCH jobs USING INDEX jobs_in_trouble \(status=\?\)$/,
    );
    db.close();
  });
});

describe('claims that are asked for in one moment', () => {
  /** How many transactions are in the WAL. */
  const commits = () => framesOf(readFileSync(`${path}-wal`))?.frames.filter(({ isCommit }) => isCommit).length ?? 0;

  it('share one commit, and nobody hears an answer that is not on disk', async () => {
    const subject = await Subject.open(make);
    const names = Array.from({ length: 16 }, (_, n) => `account-${n}`);
    await subject.accounts(names);
    await subject.add(names.map((account) => ({ id: account, account })));
    const reader = new SqliteReader({ path });
    const before = commits();
    const seen = await Promise.all(
      names.map(async () => {
        const job = await subject.claimed();
        const [onDisk] = await reader.jobs({ account: job.account as string });
        return [onDisk?.status, onDisk?.claimToken === job.claimToken];
      }),
    );
    expect(seen).toEqual(names.map(() => ['claimed', true]));
    expect(commits() - before).toBe(1);
    await reader.close();
    await subject.store.close();
  });

  it('are answered each for itself when one of them fails, and what it wrote is gone', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice', 'bob']);
    await subject.add([
      { id: 'a', account: 'alice' },
      { id: 'b', account: 'bob' },
    ]);
    const db = openDatabase({ path, readOnly: false });
    db.exec(`CREATE TRIGGER broken AFTER INSERT ON events WHEN new.job = 'b' BEGIN SELECT RAISE(ABORT, 'cannot be written'); END`);
    db.close();
    const answers = await Promise.allSettled([subject.claim(), subject.claim()]);
    expect(answers).toMatchObject([
      { status: 'fulfilled', value: { id: 'a' } },
      { status: 'rejected', reason: { code: 'STORE_FAILED' } },
    ]);
    expect(await subject.store.counts()).toMatchObject({ claimed: 1, pending: 1 });
    expect(await subject.reasonOf('bob')).toBeNull();
    await subject.store.close();
  });
});

describe('the rules are in the database, whoever writes (promise 1)', () => {
  it('refuses a second busy job of an account or phone, and a second counted post of a key', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice', 'bob'], { postsPerDay: 9 });
    await subject.store.changeAccount('alice', { type: 'assign_device', device: 'phone' }, 'test');
    await subject.add([
      { id: 'a', account: 'alice' },
      { id: 'b', account: 'bob' },
    ]);
    const a = await subject.claimed();
    const db = openDatabase({ path, readOnly: false });
    const set = (sql: string) => () => db.prepare(`UPDATE jobs SET ${sql} WHERE id = 'b'`).run();
    expect(set(`status = 'claimed', account = 'alice'`)).toThrow(/UNIQUE/);
    expect(set(`status = 'claimed', device = 'phone'`)).toThrow(/UNIQUE/);
    await subject.report(a, { type: 'commit' });
    expect(set(`status = 'success', post_key = '${a.postKey}'`)).toThrow(/UNIQUE/);
    db.close();
    await subject.store.close();
  });

  it('survives a closed and reopened file with all it knows, and a higher epoch', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice']);
    await subject.add([{ id: 'a', account: 'alice' }, { id: 'b' }], ['alice']);
    await subject.publish(await subject.claimed());
    const before = [await subject.store.jobs({}), await subject.store.accounts(NOON), await subject.store.counts()];
    await subject.store.close();
    const next = await Subject.open(again);
    expect(next.epoch).toBe(subject.epoch + 1);
    expect([await next.store.jobs({}), await next.store.accounts(NOON), await next.store.counts()]).toEqual(before);
    await next.store.close();
  });

  it('tells when its file is gone, replaced or out of reach, and when it is back', async () => {
    const { store } = await Subject.open(make);
    const seen = (change: () => void) => {
      change();
      return (store as SqliteStore).isThere();
    };
    expect(seen(() => {})).toBe(true);
    expect(seen(() => renameSync(path, `${path}.aside`))).toBe(false);
    expect(seen(() => writeFileSync(path, 'another'))).toBe(false);
    rmSync(path);
    // A loop of links: what lies behind it cannot be asked for at all.
    expect(seen(() => symlinkSync(path, path))).toBe(false);
    rmSync(path);
    expect(seen(() => renameSync(`${path}.aside`, path))).toBe(true);
    await store.close();
  });

  it('judges an account again when the clock was set back behind its window', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice'], { windows: [{ days: [1], fromMinute: 780, toMinute: 900 }] });
    await subject.add([{ id: 'a', account: 'alice', publishAtMs: NOON - 9 * HOUR }]);
    await subject.store.close();
    const early = new SqliteStore({ path, clock: new VirtualClock(NOON - HOUR), random: new FakeRandom() });
    const request = { worker: 'w', token: 't', epoch: 1, leaseMs: 1, passNumber: 1, accounts: null, exceptDevices: [] };
    expect(await early.claim(request)).toBeNull();
    expect((await early.accounts(NOON - HOUR))[0]).toMatchObject({ waitReason: 'window', nextAtMs: NOON });
    expect(await early.events({ types: ['claimed'] })).toEqual([]);
    await early.close();
  });
});

describe('reading beside a daemon (promise 7)', () => {
  it('never creates a store', () => {
    expect(() => new SqliteReader({ path: fresh() })).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
  });

  it('sees what the daemon has written, and judges anew what time has changed', async () => {
    const subject = await Subject.open(make);
    await subject.accounts(['alice']);
    await subject.add([{ id: 'a', account: 'alice' }]);
    const reader = new SqliteReader({ path });
    await subject.publish(await subject.claimed());
    expect(await reader.counts()).toMatchObject({ success: 1, pending: 0 });
    expect((await reader.accounts(NOON))[0]).toMatchObject({ postedToday: 1, waitReason: 'cap', nextAtMs: NOON + 11 * HOUR });
    expect((await reader.accounts(NOON + 11 * HOUR))[0]).toMatchObject({ postedToday: 0, waitReason: null, nextAtMs: null });
    expect(await reader.jobs({ statuses: ['success'] })).toHaveLength(1);
    expect(await reader.events({ types: ['published'] })).toHaveLength(1);
    await reader.close();
    await subject.store.close();
  });

  it('reads a store whose daemon has gone and left no WAL', async () => {
    const subject = await Subject.open(make);
    await subject.store.setValue('final_result', 'all_complete');
    await subject.store.close();
    const reader = new SqliteReader({ path });
    expect(await reader.value('final_result')).toBe('all_complete');
    await reader.close();
  });
});

describe('figures', () => {
  it('takes 10,000 rows in one transaction within a few seconds', async () => {
    const subject = await Subject.open(make);
    await subject.store.putAccounts([{ name: 'alice', policy: POLICY }]);
    const jobs = Array.from({ length: 10_000 }, (_, n) => ({ id: `v${n}`, sha256: sha(n) }));
    const started = performance.now();
    expect((await subject.add(jobs)).added).toHaveLength(10_000);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect((await subject.store.counts()).pending).toBe(10_000);
    await subject.store.close();
  });
});
