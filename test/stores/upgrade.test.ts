/** Guards promises 1 and 2: a database of every earlier schema is brought up to date with nothing lost and nothing published again. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backUp, checkStore } from '../../src/stores/backup.ts';
import { latest } from '../../src/stores/migrate.ts';
import { MIGRATIONS } from '../../src/stores/migrations/all.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { MONDAY_NOON, VirtualClock } from '../support/virtual-clock.ts';

/** Written by the program of that time: five jobs in five states, an account on hold. */
const stored = readdirSync(join(import.meta.dirname, 'schemas')).sort();
let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'upgrade-'));
  path = join(folder, 'scheduler_state.db');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function lay(file: string): void {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('foreign_keys = OFF');
  db.exec(readFileSync(join(import.meta.dirname, 'schemas', file), 'utf8'));
  db.close();
}

it('there is a stored database of every schema', () => {
  expect(stored).toEqual(MIGRATIONS.map(({ version }) => `schema-${version}.sql`));
});

describe.each(stored)('%s', (file) => {
  it('keeps every job, account and event, and is whole afterwards', async () => {
    lay(file);
    const store = new SqliteStore({ path, clock: new VirtualClock(MONDAY_NOON), random: new FakeRandom(0.5) });
    const jobs = await store.jobs({});
    expect(jobs.map(({ id, status, account, attempts }) => [id, status, account, attempts])).toEqual([
      ['posted', 'success', 'alice', 1],
      ['doubtful', 'uncertain', 'bob', 1],
      ['failing', 'retrying', 'carol', 1],
      ['waiting', 'committing', 'dora', 1],
      ['busy', 'pending', 'dora', 0],
    ]);
    expect(jobs[0]?.caption).toBe('caption of posted ☀');
    expect(await store.account('alice')).toMatchObject({ state: 'hold', reason: 'captcha' });
    expect((await store.events({ job: 'posted' })).map(({ type }) => type)).toEqual(
      expect.arrayContaining(['claimed', 'committing', 'published']),
    );
    await store.close();
    expect(checkStore(path)).toEqual([]);
    const db = new Database(path, { readonly: true });
    expect(db.pragma('user_version', { simple: true })).toBe(latest(MIGRATIONS));
    db.close();
  });

  it('still knows what was published, and lets nobody post in doubt', async () => {
    lay(file);
    const clock = new VirtualClock(MONDAY_NOON + 120_000);
    const store = new SqliteStore({ path, clock, random: new FakeRandom(0.5) });
    const epoch = await store.raiseEpoch('new');
    const [first] = await store.jobs({ statuses: ['success'] });
    const again = { id: 'again', videoPath: '/v/again.mp4', sha256: first?.sha256 ?? '', caption: '', account: 'alice', publishAtMs: null };
    const batch = { id: 'new', source: '/v', accounts: null };
    expect((await store.addJobs(batch, [{ ...again, priority: 0, maxAttempts: null, repeat: 0 }])).known).toEqual([
      { id: 'again', knownAs: 'posted' },
    ]);
    const claimed: string[] = [];
    for (;;) {
      const token = `n${claimed.length}`;
      const job = await store.claim({ worker: 'w', token, epoch, leaseMs: 60_000, passNumber: 1, accounts: null, exceptDevices: [] });
      if (job === null) break;
      claimed.push(`${job.account} ${job.id}`);
    }
    // alice is on hold, bob and dora are in doubt: carol alone may go on, with one at a time.
    expect(claimed).toEqual([expect.stringMatching(/^carol failing$/)]);
    expect((await store.orphans(epoch, clock.now())).map(({ id }) => id)).toContain('waiting');
    await store.close();
  });

  it('can be copied before it is brought up to date', async () => {
    lay(file);
    const copy = join(folder, 'copy');
    await backUp({ home: folder, store: path, folder: copy, clock: new VirtualClock() });
    expect(checkStore(join(copy, 'scheduler_state.db'))).toEqual([]);
  });
});

it('a store of a newer program is refused, not touched', () => {
  lay(stored[0] ?? '');
  const db = new Database(path);
  db.pragma(`user_version = ${latest(MIGRATIONS) + 1}`);
  db.close();
  const before = readFileSync(path);
  expect(() => new SqliteStore({ path, clock: new VirtualClock(), random: new FakeRandom() })).toThrow(
    expect.objectContaining({ code: 'STORE_TOO_NEW' }),
  );
  expect(readFileSync(path).equals(before)).toBe(true);
});
