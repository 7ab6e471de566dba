/** Guards promise 5 and "one clear message for every bad input": settings mean what was written, or the start is refused with the place and the remedy. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountPolicy, type Config, type ConfigOverrides, loadConfig, namedPhones, shownSettings } from '../../src/config.ts';
import { configInWords } from '../../src/config-shown.ts';
import { DEFAULT_RETRY } from '../../src/domain/retry.ts';
import { SchedulerError } from '../../src/errors.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(home, { recursive: true }));

function load(yaml: string | null, overrides: ConfigOverrides = {}): Config {
  if (yaml !== null) writeFileSync(join(home, 'scheduler.yaml'), yaml);
  return loadConfig({ home, file: null, overrides });
}

function complaint(yaml: string): string {
  try {
    load(yaml);
  } catch (error) {
    if (error instanceof SchedulerError && error.code === 'BAD_CONFIG') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

const WHOLE = `
timezone: Europe/Berlin
accounts:
  - {name: alice, app: tiktok, device: geelark:alice-phone, posts_per_day: 2, rolling_24h: 3, windows: ["mon-fri 09:00-21:00"], min_gap: 1h, jitter: 20m}
  - bob
  - {name: "@carol", timezone: Asia/Tokyo, retry: 5, publisher: {module: ./mine.mjs, options: {quick: true}}}
defaults: {app: instagram, posts_per_day: 1, rolling_24h: off, windows: ["00:00-24:00"], delay_between_posts: 10s, too_late: 24h}
apps: {tiktok: {retry: {max_attempts: 2}}}
workers: 3
retry: {max_attempts: 4, initial_delay: 15s, backoff_multiplier: 1.5, max_delay: 10m, jitter: 0.2}
passes: {max_passes: 3, delay: 30s, infra_retry_limit: 2, unknown_is_retryable: false}
cooldown: {after: 3, step: 10m, max: 1h}
appium: {base_port: 4725, health_timeout: 5s, failures_before_restart: 3, retry_every: 10s, restart_pause: 60s}
devices: {geelark: {token: env:GEELARK_TOKEN}, network: [192.0.2.7:5555], simulated: [{name: phone-1, address: 127.0.0.1:6000}]}
adb: {port: 5039, path: /usr/bin/adb}
phases: {push: 2m}
verify: {settle: 20s, second_look: 20s, gaps: [1m, 5m], give_up: 12h}
`;

describe('loadConfig', () => {
  it('is complete without any file, with the defaults of docs/configuration.md', () => {
    const config = load(null);
    expect(config).toMatchObject({
      file: null,
      store: join(home, 'scheduler_state.db'),
      accounts: [],
      defaults: { app: 'instagram', postsPerDay: 1, rolling24h: null, minGapMs: 0, retry: DEFAULT_RETRY },
      delayBetweenPostsMs: 10_000,
      tooLateMs: 86_400_000,
      workers: null,
      passes: { maxPasses: 3, delayMs: 30_000, infraRetryLimit: 3, unknownIsRetryable: true },
      cooldown: { after: 3, stepMs: 600_000, maxMs: 3_600_000 },
      appium: { url: null, basePort: 4723, healthTimeoutMs: 5_000, failuresBeforeRestart: 3, retryEveryMs: 10_000, restartPauseMs: 60_000 },
      devices: { usb: true, network: [], simulated: [], geelark: null },
      publisher: { kind: 'appium' },
      said: {},
    });
    expect(config.defaults.windows).toEqual([{ days: [1, 2, 3, 4, 5, 6, 7], fromMinute: 0, toMinute: 1440 }]);
    expect(config.defaults.retry.limits).toMatchObject({ infrastructure: 3, unknown: 1 });
  });

  it('reads every key of the example in the documentation', () => {
    const config = load(WHOLE);
    expect(accountPolicy(config, 'alice')).toMatchObject({
      app: 'tiktok',
      device: 'geelark:alice-phone',
      timezone: 'Europe/Berlin',
      postsPerDay: 2,
      rolling24h: 3,
      windows: [{ days: [1, 2, 3, 4, 5], fromMinute: 540, toMinute: 1260 }],
      minGapMs: 3_600_000,
      jitterMs: 1_200_000,
      retry: { maxAttempts: 2, explicitMaxAttempts: true },
    });
    expect(accountPolicy(config, 'carol')).toMatchObject({ timezone: 'Asia/Tokyo', retry: { maxAttempts: 5, explicitMaxAttempts: true } });
    expect(accountPolicy(config, 'somebody added later')).toEqual(config.defaults);
    expect(config.accounts[2]?.publisher).toEqual({ kind: 'module', path: join(home, 'mine.mjs'), options: { quick: true } });
    expect(config.devices).toEqual({
      usb: true,
      network: [{ name: '192.0.2.7:5555', address: '192.0.2.7:5555' }],
      simulated: [{ name: 'phone-1', address: '127.0.0.1:6000' }],
      geelark: { token: 'env:GEELARK_TOKEN' },
    });
    expect(config).toMatchObject({ adb: { port: 5039, path: '/usr/bin/adb' }, phases: { push: 120_000 }, appium: { basePort: 4725 } });
    expect(config.verify.gapsMs).toEqual([60_000, 300_000]);
    expect(config.defaults.retry).toMatchObject({ maxAttempts: 4, explicitMaxAttempts: false, limits: { infrastructure: 2, unknown: 0 } });
  });

  it('lets the command line win, and knows where each value came from', () => {
    const config = load('workers: 3\npasses: {max_passes: 2}\n', { maxPasses: 5, retryDelayMs: 60_000, store: 'other.db' });
    expect(config.passes).toMatchObject({ maxPasses: 5, delayMs: 60_000 });
    expect(config.store).toBe(join(home, 'other.db'));
    expect(Object.entries(config.said).map(([setting, { from }]) => [setting, from])).toEqual([
      ['workers', 'file'],
      ['passes.max_passes', 'command line'],
      ['passes.delay', 'command line'],
      ['store', 'command line'],
    ]);
    expect(shownSettings(config)).toMatchObject({ workers: 3, max_passes: 5, retry_delay_seconds: 60, infra_retry_limit: 3 });
  });

  it('keeps events, logs and evidence as long, and as much of them, as it is told', () => {
    const day = 86_400_000;
    expect(load(null).retention).toEqual({
      eventsMs: 90 * day,
      logs: { keepMs: 14 * day, keepFiles: 14 },
      evidence: { keepMs: 30 * day, mostBytes: 2e9 },
    });
    expect(load('retention: {events: 30d, logs: 3d, log_files: 5, evidence: 12h, evidence_size: 1.5GB}\n').retention).toEqual({
      eventsMs: 30 * day,
      logs: { keepMs: 3 * day, keepFiles: 5 },
      evidence: { keepMs: day / 2, mostBytes: 1.5e9 },
    });
    const sizes = ['500MB', '20 kb', 4096].map((text) => load(`retention: {evidence_size: ${text}}\n`).retention.evidence.mostBytes);
    expect(sizes).toEqual([5e8, 20_000, 4096]);
  });

  it('shows every setting in words, where it comes from, and no secret', () => {
    const url = 'postgres://scheduler:topsecret@db/x';
    const publisher = 'publisher: {module: ./mine.mjs, options: {api_key: abc123, login: {password: 471123, user: me}}}';
    const file = `devices: {geelark: {token: abc123}}\nappium: {url: "http://me:topsecret@h:4723"}\nstore: "${url}"\n${publisher}\n`;
    const config = load(file, { workers: 2 });
    const shown = configInWords(config);
    expect(shown).toContainEqual({ setting: 'passes.max_passes', value: 3, from: 'default' });
    for (const secret of ['devices.geelark.token', 'publisher.options.api_key', 'publisher.options.login.password'])
      expect(shown).toContainEqual({ setting: secret, value: '(hidden)', from: 'file' });
    expect(shown).toContainEqual({ setting: 'publisher.options.login.user', value: 'me', from: 'file' });
    expect(shown).toContainEqual({ setting: 'store', value: 'postgres://scheduler:(hidden)@db/x', from: 'file' });
    expect(shown).toContainEqual(expect.objectContaining({ setting: 'timezone', value: config.timezone, from: 'default' }));
    expect(shown).toContainEqual({ setting: 'appium.base_port', value: 4723, from: 'default' });
    expect(JSON.stringify(shown)).not.toMatch(/topsecret|abc123/);
    expect(shown).toContainEqual({ setting: 'workers', value: 2, from: 'command line' });
  });

  it('shows settings as they could be written: what is shown loads again, and says the same', () => {
    const file = 'timezone: Asia/Tokyo\naccounts: [alice, {name: bob, retry: 2}]\nretry: {initial_delay: 0.5, never: [port_busy]}\n';
    const config = load(`${file}publisher: {module: ./mine.mjs, options: {folder: /srv}}\nphases: {push: 5m}\n`, { retryDelayMs: 1_500 });
    const shown = configInWords(config);
    expect(shown).toContainEqual({ setting: 'retry.initial_delay', value: 0.5, from: 'file' });
    expect(shown).toContainEqual({ setting: 'retry.max_attempts', value: 3, from: 'default' });
    expect(shown).toContainEqual({ setting: 'passes.delay', value: '1.5s', from: 'command line' });
    const written = shown.filter(({ value }) => value !== null);
    const again: Record<string, unknown> = {};
    for (const { setting, value } of written) put(again, setting.split('.'), value);
    expect({ ...load(JSON.stringify(again)), said: null, file: null }).toEqual({ ...config, said: null, file: null });
  });

  it('never resolves a secret, and shows none', () => {
    const config = load('devices: {geelark: {token: env:HOME}}\n');
    expect(config.devices.geelark?.token).toBe('env:HOME');
    expect(JSON.stringify(shownSettings(config))).not.toContain('env:HOME');
    expect(complaint('devices: {geelark: {token: [hunter2]}}')).not.toContain('hunter2');
  });

  it.each([
    ['worker: 3', 'scheduler.yaml:1:1: worker is not a setting; did you mean "workers"?'],
    ['workers: 2\nretry: {max_atempts: 3}', 'scheduler.yaml:2:9: retry.max_atempts is not a setting; did you mean "max_attempts"?'],
    [
      'devices: {network: [{name: x, adress: "a:1"}]}',
      'scheduler.yaml:1:31: devices.network[1].adress is not a setting; did you mean "address"?',
    ],
    ['publisher: {modul: x}', 'did you mean "module"?'],
    ['workers: three', 'scheduler.yaml:1:1: workers must be a number'],
    ['workers: 1.5', 'workers must be a whole number'],
    ['workers: 0', 'workers must be at least 1'],
    ['accounts:\n  - name: a\n    posts_per_day: two', 'scheduler.yaml:3:5: accounts[1].posts_per_day must be a number'],
    [
      'accounts:\n  - {name: a, windows: ["mon 25:00-26:00"]}',
      'scheduler.yaml:2:25: accounts[1].windows[1] is wrong: hours run from 00:00 to 24:00',
    ],
    ['accounts: [a, "@a"]', 'the account "a" is listed twice'],
    ['accounts: [{app: x}]', 'accounts[1].name is missing'],
    ['accounts: ["a b"]', 'accounts[1].name is no account name'],
    ['accounts: alice', 'accounts must be a list'],
    ['timezone: Berlin', 'timezone is no time zone; write one such as Europe/Berlin'],
    ['cooldown: {step: never}', 'cooldown.step must be a duration such as 15s'],
    ['retention: {evidence_size: much}', 'retention.evidence_size must be a size such as 500MB or 2GB'],
    ['retention: {evidence_size: -1}', 'retention.evidence_size must be a size such as 500MB or 2GB'],
    ['retention: {logs: 1h}', 'retention.logs must be at least 1d'],
    ['retry: {initial_delay: soon}', 'retry is wrong: initial_delay: "soon" is no duration'],
    ['publisher: foo', 'publisher must be appium, or {module'],
    ['devices: {network: [foo]}', 'devices.network[1] must be host:port'],
    ['appium: {url: nope}', 'appium.url must be a URL'],
    ['appium: {base_port: 70000}', 'appium.base_port must be at most 65535'],
    ['- a', 'the file must be a mapping'],
    ['a: [1\nb: 2', 'scheduler.yaml:2:1: this is not valid YAML'],
  ])('refuses %j in one sentence with its place', (yaml, message) => {
    expect(complaint(yaml)).toContain(message);
    expect(complaint(yaml)).toMatch(/^scheduler\.yaml:\d+:\d+: /);
  });

  it('names a file that was asked for and is not there', () => {
    expect(() => loadConfig({ home, file: join(home, 'mine.yaml'), overrides: {} })).toThrow(/mine\.yaml: there is no such file/);
  });

  it('reads conditions of the retry policy on every level', () => {
    const retry = (text: string) => `retry: {${text}}`;
    expect(load(retry(`max_attempts: 3, initial_delay: 1.0, retry_when: "{{ error != None }}"`)).defaults.retry).toMatchObject({
      retryWhen: '{{ error != None }}',
      stopWhen: null,
    });
    const account = load(`accounts: [{name: alice, ${retry(`stop_when: "{{ type == 'captcha' }}"`)}}]`).accounts[0]?.policy;
    expect(account?.retry.stopWhen).toBe("{{ type == 'captcha' }}");
    const app = load(`apps: {instagram: {${retry(`retry_when: "{{ attempt < 2 }}"`)}}}`).defaults;
    expect(app.retry.retryWhen).toBe('{{ attempt < 2 }}');
  });

  it.each([
    ['retry:\n  retry_when: "{% if error %}yes{% endif %}"', 'scheduler.yaml:2:3: retry.retry_when must be one expression'],
    ['retry:\n  retry_when: "{{ {{ error }} }}"', 'scheduler.yaml:2:3: retry.retry_when must be one expression; it holds several'],
    ['retry:\n  max_attempts: 3\n  stop_when: error', 'scheduler.yaml:3:3: retry.stop_when must be one expression in double braces'],
    ['retry: {stop_when: {{ error }}}', 'scheduler.yaml:1:9: retry.stop_when must be one expression in quotes'],
    [
      'accounts:\n  - name: alice\n    retry: {retry_when: "{{ eror }}"}',
      'scheduler.yaml:3:13: accounts[1].retry.retry_when asks for "eror"',
    ],
  ])('refuses %j with its place', (yaml, message) => {
    expect(complaint(yaml)).toContain(message);
  });
});

function put(into: Record<string, unknown>, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    into[key] = value;
    return;
  }
  into[key] = into[key] ?? {};
  put(into[key] as Record<string, unknown>, rest, value);
}

it('knows which phones there can be only when none is found by looking', () => {
  const named = 'simulated: [{name: phone-1, address: "127.0.0.1:6000"}], network: [{name: phone-2, address: "192.0.2.7:5555"}]';
  expect(namedPhones(load(`devices: {usb: false, ${named}}`))).toEqual(['phone-2', 'phone-1']);
  expect(namedPhones(load(`devices: {${named}}`))).toBeNull();
  expect(namedPhones(load('devices: {usb: false}'))).toBeNull();
  expect(namedPhones(load(`devices: {usb: false, ${named}, geelark: {token: x}}`))).toBeNull();
});
