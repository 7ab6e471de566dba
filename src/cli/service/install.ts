/**
 * Installs the scheduler of a home as a service, and takes it away again. One
 * service a machine (or user): a unit that belongs to another home is never
 * replaced unasked.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { controlAddress } from '../../control/address.ts';
import { SchedulerError } from '../../errors.ts';
import type { Scope, ServiceHost } from './host.ts';
import { UNIT } from './host.ts';
import { fillUnit, homeOfUnit, type UnitValues } from './unit.ts';

export interface InstallRequest {
  readonly host: ServiceHost;
  readonly scope: Scope;
  /** Absolute path; must exist. */
  readonly home: string;
  /** The program's own folder. */
  readonly program: string;
  readonly node: string;
  /** Where the store lies. */
  readonly store: string;
  /** Start it now; false = only install and enable. */
  readonly start: boolean;
}

/** Where a service would find another world than the terminal in which it was installed. */
const KEPT_VARIABLES = ['ANDROID_HOME', 'ANDROID_SDK_ROOT', 'ANDROID_ADB_SERVER_PORT', 'JAVA_HOME', 'TZ'] as const;

/** Answers lines for a person. @throws SchedulerError SERVICE_REFUSED, SERVICE_FAILED */
export async function installService(request: InstallRequest): Promise<readonly string[]> {
  const { host, scope, program } = request;
  const home = realpathSync(request.home);
  checkHost(host, scope);
  const file = host.unitFile(scope);
  checkUnit(file, home);
  const name = scope === 'system' ? 'posting-scheduler.service' : 'posting-scheduler.user.service';
  const template = readFileSync(join(program, 'service', 'systemd', name), 'utf8');
  const values = await valuesOf(request, home);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, fillUnit(template, values), { mode: 0o644 });
  await order(host, scope, 'daemon-reload');
  await order(host, scope, 'enable', UNIT);
  const lines = [`Installed ${file} for ${home}${scope === 'system' ? `, run as ${values.user}` : ''}.`];
  if (!request.start) return lines;
  await order(host, scope, 'restart', UNIT);
  const more = scope === 'user' ? ['It starts with your session; `loginctl enable-linger` lets it start with the machine.'] : [];
  return [...lines, 'Started. `scheduler --service-status` shows how it is, `scheduler --status` what it does.', ...more];
}

/** Stops it in order first: posts under way are given back or awaited. @throws SchedulerError SERVICE_REFUSED, SERVICE_FAILED */
export async function uninstallService({ host, scope, home }: Pick<InstallRequest, 'host' | 'scope' | 'home'>): Promise<readonly string[]> {
  checkHost(host, scope);
  const file = host.unitFile(scope);
  if (!existsSync(file)) throw refused(`no service is installed (${file} is not there)`, 'Nothing: there is nothing to take away.');
  checkUnit(file, realpathSync(home));
  await order(host, scope, 'disable', '--now', UNIT);
  rmSync(file);
  await order(host, scope, 'daemon-reload');
  await host.systemctl(scope, 'reset-failed', UNIT);
  return [`Stopped and removed ${file}. The home ${home} is as it was; \`scheduler --run\` runs it by hand.`];
}

function checkHost(host: ServiceHost, scope: Scope): void {
  if (host.platform === 'win32') {
    throw refused(
      'a Windows service is installed by PowerShell',
      'Run `service\\windows\\install.ps1 -SchedulerHome DIR` as administrator; see docs/windows.md.',
    );
  }
  if (host.platform !== 'linux') throw refused(`there is no service for ${host.platform} yet`, 'Run `scheduler --run` there.');
  if (scope === 'system' && host.uid !== 0) {
    throw refused('a service of the machine is installed by root', 'Order it by sudo, or add --user for a service of your own.');
  }
  if (!host.isRunning(scope)) {
    const what = scope === 'system' ? 'systemd does not run on this machine' : 'no systemd of this user runs (is this a login session?)';
    throw refused(what, 'Run `scheduler --run` under whatever starts programs here; it stops in order on SIGTERM.');
  }
}

function checkUnit(file: string, home: string): void {
  if (!existsSync(file)) return;
  const other = homeOfUnit(readFileSync(file, 'utf8'));
  if (other === home) return;
  const whose = other === null ? 'was not written by this program' : `runs the home ${other}`;
  const next =
    other === null ? 'Look at it, and remove it yourself.' : `Take it away first: \`scheduler --home ${other} --uninstall-service\`.`;
  throw refused(`the service ${file} ${whose}`, next);
}

async function valuesOf({ host, scope, program, node, store }: InstallRequest, home: string): Promise<UnitValues> {
  const owner = statSync(home).uid;
  const user = await host.user(scope === 'user' ? host.uid : owner);
  if (user === null)
    throw refused(`the home ${home} belongs to no user of this machine (uid ${owner})`, `Give it to one: chown -R USER ${home}`);
  const keys = join(user.home, '.android');
  if (scope === 'system' && !existsSync(keys) && existsSync(user.home)) {
    // Without this folder adb could make no key inside the unit's read-only view of the machine.
    mkdirSync(keys, { mode: 0o750 });
    chownSync(keys, owner, user.gid);
  }
  const outside = relative(home, store).startsWith('..') ? [dirname(store)] : [];
  const environment = Object.fromEntries(
    KEPT_VARIABLES.flatMap((name) => (host.environment[name] ? [[name, host.environment[name]]] : [])),
  ) as Record<string, string>;
  // A socket that did not fit into the home lies in the shared temporary folder; inside a private one nobody would find it.
  const privateTmp = relative(home, controlAddress(home)).startsWith('..') === false;
  return { node, program, home, user: user.name, writable: [keys, ...outside], privateTmp, environment };
}

async function order(host: ServiceHost, scope: Scope, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await host.systemctl(scope, ...args);
  if (code === 0) return;
  throw new SchedulerError('SERVICE_FAILED', {
    details: { command: `systemctl ${args.join(' ')}`, text: stderr.trim() || `code ${code}` },
  });
}

function refused(what: string, next: string): SchedulerError {
  return new SchedulerError('SERVICE_REFUSED', { details: { what, next } });
}
