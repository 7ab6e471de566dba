/** Guards promises 1 and 2: a copy made while a scheduler works is whole, and putting one back publishes nothing again. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, checkStore, putBack } from '../../src/stores/backup.ts';
import { PostedFile } from '../../src/stores/posted-ledger.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { Subject } from './subject.ts';

let home: string;
let copy: string;
let path: string;
let clock: VirtualClock;
const request = () => ({ home, store: path, folder: copy, clock });

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'backup-'));
  home = join(folder, 'home');
  mkdirSync(home);
  copy = join(folder, 'copy');
  path = join(home, 'scheduler_state.db');
});
afterEach(() => rmSync(join(home, '..'), { recursive: true, force: true }));

const open = () =>
  Subject.open(async (given) => {
    clock = given;
    return new SqliteStore({ path, clock, random: new FakeRandom(0.5) });
  });

async function post(subject: Subject): Promise<void> {
  const job = await subject.claimed();
  const ledger = new PostedFile({ path: join(home, 'posted.jsonl') });
  const record = { account: job.account ?? '', sha256: job.sha256 ?? '', repeat: 0, job: job.id, atMs: clock.now() };
  await ledger.append(record);
  await subject.publish(job);
  await ledger.confirm(record);
}

describe('a copy', () => {
  it('is of one instant, beside an open store, and complete or not there', async () => {
    const subject = await open();
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await subject.add([{ id: 'one' }, { id: 'two' }]);
    await post(subject);
    writeFileSync(join(home, 'scheduler.yaml'), 'timezone: UTC\n');
    expect(await backUp(request())).toEqual(['scheduler_state.db', 'posted.jsonl', 'scheduler.yaml']);
    await post(subject);
    await subject.store.close();
    expect(checkStore(join(copy, 'scheduler_state.db'))).toEqual([]);
    const db = new Database(join(copy, 'scheduler_state.db'), { readonly: true });
    expect(db.prepare(`SELECT count(*) FROM jobs WHERE status = 'success'`).pluck().get()).toBe(1);
    db.close();
    expect(existsSync(`${copy}.unfinished`)).toBe(false);
    await expect(backUp(request())).rejects.toMatchObject({ code: 'BACKUP_REFUSED' });
  });

  it('of nothing is refused', async () => {
    clock = new VirtualClock();
    await expect(backUp(request())).rejects.toMatchObject({ code: 'BACKUP_REFUSED', message: expect.stringContaining('no queue') });
  });
});

describe('putting back', () => {
  it('knows every post that was made after the copy', async () => {
    const subject = await open();
    await subject.accounts(['alice'], { postsPerDay: 9 });
    await subject.add([{ id: 'one' }, { id: 'two' }]);
    await post(subject);
    await backUp(request());
    await post(subject);
    await subject.store.close();
    const before = readFileSync(join(home, 'posted.jsonl'), 'utf8');
    const { former, later } = await putBack(request());
    expect(later).toBe(2);
    expect(existsSync(join(former ?? '', 'scheduler_state.db'))).toBe(true);
    expect(readFileSync(join(home, 'posted.jsonl'), 'utf8')).toBe(before);
    const store = new SqliteStore({ path, clock, random: new FakeRandom(0.5) });
    expect(await store.job('two')).toMatchObject({ status: 'pending' });
    // What a start compares: the post that the copy does not know must be found.
    const missing = await new PostedFile({ path: join(home, 'posted.jsonl') }).compareWith(store);
    expect(missing.map(({ sha256, confirmed }) => [sha256, confirmed])).toEqual([[(await store.job('two'))?.sha256, true]]);
    await store.close();
  });

  it('takes nothing from a killed scheduler’s database before the copy is in its place', async () => {
    const subject = await open();
    await subject.accounts(['alice']);
    await backUp(request());
    await subject.add([{ id: 'one' }]);
    // As SIGKILL leaves it: what was added last stands in the WAL alone. Whatever ends the order in the middle, it must be there still.
    const ends = ['', '-wal'];
    for (const end of ends) copyFileSync(`${path}${end}`, `${path}${end}.killed`);
    await subject.store.close();
    for (const end of ends) renameSync(`${path}${end}.killed`, `${path}${end}`);
    const { former } = await putBack(request());
    expect(readdirSync(former ?? '')).toEqual(['scheduler_state.db']);
    const store = new SqliteStore({ path: join(former ?? '', 'scheduler_state.db'), clock, random: new FakeRandom(0.5) });
    expect(await store.job('one')).toMatchObject({ status: 'pending' });
    await store.close();
    expect(checkStore(path)).toEqual([]);
  });

  it('into an empty home brings the record of posts along', async () => {
    const subject = await open();
    await subject.accounts(['alice']);
    await subject.add([{ id: 'one' }]);
    await post(subject);
    await subject.store.close();
    await backUp(request());
    for (const name of ['scheduler_state.db', 'scheduler_state.db-wal', 'scheduler_state.db-shm', 'posted.jsonl'])
      rmSync(join(home, name), { force: true });
    expect(await putBack(request())).toEqual({ former: null, later: 0 });
    expect(readFileSync(join(home, 'posted.jsonl'), 'utf8').split('\n')).toHaveLength(3);
    expect(checkStore(path)).toEqual([]);
  });

  it('of a damaged copy, or of something else, changes nothing', async () => {
    const subject = await open();
    await subject.store.close();
    await expect(putBack(request())).rejects.toMatchObject({ code: 'BACKUP_REFUSED' });
    await backUp(request());
    const bytes = readFileSync(join(copy, 'scheduler_state.db'));
    bytes.fill(0xff, 4_096, 12_288);
    writeFileSync(join(copy, 'scheduler_state.db'), bytes);
    await expect(putBack(request())).rejects.toMatchObject({ code: expect.stringMatching(/BACKUP_REFUSED|STORE_FAILED/) });
    expect(checkStore(path)).toEqual([]);
  });

  it('of a newer program is refused', async () => {
    const subject = await open();
    await subject.store.close();
    await backUp(request());
    const db = new Database(join(copy, 'scheduler_state.db'));
    db.pragma('user_version = 999');
    db.close();
    await expect(putBack(request())).rejects.toMatchObject({ code: 'STORE_TOO_NEW' });
  });
});

it('--check finds a count that is wrong', async () => {
  const subject = await open();
  await subject.store.close();
  const db = new Database(path);
  db.exec(`UPDATE counts SET n = n + 1 WHERE status = 'pending'; INSERT OR IGNORE INTO counts VALUES ('pending', 1)`);
  db.close();
  expect(checkStore(path)).toEqual(['1 jobs are counted as pending, 0 are']);
});

it('a database that is not there is named, and is no trouble of the disk', () => {
  expect(() => checkStore(join(copy, 'gone.db'))).toThrow(`there is no database ${join(copy, 'gone.db')}`);
});
