/** What the doctor looks at, in the order of its page. Part of compose.ts, and as free to name concrete classes. */
import { accessSync, constants, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { isFree } from './appium/ports.ts';
import { bad, fine, look, type Probe } from './cli/doctor.ts';
import { readLockView } from './cli/lock-view.ts';
import type { Machine } from './cli/machine.ts';
import { viewService } from './cli/service/show.ts';
import { accountPolicy, accountPublisher, type Config } from './config.ts';
import { adbIn, findAndroidHome } from './devices/adb.ts';
import type { DeviceInfo } from './devices/device.ts';
import { openPhoneEdge } from './devices/phone-edge.ts';
import type { AccountPolicy } from './domain/account.ts';
import { isZone } from './domain/local-time.ts';
import { SchedulerError } from './errors.ts';
import { flowsIn, troubleOf } from './flows/load-flow.ts';
import type { Clock } from './runtime/clock.ts';
import type { Environment } from './runtime/environment.ts';
import { silentLogger } from './runtime/logger.ts';
import { phoneFor } from './scheduler/phones.ts';
import { checkStore } from './stores/backup.ts';
import { SqliteReader } from './stores/sqlite-reader.ts';

export interface DoctorParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly environment: Environment;
  readonly machine: Machine;
  /** The program's own folder. */
  readonly root: string;
  /** Microseconds since boot. */
  readonly uptimeUs: () => number;
  /** A daemon of this home takes orders. */
  readonly daemonListens: () => Promise<boolean>;
}

const GIGABYTE = 1_000_000_000;
const LEAST_FREE_BYTES = GIGABYTE;
/** A disk in the network answers one after the other too slowly. */
const READERS = 16;
const COMFORTABLE_BYTES = 5 * GIGABYTE;
/** Before this program existed: a clock that was never set. */
const EARLIEST_MS = Date.parse('2026-01-01T00:00:00Z');

export function probesOf(parts: DoctorParts): readonly Probe[] {
  const phones = needsPhones(parts.config) ? [adb(parts), appium(parts), ports(parts), phonesReachable(parts), apps(parts)] : [];
  return [node(parts), ...phones, publishers(parts), disk(parts), time(parts), lock(parts), store(parts), videos(parts), service(parts)];
}

function needsPhones({ publisher, accounts }: Config): boolean {
  return publisher.kind === 'appium' || accounts.some((account) => account.publisher?.kind === 'appium');
}

const node = ({ machine }: DoctorParts): Probe => ({
  what: 'Node',
  look: async () => {
    const { version, path } = machine.node;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const text = `${version} at ${path}`;
    return major > 24 || (major === 24 && minor >= 11) ? fine(text) : bad(text, 'Install Node 24.11 or newer from https://nodejs.org.');
  },
});

const adb = ({ config, environment }: DoctorParts): Probe => ({
  what: 'adb',
  look: async () => {
    const path = adbIn(findAndroidHome(config.adb.path, environment));
    accessSync(path, constants.X_OK);
    const { ANDROID_HOME = '' } = environment;
    if (ANDROID_HOME === '') return fine(`${path}; ANDROID_HOME is not set, and need not be`);
    if (!relative(ANDROID_HOME, path).startsWith('..')) return fine(`${path} (ANDROID_HOME=${ANDROID_HOME})`);
    return look(`${path}; ANDROID_HOME=${ANDROID_HOME} holds none`, 'Set ANDROID_HOME to the folder of the Android SDK, or not at all.');
  },
});

const appium = ({ machine }: DoctorParts): Probe => ({
  what: 'Appium',
  look: async () => {
    const versions = ['appium', 'appium-uiautomator2-driver'].map((name) => {
      try {
        return `${name} ${machine.packageVersion(name)}`;
      } catch (error) {
        throw new SchedulerError('APPIUM_NOT_FOUND', { cause: error, details: { text: `there is no package ${name}` } });
      }
    });
    return fine(versions.join(', '));
  },
});

const ports = ({ config, daemonListens }: DoctorParts): Probe => ({
  what: 'ports',
  look: async () => {
    const { url, basePort } = config.appium;
    if (url !== null) return fine(`Appium is yours: ${url}`);
    if (await isFree(basePort)) return fine(`${basePort} is free for Appium`);
    if (await daemonListens()) return fine(`${basePort} is in use, the scheduler runs`);
    return look(
      `${basePort} is taken by another program`,
      'Nothing: the next free port is used. Another `appium: {base_port: …}` avoids the message.',
    );
  },
});

const phonesReachable = (parts: DoctorParts): Probe => ({
  what: 'phones',
  look: async (signal) => {
    const found = (await parts.daemonListens()) ? await phonesOfDaemon(parts) : await phonesNow(parts, signal);
    if (found.length > 0) {
      const phones = found.map(({ info }) => info);
      const chosen = (await accountsOf(parts)).map((account) => phoneFor(account, phones));
      const lost = chosen.flatMap((one) => ('trouble' in one ? [bad(one.trouble, new SchedulerError('PHONE_NOT_FOUND').next)] : []));
      const used = new Set(chosen.flatMap((one) => ('device' in one ? [one.device] : [])));
      return [...found.map(({ info, state }) => phoneFinding(info.id, state)), ...twins(found, used), ...lost];
    }
    return bad(
      'there is none',
      'Plug one in and allow this computer on it (USB debugging), or name it: `devices: {network: ["host:port"]}`.',
    );
  },
});

/** Accounts on phones: those of the file, and those that the store has. */
async function accountsOf({ config }: DoctorParts): Promise<readonly { readonly name: string; readonly policy: AccountPolicy }[]> {
  const reader = existsSync(config.store) ? new SqliteReader({ path: config.store }) : null;
  try {
    const stored = (await reader?.accounts(0)) ?? [];
    const names = new Set([...config.accounts, ...stored].map(({ name }) => name));
    const onPhones = [...names].filter((name) => accountPublisher(config, name).kind === 'appium');
    return onPhones.map((name) => ({ name, policy: accountPolicy(config, name) }));
  } finally {
    await reader?.close();
  }
}

const apps = (parts: DoctorParts): Probe => ({
  what: 'apps',
  look: async () => {
    const flows = flowsIn([join(parts.config.home, 'flows'), join(parts.root, 'flows')]);
    const used = [...new Set((await accountsOf(parts)).map(({ policy }) => policy.app))];
    const wrong = used.flatMap((app) => troubleOf(() => flows(app)) ?? []);
    if (wrong.length > 0)
      return wrong.map((text) => bad(text, 'Correct `app:` in scheduler.yaml, or write its flow: docs/adding-an-app.md.'));
    return fine(used.length === 0 ? 'no account uses one yet' : `flows of ${used.join(', ')}`);
  },
});

const publishers = ({ config }: DoctorParts): Probe => ({
  what: 'publisher',
  look: async () => {
    const chosen = [config.publisher, ...config.accounts.flatMap(({ publisher }) => publisher ?? [])];
    const modules = [...new Set(chosen.flatMap((one) => (one.kind === 'module' ? [one.path] : [])))];
    const missing = modules.filter((path) => isAbsolute(path) && !existsSync(path));
    if (missing.length > 0) return missing.map((path) => bad(`${path} is not there`, 'Correct `publisher:` in scheduler.yaml.'));
    return fine(modules.length === 0 ? 'appium' : modules.join(', '));
  },
});

/** The running scheduler knows; asking the phones ourselves would get in its way. */
async function phonesOfDaemon({ config }: DoctorParts) {
  const reader = new SqliteReader({ path: config.store });
  try {
    const live = (await reader.value('live')) as { readonly devices?: readonly DeviceInfo[] } | null;
    return (live?.devices ?? []).map((info) => ({ info, state: info.state as string, identity: null }));
  } finally {
    await reader.close();
  }
}

async function phonesNow({ config, clock, environment }: DoctorParts, signal: AbortSignal) {
  const recorder = { onStarted: async () => undefined, onEnded: async () => undefined };
  const edge = openPhoneEdge({
    ...{ ...config.devices, sdk: config.adb.path, port: config.adb.port, environment, clock, recorder },
    instance: `doctor:${config.home}`,
    logger: silentLogger(),
  });
  try {
    const findings = [];
    for (const provider of edge.providers) {
      for (const info of await provider.list(signal)) {
        const answer = provider.connect(info.id, signal).then(async (device) => {
          await device.ping(signal);
          return { state: 'ready', identity: await device.identity(signal) };
        });
        const trouble = (error: unknown) => (error instanceof SchedulerError ? `${error.message}|${error.next}` : String(error));
        findings.push({ info, ...(await answer.catch((error: unknown) => ({ state: trouble(error), identity: null }))) });
      }
    }
    return findings;
  } finally {
    await edge.stop();
  }
}

/** One device listed under two names: on a cable to be charged, say. Two accounts must not post through both. */
function twins(found: Awaited<ReturnType<typeof phonesNow>>, used: ReadonlySet<string>) {
  return found.flatMap(({ info, identity }, at) => {
    const other = found.slice(0, at).find((earlier) => identity !== null && earlier.identity === identity);
    if (other === undefined) return [];
    const text = `${info.id} is the same device as ${other.info.id}`;
    const remedy = new SchedulerError('PHONE_TWICE').next;
    const both = used.has(info.id) && used.has(other.info.id);
    return [both ? bad(`${text}, and accounts post through both`, remedy) : look(text, remedy)];
  });
}

function phoneFinding(id: string, state: string) {
  if (state === 'ready') return fine(`${id} answers`);
  const [text = state, remedy = 'Look at the phone and its cable or network.'] = state.split('|');
  return bad(text.includes(id) ? text : `${id}: ${text}`, remedy);
}

const disk = ({ config, machine }: DoctorParts): Probe => ({
  what: 'disk space',
  look: async () => {
    const free = await machine.freeBytes(config.home);
    const text = `${(free / GIGABYTE).toFixed(1)} GB free at ${config.home}`;
    if (free < LEAST_FREE_BYTES) return bad(text, 'Free some: without space nothing is published, because nothing can be recorded.');
    return free < COMFORTABLE_BYTES
      ? look(text, 'Free some soon; old evidence goes by itself, by `retention:` in scheduler.yaml.')
      : fine(text);
  },
});

const time = ({ config, clock, machine }: DoctorParts): Probe => ({
  what: 'clock and zone',
  look: async () => {
    const zone = config.defaults.timezone;
    if (!isZone(zone)) return bad(`${zone} is no time zone`, 'Write one such as Europe/Berlin into scheduler.yaml.');
    const now = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short', timeZone: zone }).format(clock.now());
    const text = `it is ${now} in ${zone}`;
    if (clock.now() < EARLIEST_MS) return bad(text, 'Set the clock (`timedatectl set-ntp true`): days and windows are counted by it.');
    return machine.keepsTime() === false
      ? look(`${text}; the clock is not kept by a time server`, '`timedatectl set-ntp true` keeps it right.')
      : fine(text);
  },
});

const lock = ({ config, clock, daemonListens }: DoctorParts): Probe => ({
  what: 'lock',
  look: async () => {
    const { state, pid } = await readLockView(config.home, clock.now());
    if (state === 'none') return fine('free: no scheduler runs here');
    if (state === 'stale') return look(`a dead or hung scheduler (PID ${pid}) left it`, 'Nothing: the next start takes over.');
    if (await daemonListens()) return fine(`held by the running scheduler, PID ${pid}`);
    return look(`held by PID ${pid}, which takes no orders (yet)`, 'Ask again; if it stays, look at `scheduler --logs`.');
  },
});

const store = ({ config }: DoctorParts): Probe => ({
  what: 'database',
  look: async () => {
    if (!existsSync(config.store)) return fine('none yet; the first --add-folder makes it');
    const [problem] = checkStore(config.store);
    return problem === undefined
      ? fine(`${config.store} is whole`)
      : bad(
          `${config.store} is damaged: ${problem}`,
          'Stop the scheduler, keep a copy of the home, and `scheduler --restore` the last backup.',
        );
  },
});

const videos = ({ config }: DoctorParts): Probe => ({
  what: 'videos',
  look: async () => {
    if (!existsSync(config.store)) return fine('none is queued');
    const reader = new SqliteReader({ path: config.store });
    try {
      const waiting = await reader.jobs({ statuses: ['pending', 'retrying'] });
      const missing = await unreadable(waiting.map(({ videoPath }) => videoPath));
      if (missing.length === 0) return fine(`${waiting.length} wait, all of them can be read`);
      const text = `${missing.length} of ${waiting.length} that wait cannot be read, such as ${missing[0]}`;
      return bad(text, 'Mount the disk or put the files back; their jobs wait until then.');
    } finally {
      await reader.close();
    }
  },
});

/** Opened, not read: what was queued was checked then, and its bytes are hashed again before they are posted. */
async function unreadable(paths: readonly string[]): Promise<readonly string[]> {
  const missing: string[] = [];
  let next = 0;
  const reader = async () => {
    for (let path = paths[next++]; path !== undefined; path = paths[next++]) {
      const file = await open(path, 'r').catch(() => null);
      if (file === null) missing.push(path);
      await file?.close();
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return missing;
}

const service = ({ config, machine, uptimeUs }: DoctorParts): Probe => ({
  what: 'service',
  look: async () => {
    const { service: host } = machine;
    if (host.platform !== 'linux') return look('not looked at on this system', 'docs/windows.md says how to.');
    const views = [await viewService(host, 'system', uptimeUs()), await viewService(host, 'user', uptimeUs())];
    const ours = views.find(({ home }) => home === config.home);
    if (ours === undefined)
      return look(
        'not installed: after a restart of the machine nothing is published',
        '`scheduler --install-service` (as root, or with --user).',
      );
    if (ours.active === 'failed')
      return bad(`failed: ${ours.last_end ?? 'no reason given'}`, '`scheduler --service-status` and `scheduler --logs` say why.');
    if (ours.active !== 'active')
      return look(`installed, but ${ours.active ?? 'systemd does not run'}`, '`systemctl start posting-scheduler`');
    if (ours.watchdog === null) return look('active, but no watchdog looks after it', 'Install it anew: `scheduler --install-service`.');
    return fine(`active, watchdog fed ${ours.watchdog.fed_seconds_ago ?? '?'} s ago, ${ours.restarts} restarts`);
  },
});
