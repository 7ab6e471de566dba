/** Guards promise 7: what is not in order is named with its remedy, and nothing that fails keeps the rest from being looked at. */

import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { bad, examine, exitCode, type Finding, fine, look, type Probe, renderFindings, verdict } from '../../src/cli/doctor.ts';
import type { Machine } from '../../src/cli/machine.ts';
import { thisHost } from '../../src/cli/service/host.ts';
import { type DoctorParts, probesOf } from '../../src/compose-doctor.ts';
import { loadConfig } from '../../src/config.ts';
import { startSimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { SchedulerError } from '../../src/errors.ts';
import { isoTime, SystemClock } from '../../src/runtime/clock.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { FakeRandom } from '../support/fake-random.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const plain = { isTty: false };
const probe = (what: string, take: Probe['look']): Probe => ({ what, look: take });

describe('an examination', () => {
  it('goes on after whatever a look throws, and takes the remedy from the error', async () => {
    const findings = await examine(
      [
        probe('adb', () => Promise.reject(new SchedulerError('ADB_NOT_FOUND', { details: { where: 'looked in /x' } }))),
        probe('odd', () => Promise.reject(new Error('boom'))),
        probe('phones', async () => [fine('phone-1 answers'), bad('phone-2 is silent', 'Look at its cable.')]),
      ],
      new SystemClock(),
    );
    expect(findings.map(({ what, state }) => `${what} ${state}`)).toEqual(['adb bad', 'odd bad', 'phones ok', 'phones bad']);
    expect(findings[0]?.remedy).toContain('apt-get install adb');
  });

  it('does not wait for ever', async () => {
    const clock = new VirtualClock();
    const examining = examine([probe('phones', () => new Promise(() => undefined))], clock);
    await clock.untilWaiting();
    await clock.advance(60_000);
    expect((await examining)[0]).toMatchObject({ state: 'bad', text: 'no answer within 60 s' });
  });

  it.each([
    [[fine('a')], 0, 'Everything is in order.'],
    [[fine('a'), look('b', 'c')], 0, 'In order; 1 of 2 deserves a look.'],
    [[look('b', 'c'), bad('d', 'e')], 1, '1 of 2 are bad: correct them before the night.'],
  ])('ends with a verdict: %j', (found, code, text) => {
    const findings = found.map((one) => ({ what: 'x', ...one }));
    expect(exitCode(findings)).toBe(code);
    expect(verdict(findings)).toBe(text);
    for (const { remedy } of findings) if (remedy !== null) expect(renderFindings(findings, plain)).toContain(`→ ${remedy}`);
  });
});

describe('a home', () => {
  const DESK = 'devices: {usb: false, network: [{name: desk-1, address: "127.0.0.1:9"}]}\n';
  const ONE_PHONE = `${DESK}adb: {port: PORT}\n`;
  const MODULE = 'publisher: {module: ./mine.mjs}\n';
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'doctor-'));
    writeFileSync(join(home, 'mine.mjs'), '');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  /** A machine on which nothing is missing. */
  function sound(): Machine {
    const service = { ...thisHost({}), platform: 'linux' as const, unitFile: () => join(home, 'unit'), isRunning: () => true };
    return {
      node: { version: '24.11.0', path: '/usr/bin/node' },
      packageVersion: () => '1.0.0',
      freeBytes: async () => 99e9,
      keepsTime: () => true,
      service: { ...service, systemctl: async () => ({ code: 0, stdout: '', stderr: '' }) },
    };
  }

  interface Case {
    readonly yaml?: string;
    readonly machine?: Partial<Machine>;
    readonly parts?: Partial<DoctorParts>;
  }

  async function findings({ yaml = MODULE, machine = {}, parts: more = {} }: Case) {
    // An adb server of our own: others may use that of the machine.
    writeFileSync(join(home, 'scheduler.yaml'), yaml.replace('PORT', String(await freePort())));
    const config = loadConfig({ home, file: null, overrides: {} });
    const environment = { PATH: process.env.PATH ?? '' };
    const own = { root: ROOT, machine: { ...sound(), ...machine }, uptimeUs: () => 100e6, daemonListens: async () => false };
    return examine(probesOf({ config, clock: new SystemClock(), environment, ...own, ...more }), new SystemClock());
  }
  const about = (found: readonly Finding[], what: string) => found.filter((finding) => finding.what === what);

  /** The unit of this home as `--install-service` writes it, and what systemd says of it. */
  function serviceSays(...lines: readonly string[]): Machine['service'] {
    writeFileSync(join(home, 'unit'), `ExecStart="/n" "/p/bin/scheduler.js" --home "${home}" --run\n`);
    return { ...sound().service, systemctl: async () => ({ code: 0, stdout: lines.join('\n'), stderr: '' }) };
  }

  it('that needs no phone is not asked for one', async () => {
    const found = await findings({});
    const asked = ['Node', 'publisher', 'disk space', 'clock and zone', 'lock', 'database', 'videos', 'service'];
    expect(found.map(({ what }) => what)).toEqual(asked);
    expect(found.filter(({ state }) => state === 'bad')).toEqual([]);
  });

  it.each([
    [
      'is bad when accounts post through both',
      'accounts: [{name: alice, device: desk-1}, {name: bob, device: desk-2}]',
      'bad',
      /, and accounts post through both$/,
    ],
    ['deserves a look otherwise', 'accounts: [{name: alice, device: desk-1}, {name: bob, device: desk-1}]', 'warn', /desk-1$/],
  ] as const)('in which one device has two names: it %s', async (_what, accounts, state, text) => {
    const [phone, neighbour] = await Promise.all(
      ['one', 'other'].map((name) => startSimulatedPhone({ name, accounts: ['alice'], folder: join(home, name) })),
    );
    onTestFinished(async () => void (await Promise.all([phone?.stop(), neighbour?.stop()])));
    const at = (name: string, address = '') => `{name: ${name}, address: "${address}"}`;
    const names = [at('desk-1', phone?.adbAddress), at('desk-2', phone?.adbAddress.replace('127.0.0.1', 'localhost'))];
    const all = [...names, at('desk-3', neighbour?.adbAddress)].join(', ');
    const found = about(await findings({ yaml: `devices: {usb: false, network: [${all}]}\nadb: {port: PORT}\n${accounts}\n` }), 'phones');
    expect(found.map((finding) => finding.state)).toEqual(['ok', 'ok', 'ok', state]);
    expect(found[3]?.text).toMatch(/^desk-2 is the same device as desk-1/);
    expect(found[3]?.text).toMatch(text);
    expect(found[3]?.remedy).toContain('Name this phone in one way only');
  });

  const gone = () => {
    throw new Error('Cannot find module');
  };
  const adb = (path: string) => `adb: {path: ${path}}\n${DESK}`;
  const CASES: readonly (readonly [string, string, 'bad' | 'warn', RegExp, (at: string) => Case | Promise<Case>])[] = [
    ['an old Node', 'Node', 'bad', /24\.10\.9/, () => ({ machine: { node: { version: '24.10.9', path: '/n' } } })],
    ['no adb', 'adb', 'bad', /adb/, (at) => ({ yaml: adb(at) })],
    [
      'an ANDROID_HOME that holds no adb',
      'adb',
      'warn',
      /holds none/,
      (at) => ({ yaml: ONE_PHONE, parts: { environment: { ANDROID_HOME: at, PATH: '' } } }),
    ],
    ['no Appium', 'Appium', 'bad', /no package appium/, () => ({ yaml: ONE_PHONE, machine: { packageVersion: gone } })],
    [
      'no driver',
      'Appium',
      'bad',
      /no package appium-uiautomator2-driver/,
      () => ({ yaml: ONE_PHONE, machine: { packageVersion: (name) => (name === 'appium' ? '3.8.0' : gone()) } }),
    ],
    [
      'a taken port',
      'ports',
      'warn',
      /is taken by another program/,
      async () => ({ yaml: `${ONE_PHONE}appium: {base_port: ${await takenPort()}}\n` }),
    ],
    ['no phone at all', 'phones', 'bad', /there is none/, () => ({ yaml: 'devices: {usb: false}\nadb: {port: PORT}\n' })],
    ['a phone that does not answer', 'phones', 'bad', /desk-1/, () => ({ yaml: ONE_PHONE })],
    [
      'an account on a phone that is not there',
      'phones',
      'bad',
      /"desk-9" is not among the phones \(desk-1\)/,
      () => ({ yaml: `${ONE_PHONE}accounts: [{name: bob, device: desk-9}]\n` }),
    ],
    ['an app without a flow', 'apps', 'bad', /nosuchapp/, () => ({ yaml: `${ONE_PHONE}accounts: [{name: bob, app: nosuchapp}]\n` })],
    [
      'a publisher that is not there',
      'publisher',
      'bad',
      /other\.mjs is not there/,
      () => ({ yaml: 'publisher: {module: ./other.mjs}\n' }),
    ],
    ['no space', 'disk space', 'bad', /0\.2 GB free/, () => ({ machine: { freeBytes: async () => 2e8 } })],
    ['little space', 'disk space', 'warn', /3\.0 GB free/, () => ({ machine: { freeBytes: async () => 3e9 } })],
    ['a clock that was never set', 'clock and zone', 'bad', /1970/, () => ({ parts: { clock: new VirtualClock(0) } })],
    ['a clock that nobody keeps', 'clock and zone', 'warn', /not kept by a time server/, () => ({ machine: { keepsTime: () => false } })],
    ['a lock of a dead one', 'lock', 'warn', /999999/, () => lockOf({ pid: 999_999, started: '2020-01-01T00:00:00Z' })],
    [
      'a lock of one that takes no orders',
      'lock',
      'warn',
      /takes no orders/,
      () => lockOf({ pid: process.pid, started: isoTime(Date.now()), hostname: hostname() }),
    ],
    ['a damaged database', 'database', 'bad', /scheduler_state\.db|not a database/, () => damagedStore()],
    ['a video that is gone', 'videos', 'bad', /1 of 2 that wait cannot be read, such as .*gone\.mp4/, () => queued('here.mp4', 'gone.mp4')],
    ['no service', 'service', 'warn', /not installed/, () => ({})],
    [
      'a service that failed',
      'service',
      'bad',
      /it hung/,
      () => ({ machine: { service: serviceSays('ActiveState=failed', 'Result=watchdog') } }),
    ],
    ['a service that does not run', 'service', 'warn', /inactive/, () => ({ machine: { service: serviceSays('ActiveState=inactive') } })],
    [
      'a service without a watchdog',
      'service',
      'warn',
      /no watchdog/,
      () => ({ machine: { service: serviceSays('ActiveState=active', 'MainPID=42', 'WatchdogUSec=0') } }),
    ],
  ];

  it.each(CASES)('with %s is told, with the remedy', async (_case, what, state, text, given) => {
    const empty = join(home, 'empty');
    mkdirSync(empty);
    const found = about(await findings(await given(empty)), what);
    const troubled = found.filter((finding) => finding.state === state && text.test(finding.text));
    expect({ found, troubled: troubled.length > 0 }).toMatchObject({ troubled: true });
    for (const { remedy } of troubled) expect(remedy?.length).toBeGreaterThan(10);
  });

  it('whose service is watched is told when it was fed last', async () => {
    const said = ['ActiveState=active', 'MainPID=42', 'WatchdogUSec=2min', 'WatchdogTimestampMonotonic=90000000', 'NRestarts=1'];
    const [service] = about(await findings({ machine: { service: serviceSays(...said) } }), 'service');
    expect(service).toMatchObject({ state: 'ok', text: 'active, watchdog fed 10 s ago, 1 restarts' });
  });

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  async function takenPort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  function lockOf(content: object): Case {
    writeFileSync(join(home, 'scheduler.lock'), JSON.stringify(content));
    return {};
  }

  function damagedStore(): Case {
    writeFileSync(join(home, 'scheduler_state.db'), 'no database at all, but long enough to be taken for one'.repeat(50));
    return {};
  }

  /** Jobs of these videos; the one named gone.mp4 is not there. */
  async function queued(...names: readonly string[]): Promise<Case> {
    const store = new SqliteStore({ path: join(home, 'scheduler_state.db'), clock: new SystemClock(), random: new FakeRandom() });
    const jobs = names.map((name, index) => ({
      ...{ id: name, videoPath: join(home, name), sha256: index.toString(16).padStart(64, '0'), caption: '', account: null },
      ...{ publishAtMs: null, priority: 0, maxAttempts: null, repeat: 0 },
    }));
    await store.addJobs({ id: 'batch', source: home, accounts: null }, jobs);
    await store.close();
    for (const name of names) if (name !== 'gone.mp4') writeFileSync(join(home, name), '');
    return {};
  }
});
