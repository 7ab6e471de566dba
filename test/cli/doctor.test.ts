/** Guards promise 7: what is not in order is named with its remedy, and nothing that fails keeps the rest from being looked at. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bad, examine, exitCode, fine, look, type Probe, renderFindings, verdict } from '../../src/cli/doctor.ts';
import { probesOf } from '../../src/compose-doctor.ts';
import { loadConfig } from '../../src/config.ts';
import { SchedulerError } from '../../src/errors.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

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
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'doctor-'));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  async function findings(yaml: string, environment: Readonly<Record<string, string>> = { PATH: process.env.PATH ?? '' }) {
    writeFileSync(join(home, 'scheduler.yaml'), yaml);
    const config = loadConfig({ home, file: null, overrides: {} });
    const parts = { config, clock: new SystemClock(), environment, uptimeUs: () => 0, daemonListens: async () => false };
    const found = await examine(probesOf(parts), new SystemClock());
    return new Map(found.map((finding) => [finding.what, finding]));
  }

  it('that needs no phone is not asked for one', async () => {
    const found = await findings('publisher: {module: ./mine.mjs}\n');
    expect([...found.keys()]).toEqual(['Node', 'disk space', 'clock and zone', 'lock', 'database', 'videos', 'service']);
    expect([...found.values()].filter(({ state }) => state === 'bad')).toEqual([]);
  });

  it('without adb is told how to get it', async () => {
    mkdirSync(join(home, 'sdk'));
    const found = await findings(`adb: {path: ${join(home, 'sdk')}}\ndevices: {usb: false}\n`);
    expect(found.get('adb')).toMatchObject({ state: 'bad', remedy: expect.stringContaining('Install it') });
    expect(found.get('Appium')).toMatchObject({ state: 'ok', text: expect.stringContaining('appium-uiautomator2-driver') });
  });

  it('with a database that is none is told to restore one', async () => {
    writeFileSync(join(home, 'scheduler_state.db'), 'no database at all, but long enough to be taken for one'.repeat(50));
    const found = await findings('publisher: {module: ./mine.mjs}\n');
    expect(found.get('database')).toMatchObject({ state: 'bad' });
  });

  it('with a dead lock says that nothing has to be done', async () => {
    writeFileSync(join(home, 'scheduler.lock'), JSON.stringify({ pid: 999_999, started: '2020-01-01T00:00:00Z' }));
    expect((await findings('publisher: {module: ./mine.mjs}\n')).get('lock')).toMatchObject({
      state: 'warn',
      text: expect.stringContaining('999999'),
    });
  });
});
