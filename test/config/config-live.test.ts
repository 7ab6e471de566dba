/** Guards promise 7: a configuration that is read again takes effect where it can, names what needs a new start, and a wrong one changes nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accountPolicy, loadConfig } from '../../src/config.ts';
import { liveConfig } from '../../src/config-live.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'live-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function live(text: string) {
  write(text);
  const read = async () => loadConfig({ home, file: null, overrides: { workers: 2 } });
  return read().then((first) => liveConfig(first, read));
}

function write(text: string): void {
  writeFileSync(join(home, 'scheduler.yaml'), text);
}

it('accounts, their policies and the retry policy follow the file', async () => {
  const { config, reload } = await live('defaults: {posts_per_day: 1}\n');
  write('defaults: {posts_per_day: 3}\naccounts: [{name: bob, posts_per_day: 5}]\nretry: 7\n');
  expect(await reload()).toEqual([]);
  expect(accountPolicy(config, 'alice').postsPerDay).toBe(3);
  expect(accountPolicy(config, 'bob').postsPerDay).toBe(5);
  expect(config.defaults.retry.maxAttempts).toBe(7);
});

it('what was wired at the start is named, as often as it differs from the start', async () => {
  const { config, reload } = await live('timezone: UTC\n');
  write('appium: {base_port: 5000}\naccounts: [{name: bob, publisher: {module: ./x.mjs}}]\ntimezone: UTC\n');
  expect(await reload()).toEqual(['appium', 'accounts: publisher']);
  expect(await reload()).toEqual(['appium', 'accounts: publisher']);
  expect(config.appium.basePort).toBe(4723);
  write('timezone: UTC\n');
  expect(await reload()).toEqual([]);
});

it('a file that is wrong changes nothing', async () => {
  const { config, reload } = await live('defaults: {posts_per_day: 2}\n');
  write('defaults: {posts_per_dya: 9}\n');
  await expect(reload()).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  expect(accountPolicy(config, 'alice').postsPerDay).toBe(2);
});
