/** Guards promises 3 and 6: the systemd unit says what it should, whatever the paths are, and grants a stop the time that it may take. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillUnit, homeOfUnit, type UnitValues } from '../../src/cli/service/unit.ts';
import { CLOSE_LIMIT_MS } from '../../src/scheduler/house.ts';

const root = join(import.meta.dirname, '..', '..');
const template = (name: string) => readFileSync(join(root, 'service', 'systemd', name), 'utf8');
const SYSTEM = template('posting-scheduler.service');
const USER = template('posting-scheduler.user.service');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

const values: UnitValues = {
  node: process.execPath,
  program: root,
  home: '/srv/team videos/100% "mine"',
  user: 'root',
  writable: ['/root/.android'],
  privateTmp: true,
  environment: { ANDROID_HOME: '/opt/an sdk' },
};

describe('filling in', () => {
  it('keeps paths with blanks, quotes and percent signs whole', () => {
    const unit = fillUnit(SYSTEM, values);
    expect(unit).toContain('--home "/srv/team videos/100%% \\"mine\\"" --run');
    expect(unit).toContain('WorkingDirectory=/srv/team videos/100%% "mine"\n');
    expect(unit).toContain('ReadWritePaths="/srv/team videos/100%% \\"mine\\"" "-/root/.android"');
    expect(unit).toContain('Environment="ANDROID_HOME=/opt/an sdk"');
    expect(unit).not.toMatch(/@[A-Z_]+@/);
  });

  it('reads back the home of what it wrote, for every path', () => {
    const path = fc.stringMatching(/^\/[^\0\n\r]{0,40}$/);
    fc.assert(fc.property(path, (home) => homeOfUnit(fillUnit(USER, { ...values, home })) === home));
  });

  it('knows no home of a unit that somebody else wrote', () => {
    expect(homeOfUnit('[Service]\nExecStart=/usr/bin/other --home /srv --run\n')).toBeNull();
  });
});

describe.each([
  ['of the machine', SYSTEM],
  ['of a user', USER],
])('the service %s', (_what, text) => {
  const seconds = (name: string): number => {
    const [, minutes = '0', rest = '0'] = new RegExp(`^${name}=(?:(\\d+)min)? ?(?:(\\d+)s)?$`, 'm').exec(text) ?? [];
    return Number(minutes) * 60 + Number(rest || 0);
  };

  it('grants a stop more than its stages may take together', () => {
    const hardAfterMs = Number(
      /STOP_LIMIT_MS = ([\d_]+)/.exec(readFileSync(join(root, 'src', 'compose.ts'), 'utf8'))?.[1]?.replaceAll('_', ''),
    );
    expect(hardAfterMs).toBeGreaterThanOrEqual(10_000);
    expect(seconds('TimeoutStopSec') * 1_000).toBeGreaterThan(hardAfterMs + CLOSE_LIMIT_MS + 20_000);
  });

  it('leaves nothing behind, is watched, and gives up after a few failed starts', () => {
    for (const line of [
      'Type=notify',
      'NotifyAccess=all',
      'KillMode=mixed',
      'Restart=on-failure',
      'WatchdogSec=2min',
      'StartLimitBurst=5',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    // All five within the interval, and longer than a hung holder is respected.
    expect(4 * seconds('RestartSec')).toBeGreaterThan(120);
    expect(5 * seconds('RestartSec')).toBeLessThan(seconds('StartLimitIntervalSec'));
  });

  it.runIf(hasSystemd)('is understood by systemd without a word', () => {
    const folder = mkdtempSync(join(tmpdir(), 'unit-'));
    try {
      const file = join(folder, 'posting-scheduler.service');
      writeFileSync(file, fillUnit(text, { ...values, home: folder }));
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      // It exits 0 on an unknown key: only the empty stderr proves anything.
      writeFileSync(file, fillUnit(text, { ...values, home: folder }).replace('KillMode=', 'KilMode='));
      expect(spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' }).stderr).toContain('KilMode');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

it.runIf(hasSystemd)("what the machine's service may do is exposed to 2.2 of 10 at most", () => {
  const folder = mkdtempSync(join(tmpdir(), 'unit-'));
  try {
    const file = join(folder, 'posting-scheduler.service');
    writeFileSync(file, fillUnit(SYSTEM, { ...values, home: folder, user: 'daemon' }));
    const page = execFileSync('systemd-analyze', ['security', '--offline=yes', '--no-pager', file], { encoding: 'utf8' });
    expect(Number(/exposure level for .*?: ([\d.]+)/.exec(page)?.[1])).toBeLessThanOrEqual(2.2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
