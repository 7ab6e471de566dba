/** Wires the commands that look after an installation: service, doctor, logs, backup. Part of compose.ts, and as free to name concrete classes. */
import { existsSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { resolve } from 'node:path';
import type { Care } from './cli/care-options.ts';
import type { Surroundings } from './cli/carry-out.ts';
import { examine, exitCode, renderFindings, verdict } from './cli/doctor.ts';
import { needOf } from './cli/home.ts';
import { showLogs } from './cli/logs.ts';
import { thisMachine } from './cli/machine.ts';
import type { Options } from './cli/options.ts';
import { thisHost } from './cli/service/host.ts';
import { installService, uninstallService } from './cli/service/install.ts';
import { renderService, viewService } from './cli/service/show.ts';
import type { Terminal } from './cli/terminal.ts';
import { probesOf } from './compose-doctor.ts';
import type { Config } from './config.ts';
import { daemonListens } from './control/client.ts';
import { environment } from './runtime/environment.ts';
import { acquireInstanceLock } from './runtime/instance-lock.ts';
import { silentLogger } from './runtime/logger.ts';
import { backUp, checkStore, putBack } from './stores/backup.ts';
import { SqliteReader } from './stores/sqlite-reader.ts';

export interface CareParts extends Surroundings {
  readonly options: Options;
  readonly terminal: Terminal;
  readonly homeOf: (named: string | null, need: 'look' | 'order' | 'create') => string;
  /** @throws SchedulerError BAD_CONFIG, BAD_USAGE (a slip in `--store`) */
  readonly configure: (home: string, options: Options) => Promise<Config>;
}

/** Answers the exit code. @throws SchedulerError for whatever is wrong with the order */
export async function care(order: Care, parts: CareParts): Promise<number> {
  const { options, terminal, clock, root } = parts;
  const home = parts.homeOf(options.home, needOf(options));
  const config = () => parts.configure(home, options);
  const say = (data: unknown, text: string) => terminal.write(options.json ? `${JSON.stringify(data, null, 2)}\n` : text);
  const uptimeUs = () => uptime() * 1e6;
  const host = thisHost(environment());
  switch (order.do) {
    case 'install_service': {
      const request = { host, scope: order.scope, home, program: root, node: process.execPath, store: (await config()).store, start: true };
      const lines = await installService(request);
      say({ lines }, `${lines.join('\n')}\n`);
      return 0;
    }
    case 'uninstall_service': {
      const lines = await uninstallService({ host, scope: order.scope, home });
      say({ lines }, `${lines.join('\n')}\n`);
      return 0;
    }
    case 'service_status': {
      const view = await viewService(host, order.scope, uptimeUs());
      say(view, renderService(view));
      return view.active === 'active' ? 0 : 1;
    }
    case 'doctor': {
      const listens = () => daemonListens(home);
      const findings = await examine(
        probesOf({
          config: await config(),
          clock,
          environment: environment(),
          machine: thisMachine(environment()),
          root,
          uptimeUs,
          daemonListens: listens,
        }),
        clock,
      );
      const code = exitCode(findings);
      say({ ok: code === 0, verdict: verdict(findings), findings }, renderFindings(findings, terminal));
      return code;
    }
    case 'logs':
      await showLogs(
        { ...order, home, hasJob: async (job) => hasJob((await config()).store, job), json: options.json, terminal, clock },
        new AbortController().signal,
      );
      return 0;
    default:
      return copies(order, { home, store: (await config()).store, say, clock });
  }
}

async function hasJob(store: string, job: string): Promise<boolean> {
  if (!existsSync(store)) return false;
  const reader = new SqliteReader({ path: store });
  try {
    return (await reader.jobs({ id: job })).length > 0;
  } finally {
    await reader.close();
  }
}

interface CopyParts extends Pick<Surroundings, 'clock'> {
  readonly home: string;
  readonly store: string;
  readonly say: (data: unknown, text: string) => void;
}

async function copies(order: Extract<Care, { readonly do: 'backup' | 'restore' | 'check' }>, parts: CopyParts): Promise<number> {
  const { home, store, say, clock } = parts;
  if (order.do === 'check') {
    const problems = checkStore(store);
    say({ ok: problems.length === 0, problems }, problems.length === 0 ? `${store} is whole.\n` : `${problems.join('\n')}\n`);
    return problems.length === 0 ? 0 : 1;
  }
  if (order.do === 'backup') {
    const folder = resolve(order.to);
    const files = await backUp({ home, store, folder, clock });
    say({ folder, files }, `Copied ${files.join(', ')} into ${folder}.\n`);
    return 0;
  }
  const lock = await acquireInstanceLock({
    home,
    store,
    instance: `${hostname()}:${home}`,
    clock,
    logger: silentLogger(),
    progress: () => true,
  });
  try {
    const { former, later } = await putBack({ home, store, folder: resolve(order.from), clock });
    const kept = former === null ? '' : ` The former database is in ${former}.`;
    const knows =
      later === 0
        ? ''
        : ` posted.jsonl knows ${later} later entries; what they say is settled at the next start, nothing is published again.`;
    say({ former, later }, `Put back ${resolve(order.from)}.${kept}${knows}\n`);
    return 0;
  } finally {
    await lock.release();
  }
}
