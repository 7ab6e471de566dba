/** `--service-status`: is the service installed, active, its watchdog fed, how often and why was it restarted. */
import { existsSync, readFileSync } from 'node:fs';
import type { Scope, ServiceHost } from './host.ts';
import { UNIT } from './host.ts';
import { homeOfUnit } from './unit.ts';

export interface ServiceView {
  readonly installed: boolean;
  readonly unit: string;
  /** The home that it runs; null = not installed, or not ours. */
  readonly home: string | null;
  /** systemd's word: `active`, `activating`, `failed`, `inactive`; null = there is no systemd to ask. */
  readonly active: string | null;
  readonly enabled: boolean;
  readonly pid: number | null;
  /** Its own words on what it does. */
  readonly status: string | null;
  /** Seconds since the last sign of life, and after how many it would be restarted; null = not watched now. */
  readonly watchdog: { readonly fed_seconds_ago: number | null; readonly limit_seconds: number } | null;
  readonly restarts: number;
  /** How the last life ended, in words; null = in order, or there was none. */
  readonly last_end: string | null;
}

const PROPERTIES = [
  'ActiveState',
  'UnitFileState',
  'MainPID',
  'StatusText',
  'WatchdogUSec',
  'WatchdogTimestampMonotonic',
  'NRestarts',
  'Result',
  'ExecMainCode',
  'ExecMainStatus',
] as const;

const RESULTS: Readonly<Record<string, string>> = {
  watchdog: 'it hung, and the watchdog ended it',
  signal: 'a signal ended it',
  'core-dump': 'it crashed',
  timeout: 'it did not start or stop in time',
  'start-limit-hit': 'it failed five times within 15 min and is not started any more (`systemctl reset-failed posting-scheduler` lets it)',
  'oom-kill': 'the machine had no memory left',
  resources: 'systemd could not start it',
};

/** @param uptimeUs microseconds since boot, by which systemd dates signs of life */
export async function viewService(host: ServiceHost, scope: Scope, uptimeUs: number): Promise<ServiceView> {
  const unit = host.unitFile(scope);
  const installed = existsSync(unit);
  const home = installed ? homeOfUnit(readFileSync(unit, 'utf8')) : null;
  const answer = host.isRunning(scope) ? await host.systemctl(scope, 'show', UNIT, `--property=${PROPERTIES.join(',')}`) : null;
  const said = new Map((answer?.stdout ?? '').split('\n').map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]));
  const of = (name: (typeof PROPERTIES)[number]) => said.get(name) ?? '';
  const limit = seconds(of('WatchdogUSec'));
  const fed = Number(of('WatchdogTimestampMonotonic'));
  const pid = Number(of('MainPID'));
  return {
    installed,
    unit,
    home,
    active: of('ActiveState') || null,
    enabled: of('UnitFileState') === 'enabled',
    pid: pid > 0 ? pid : null,
    status: of('StatusText') || null,
    watchdog: pid > 0 && limit > 0 ? { fed_seconds_ago: fed > 0 ? Math.round((uptimeUs - fed) / 1e6) : null, limit_seconds: limit } : null,
    restarts: Number(of('NRestarts')) || 0,
    last_end: lastEnd(of('Result'), of('ExecMainCode'), of('ExecMainStatus')),
  };
}

export function renderService(view: ServiceView): string {
  if (!view.installed) return `NOT INSTALLED  ${view.unit} is not there; \`scheduler --install-service\` puts it there.\n`;
  const lines = [
    `${(view.active ?? 'unknown').toUpperCase()}  ${view.status ?? 'it has said nothing yet'}`,
    `Unit ${view.unit}${view.enabled ? ', starts by itself' : ', does not start by itself'}`,
    `Home ${view.home ?? 'unknown: the unit was not written by this program'}${view.pid === null ? '' : `, PID ${view.pid}`}`,
    watchdogLine(view),
    `Restarts since it was started: ${view.restarts}${view.last_end === null ? '' : `; the last life ended so: ${view.last_end}`}`,
  ];
  if (view.active === null) lines.push('systemd does not run here, so nothing more is known.');
  else if (view.active !== 'active') lines.push('What it said last: journalctl -u posting-scheduler -n 50, and `scheduler --logs`.');
  return `${lines.join('\n')}\n`;
}

function watchdogLine({ watchdog }: ServiceView): string {
  if (watchdog === null) return 'Watchdog: off while it does not run';
  const { fed_seconds_ago: ago, limit_seconds: limit } = watchdog;
  return ago === null ? `Watchdog: not fed yet (limit ${limit} s)` : `Watchdog: fed ${ago} s ago (limit ${limit} s)`;
}

function lastEnd(result: string, code: string, status: string): string | null {
  if (result === '' || result === 'success') return null;
  if (result === 'exit-code')
    return `exit code ${status}${status === '2' ? ': its configuration is wrong' : status === '3' ? ': another instance held the home' : ''}`;
  return `${RESULTS[result] ?? result}${result === 'signal' ? ` (${code === '2' ? `signal ${status}` : status})` : ''}`;
}

/** systemd shows spans as `2min`, `1min 30s`, `5s`, `infinity`. */
function seconds(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600, min: 60, s: 1, ms: 0.001, us: 1e-6 };
  let total = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(h|min|s|ms|us)\b/g)) total += Number(number) * (units[unit ?? ''] ?? 0);
  return total;
}
