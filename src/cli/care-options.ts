/** The flags that look after an installation rather than a queue: service, logs, doctor, backup. Each stands alone on its line. */
import type { Scope } from './service/host.ts';

/** What was ordered; the home and `--json` are those of the whole line. */
export type Care =
  | { readonly do: 'install_service' | 'uninstall_service' | 'service_status'; readonly scope: Scope }
  | { readonly do: 'doctor' }
  | { readonly do: 'logs'; readonly follow: boolean; readonly job: string | null; readonly worker: number | null }
  | { readonly do: 'backup'; readonly to: string }
  | { readonly do: 'restore'; readonly from: string }
  | { readonly do: 'check' };

export interface RawCare {
  readonly installService?: true;
  readonly uninstallService?: true;
  readonly serviceStatus?: true;
  readonly user?: true;
  readonly doctor?: true;
  readonly logs?: true;
  readonly follow?: true;
  readonly job?: string;
  readonly worker?: string;
  readonly backup?: string;
  readonly restore?: string;
  readonly check?: true;
}

export const CARE: readonly (readonly [flags: string, description: string])[] = [
  ['--install-service', 'run by itself from now on, also after a restart of the machine (systemd)'],
  ['--uninstall-service', 'no more'],
  ['--service-status', 'is it installed, active, alive; how often was it restarted, and why'],
  ['--user', 'with these three: the service of this user instead of the machine'],
  ['--doctor', 'is everything in order for a good night, and what to do if not'],
  ['--logs', 'what it wrote down'],
  ['--follow', 'with --logs or --events: and goes on, until Ctrl+C'],
  ['--job <job>', 'with --logs or --events: only of this job'],
  ['--worker <n>', 'with --logs: only of this worker'],
  ['--backup <dir>', 'copy queue and record of posts into a new folder, also while it runs'],
  ['--restore <dir>', 'put such a copy back; nothing of it is published again'],
  ['--check', 'is the database whole'],
];

/** What may stand beside such an order: where it looks, and how it answers. */
const BESIDE = ['--home', '--json', '--user', '--follow', '--job', '--worker'];
const SETTINGS = ['--config', '--store'];

/**
 * null = none was ordered.
 *
 * @param said every flag of the line
 * @throws what `refuse` throws
 */
export function careOf(raw: RawCare, said: readonly string[], refuse: (what: string) => never): Care | null {
  const scope = raw.user === true ? 'user' : 'system';
  const orders: readonly Care[] = [
    ...(raw.installService ? [{ do: 'install_service', scope } as const] : []),
    ...(raw.uninstallService ? [{ do: 'uninstall_service', scope } as const] : []),
    ...(raw.serviceStatus ? [{ do: 'service_status', scope } as const] : []),
    ...(raw.doctor ? [{ do: 'doctor' } as const] : []),
    ...(raw.logs
      ? [
          {
            do: 'logs',
            follow: raw.follow === true,
            job: raw.job ?? null,
            worker: raw.worker === undefined ? null : Number(raw.worker),
          } as const,
        ]
      : []),
    ...(raw.backup === undefined ? [] : [{ do: 'backup', to: raw.backup } as const]),
    ...(raw.restore === undefined ? [] : [{ do: 'restore', from: raw.restore } as const]),
    ...(raw.check ? [{ do: 'check' } as const] : []),
  ];
  const [first] = orders;
  const ofService = first?.do.includes('service') ?? false;
  if (first !== undefined) {
    const order = `--${first.do.replaceAll('_', '-')}`;
    const other = said.find((flag) => flag !== order && !BESIDE.includes(flag) && !SETTINGS.includes(flag));
    if (other !== undefined) refuse(`${order} stands alone: give ${other} on a line of its own`);
    const setting = said.find((flag) => SETTINGS.includes(flag));
    if (ofService && setting !== undefined) refuse(`${order} takes no ${setting}: the service goes by the scheduler.yaml of its home`);
  }
  if (raw.user && !ofService) refuse('--user belongs to --install-service, --uninstall-service or --service-status');
  if (first?.do !== 'logs') {
    if (raw.worker !== undefined) refuse('--worker belongs to --logs, and says whose');
    if (raw.job !== undefined) refuse('--job belongs to --logs and --events; to one video go --retry, --skip, --settle and --edit');
    if (raw.follow) refuse('--follow belongs to --logs and --events; the status is followed by --status --watch');
  }
  if (raw.worker !== undefined && !/^[1-9]\d*$/.test(raw.worker))
    refuse(`--worker takes the number of a worker, such as 1, not "${raw.worker}"`);
  return first ?? null;
}
