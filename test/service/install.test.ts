/** Guards promise 7: installing, looking and taking away a service does it, or refuses with one sentence that says what to do. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, ServiceHost } from '../../src/cli/service/host.ts';
import { type InstallRequest, installService, uninstallService } from '../../src/cli/service/install.ts';
import { renderService, viewService } from '../../src/cli/service/show.ts';
import { homeOfUnit } from '../../src/cli/service/unit.ts';

const program = join(import.meta.dirname, '..', '..');
let folder: string;
let home: string;
let ordered: string[];
let answers: Record<string, Partial<Answer>>;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'install-')));
  home = join(folder, 'home');
  mkdirSync(home);
  mkdirSync(join(folder, 'person'));
  ordered = [];
  answers = {};
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function host(more: Partial<ServiceHost> = {}): ServiceHost {
  return {
    platform: 'linux',
    uid: 0,
    environment: { ANDROID_HOME: '/opt/sdk', SECRET: 'x' },
    unitFile: (scope) => join(folder, scope, 'posting-scheduler.service'),
    isRunning: () => true,
    systemctl: async (scope, ...args) => {
      ordered.push([scope, ...args].join(' '));
      return { code: 0, stdout: '', stderr: '', ...answers[args[0] ?? ''] };
    },
    user: async () => ({ name: 'alice', home: join(folder, 'person'), gid: process.getgid?.() ?? 0 }),
    ...more,
  };
}

const request = (more: Partial<InstallRequest> = {}): InstallRequest => ({
  ...{ host: host(), scope: 'system', home, program, node: process.execPath, store: join(home, 'scheduler_state.db'), start: true },
  ...more,
});

describe('installing', () => {
  it('writes, enables and starts the unit of this home, run by whom the home belongs to', async () => {
    const lines = await installService(request());
    const unit = readFileSync(join(folder, 'system', 'posting-scheduler.service'), 'utf8');
    expect(homeOfUnit(unit)).toBe(home);
    expect(unit).toContain('User=alice\n');
    expect(unit).toContain('Environment="ANDROID_HOME=/opt/sdk"');
    expect(unit).not.toContain('SECRET');
    expect(unit).toContain(`"-${join(folder, 'person', '.android')}"`);
    expect(existsSync(join(folder, 'person', '.android'))).toBe(true);
    expect(ordered).toEqual([
      'system daemon-reload',
      'system enable posting-scheduler.service',
      'system restart posting-scheduler.service',
    ]);
    expect(lines.join(' ')).toContain('Started.');
  });

  it('lets a store outside of the home be written to, and a long home keep its socket where it can be found', async () => {
    const long = join(folder, 'h'.repeat(120));
    mkdirSync(long);
    await installService(request({ home: long, store: '/srv/elsewhere/queue.db' }));
    const unit = readFileSync(join(folder, 'system', 'posting-scheduler.service'), 'utf8');
    expect(unit).toContain('"-/srv/elsewhere"');
    expect(unit).toContain('PrivateTmp=no');
  });

  it("is the user's own with --user, without root", async () => {
    await installService(request({ host: host({ uid: 1000 }), scope: 'user' }));
    expect(readFileSync(join(folder, 'user', 'posting-scheduler.service'), 'utf8')).not.toMatch(/^User=/m);
    expect(ordered[0]).toBe('user daemon-reload');
  });

  it('again replaces the unit of the same home', async () => {
    await installService(request());
    await expect(installService(request())).resolves.toHaveLength(2);
  });

  it('ends with what systemd said when it fails', async () => {
    answers.restart = { code: 1, stderr: 'Job failed.' };
    await expect(installService(request())).rejects.toMatchObject({
      code: 'SERVICE_FAILED',
      message: expect.stringContaining('Job failed.'),
    });
  });
});

describe('refuses clearly', () => {
  it.each<[string, Partial<ServiceHost>, RegExp]>([
    ['without root', { uid: 1000 }, /installed by root/],
    ['without systemd', { isRunning: () => false }, /systemd does not run/],
    ['on Windows', { platform: 'win32' }, /PowerShell/],
    ['on a Mac', { platform: 'darwin' }, /no service for darwin/],
    ['for a home of nobody', { user: async () => null }, /belongs to no user/],
  ])('%s', async (_what, more, message) => {
    await expect(installService(request({ host: host(more) }))).rejects.toMatchObject({
      code: 'SERVICE_REFUSED',
      message: expect.stringMatching(message),
    });
    expect(existsSync(join(folder, 'system'))).toBe(false);
  });

  it('when the service runs another home, and names it; also to take it away', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    await installService(request({ home: other }));
    const before = readFileSync(join(folder, 'system', 'posting-scheduler.service'), 'utf8');
    const refusal = { code: 'SERVICE_REFUSED', message: expect.stringContaining(`runs the home ${other}`) };
    await expect(installService(request())).rejects.toMatchObject(refusal);
    await expect(uninstallService(request())).rejects.toMatchObject(refusal);
    expect(readFileSync(join(folder, 'system', 'posting-scheduler.service'), 'utf8')).toBe(before);
  });

  it('when the unit is not ours at all', async () => {
    mkdirSync(join(folder, 'system'));
    writeFileSync(join(folder, 'system', 'posting-scheduler.service'), '[Service]\nExecStart=/bin/true\n');
    await expect(installService(request())).rejects.toMatchObject({ message: expect.stringContaining('was not written by this program') });
  });

  it('to take away what is not there', async () => {
    await expect(uninstallService(request())).rejects.toMatchObject({ message: expect.stringContaining('no service is installed') });
  });
});

it('taking it away stops it first and leaves the home alone', async () => {
  await installService(request());
  ordered = [];
  await uninstallService(request());
  expect(ordered[0]).toBe('system disable --now posting-scheduler.service');
  expect(existsSync(join(folder, 'system', 'posting-scheduler.service'))).toBe(false);
  expect(existsSync(home)).toBe(true);
});

describe('--service-status', () => {
  const show = (lines: readonly string[]) => {
    answers.show = { stdout: `${lines.join('\n')}\n` };
  };

  it('says that it is not installed', async () => {
    const view = await viewService(host(), 'system', 0);
    expect(view).toMatchObject({ installed: false, active: null, home: null });
    expect(renderService(view)).toContain('NOT INSTALLED');
  });

  it('says how it lives', async () => {
    await installService(request());
    show(
      ['ActiveState=active', 'UnitFileState=enabled', 'MainPID=42', 'StatusText=posting for alice (push); 3 waiting, 1 published'].concat([
        'WatchdogUSec=2min',
        'WatchdogTimestampMonotonic=90000000',
        'NRestarts=2',
        'Result=success',
        'ExecMainStatus=0',
      ]),
    );
    const view = await viewService(host(), 'system', 100_000_000);
    expect(view).toMatchObject({ home, active: 'active', enabled: true, pid: 42, restarts: 2, last_end: null });
    expect(view.watchdog).toEqual({ fed_seconds_ago: 10, limit_seconds: 120 });
    expect(renderService(view)).toContain('Watchdog: fed 10 s ago (limit 120 s)');
  });

  it.each([
    [['Result=watchdog'], /it hung, and the watchdog ended it/],
    [['Result=exit-code', 'ExecMainStatus=2'], /exit code 2: its configuration is wrong/],
    [['Result=exit-code', 'ExecMainStatus=3'], /another instance held the home/],
    [['Result=start-limit-hit'], /reset-failed/],
  ])('says why it ended: %s', async (lines, text) => {
    await installService(request());
    show(['ActiveState=failed', 'NRestarts=4', ...lines]);
    expect(renderService(await viewService(host(), 'system', 0))).toMatch(text);
  });
});
