/** A campaign folder of the predecessor comes in whole, and publishes nothing again (promises 1 and 2). */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { readCampaign } from '../../src/cli/campaign.ts';
import { lookFirst } from '../../src/cli/first-look.ts';
import { parseArgv } from '../../src/cli/options.ts';
import { perform } from '../../src/cli/perform.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { Desk } from '../../src/scheduler/desk.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { StateFiles, writeState } from '../../src/stores/state-files.ts';
import { MemoryStore } from '../stores/memory-store.ts';
import { policy } from '../support/build.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const GOOD = join(import.meta.dirname, '..', 'fixtures', 'videos', 'good.mp4');
const CONFIG = { delayBetweenPostsMs: 0, defaults: { postsPerDay: 1, retry: DEFAULT_RETRY } };

let folder: string;
let store: MemoryStore;
let written: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'campaign-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  store = new MemoryStore({ clock, random: new FakeRandom() });
  written = [];
  mkdirSync(join(folder, 'videos'));
  copyFileSync(GOOD, join(folder, 'videos', 'new.mp4'));
  give('accounts.txt', 'alice\n@bob, carol # the third\n\n');
  give('captions.csv', 'filename,caption\nnew,"hello, you"\n');
});

const clock = new VirtualClock();
const give = (name: string, text: string) => writeFileSync(join(folder, name), text);

/** What a command line does in an empty home. */
async function order(...argv: readonly string[]): Promise<void> {
  const accountPolicy = () => policy();
  const ledger = { append: async () => {}, withdraw: async () => {}, confirm: async () => {} };
  const desk = new Desk({
    store,
    ledger,
    doubted: new DoubtedHolders({ store, isDead: async () => false }),
    epoch: 0,
    clock,
    home: folder,
    accountPolicy,
    isConfigured: () => false,
    daemon: null,
    wake: () => {},
  });
  const files = new StateFiles({ store, clock, config: { ...CONFIG, home: folder, timezone: 'UTC' }, policyOf: accountPolicy });
  const office = {
    handle: desk.handle.bind(desk),
    reader: store,
    files,
    write: (path: string) => writeState({ store, clock, config: CONFIG, path }),
  };
  const terminal = { isTty: false, columns: 100, write: (text: string) => void written.push(text) };
  await perform({ options: parseArgv(argv, '1'), office, terminal, clock, random: new FakeRandom(), zoneOf: () => 'UTC' });
}

describe('--import FOLDER', () => {
  it('takes accounts, what was published, and the videos of a campaign folder', async () => {
    copyFileSync(GOOD, join(folder, 'videos', 'old.mp4'));
    writeFileSync(join(folder, 'videos', 'old.mp4'), '\0\0\0\x09free1', { flag: 'a' });
    give('campaign.json', '{"name": "Spring", "enabled": true, "max_posts_per_account_per_day": 2}');
    const published = `old_Spring,alice,${join(folder, 'videos', 'old.mp4')},c,success`;
    give('progress.csv', `job_id,account,video_path,caption,status\n${published}\n`);
    await order('--import', folder);
    expect(written.join('')).toContain('Campaign Spring:\n');
    expect(written.join('')).toContain('posts_per_day: 2');
    expect((await store.accounts(clock.now())).map(({ name }) => name)).toEqual(['alice', 'bob', 'carol']);
    const jobs = await store.jobs({});
    expect(jobs.map(({ status, caption, account }) => [status, caption, account])).toEqual([
      ['success', 'c', 'alice'],
      ['pending', 'hello, you', null],
    ]);
    expect(written.join('')).toMatch(/Queued 1 of 2 videos, 1 already known/);
  });

  it.each([
    ['it has no accounts.txt', () => rmSync(join(folder, 'accounts.txt'))],
    ['names no account', () => give('accounts.txt', '# nobody\n')],
    ['enabled: false', () => give('campaign.json', '{"enabled": false}')],
    ['cannot be read', () => give('campaign.json', '{')],
  ])('changes nothing when %s', async (what, spoil) => {
    spoil();
    await expect(order('--import', folder)).rejects.toMatchObject({ code: 'BAD_IMPORT', message: expect.stringContaining(what) });
    expect(await store.jobs({})).toEqual([]);
    expect(await store.accounts(clock.now())).toEqual([]);
  });

  it('is looked at before a home is made for it', async () => {
    rmSync(join(folder, 'accounts.txt'));
    for (const path of [folder, join(folder, 'nothing.csv')]) {
      await expect(lookFirst(parseArgv(['--import', path], '1'), null)).rejects.toMatchObject({ code: 'BAD_IMPORT' });
    }
    await lookFirst(parseArgv(['--import', join(folder, 'captions.csv')], '1'), null);
  });

  it('reads names with commas, handles and comments, each once', async () => {
    give('accounts.txt', '\uFEFF@a,b\r\n b # c\n');
    expect((await readCampaign(folder)).accounts).toEqual(['a', 'b']);
  });
});

describe('--export', () => {
  it('writes .json and .csv, and names what it does not write', async () => {
    await order('--import', folder, '--export', join(folder, 'out.csv'));
    expect(written.join('')).toContain('Wrote ');
    await expect(order('--export', 'out.xlsx')).rejects.toMatchObject({ code: 'BAD_USAGE' });
  });
});
