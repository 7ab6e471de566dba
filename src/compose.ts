/**
 * Wires the program: Config in, a PostingScheduler out. The only file that
 * names concrete classes; nothing is decided here. What is heavy to import
 * (WebdriverIO, pino, zod) is imported where it is first needed.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ExternalAppium } from './appium/external-server.ts';
import { AppiumProcess } from './appium/server-process.ts';
import { WdioUiFactory } from './appium/wdio-ui.ts';
import { LiveLines } from './cli/live.ts';
import type { Options } from './cli/options.ts';
import { perform } from './cli/perform.ts';
import { renderPlan } from './cli/render-plan.ts';
import { run } from './cli/run.ts';
import type { Terminal } from './cli/terminal.ts';
import { accountPolicy, type Config, loadConfig, type PublisherConfig } from './config.ts';
import { daemonListens, sendCommand } from './control/client.ts';
import { controlPart } from './control/control-part.ts';
import { Adb, adbIn, findAndroidHome } from './devices/adb.ts';
import { AdbServer } from './devices/adb-server.ts';
import { NetworkDevices } from './devices/network.ts';
import { UsbDevices } from './devices/usb.ts';
import { flowEngine } from './flows/flow-engine.ts';
import { flowsIn } from './flows/load-flow.ts';
import { AppiumPublisher } from './publishers/appium-publisher.ts';
import { loadModulePublisher } from './publishers/module-publisher.ts';
import type { Clock } from './runtime/clock.ts';
import { environment } from './runtime/environment.ts';
import { acquireInstanceLock, type InstanceLock } from './runtime/instance-lock.ts';
import { createLogger, type RootLogger } from './runtime/logger.ts';
import { bootId } from './runtime/processes.ts';
import type { Random } from './runtime/random.ts';
import { Shutdown } from './runtime/shutdown.ts';
import { AppiumGuard } from './scheduler/appium-guard.ts';
import type { ChosenPublisher } from './scheduler/attempt.ts';
import type { Command } from './scheduler/commands.ts';
import { Desk } from './scheduler/desk.ts';
import { EvidenceKeeper } from './scheduler/evidence.ts';
import { LiveBoard } from './scheduler/live-board.ts';
import { DEFAULT_PHASE_LIMITS_MS } from './scheduler/phase-timer.ts';
import { Phones } from './scheduler/phones.ts';
import { buildPlan } from './scheduler/plan.ts';
import { type Part, PostingScheduler } from './scheduler/posting-scheduler.ts';
import { processRecords } from './scheduler/process-records.ts';
import { Progress } from './scheduler/progress.ts';
import { Reaper } from './scheduler/reaper.ts';
import { Rescuer } from './scheduler/rescuer.ts';
import { Rests } from './scheduler/rests.ts';
import { applyRoster } from './scheduler/roster.ts';
import { ticks } from './scheduler/ticks.ts';
import { Wake } from './scheduler/wake.ts';
import type { AttemptWatcher } from './scheduler/watcher.ts';
import { Worker } from './scheduler/worker.ts';
import { PostedFile } from './stores/posted-ledger.ts';
import { writeSnapshot } from './stores/snapshot.ts';
import { SqliteStore } from './stores/sqlite.ts';
import { SqliteReader } from './stores/sqlite-reader.ts';

export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  /** The program's own folder. */
  readonly root: string;
}

/** A home that is ours: lock, store and epoch. Closed in reverse order. */
export interface OwnHome {
  readonly config: Config;
  readonly lock: InstanceLock;
  readonly store: SqliteStore;
  readonly epoch: number;
  readonly instance: string;
  readonly logger: RootLogger;
  readonly progress: Progress;
  readonly close: () => Promise<void>;
}

const COMMAND_LIMIT_MS = 30_000;
/** Time from the request to stop to the hard end; service/ leaves more. */
const STOP_LIMIT_MS = 60_000;
const MOST_WORKERS_BY_DEFAULT = 3;

/** @throws SchedulerError LOCK_HELD, STORE_TOO_NEW, STORE_FAILED */
export async function openHome(config: Config, { clock, random }: Surroundings): Promise<OwnHome> {
  const logger = await createLogger({ dir: join(config.home, 'logs'), level: 'info', pretty: false });
  const instance = `${hostname()}:${config.home}`;
  const progress = new Progress(clock);
  const lock = await acquireInstanceLock({ home: config.home, instance, clock, logger, progress: () => progress.stalled() === null });
  try {
    const store = new SqliteStore({ path: config.store, clock, random });
    const epoch = await store.raiseEpoch(instance);
    await lock.setEpoch(epoch);
    const named = config.accounts.map((account) => account.name);
    await applyRoster({ store, nowMs: clock.now(), named, policyOf: (name) => accountPolicy(config, name) });
    const close = async () => {
      await store.close();
      await lock.release();
      await logger.close();
    };
    return { config, lock, store, epoch, instance, logger, progress, close };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

export interface CommandLine {
  readonly home: string;
  readonly options: Options;
  readonly terminal: Terminal;
  readonly around: Surroundings;
}

export function configure(home: string, options: Pick<Options, 'config' | 'overrides'> | null): Config {
  return loadConfig({ home, file: options?.config ?? null, overrides: options?.overrides ?? {} });
}

/** Adds, orders and runs; answers the exit code. A running daemon is told what to do; without one we take the lock. */
export async function carryOut({ home, options, terminal, around }: CommandLine): Promise<number> {
  const config = configure(home, options);
  const { clock, random } = around;
  const zoneOf = (account: string | null) => accountPolicy(config, account ?? '').timezone;
  if (options.run === null && (await daemonListens(home))) {
    const reader = new SqliteReader({ path: config.store });
    const handle = (command: Command) => sendCommand({ home, command, limitMs: COMMAND_LIMIT_MS, clock });
    await perform({ options, terminal, clock, random, zoneOf, office: { handle, reader, remote: true } }).finally(() => reader.close());
    return 0;
  }
  const own = await openHome(config, around);
  try {
    const desk = composeDesk(own, around);
    const office = { handle: (command: Command) => desk.handle(command), reader: own.store, remote: false };
    await perform({ options, terminal, clock, random, zoneOf, office });
    if (options.run === null) return 0;
    const watcher = new LiveLines(terminal, () => 0);
    const composed = await composeScheduler(own, around, { watcher, onlyAccounts: options.onlyAccounts });
    return await run({ ...composed, mode: options.run, reader: own.store, terminal, clock });
  } finally {
    await own.close();
  }
}

/** Shows who posts what, when and where, and why not. */
export async function showPlan({ home, options, terminal, around }: CommandLine): Promise<void> {
  const reader = new SqliteReader({ path: configure(home, options).store });
  try {
    const plan = await buildPlan(reader, around.clock.now());
    terminal.write(options.json ? `${JSON.stringify(plan, null, 2)}\n` : renderPlan(plan, around.clock.now()));
  } finally {
    await reader.close();
  }
}

/** For orders without a daemon. */
export function composeDesk({ config, store, epoch }: OwnHome, { clock }: Surroundings): Desk {
  const policyOf = (name: string) => accountPolicy(config, name);
  return new Desk({ store, epoch, clock, home: config.home, accountPolicy: policyOf, retry: config.retry, daemon: null, wake: () => {} });
}

export interface RunRequest {
  readonly watcher: AttemptWatcher;
  readonly onlyAccounts: readonly string[] | null;
}

/** @throws SchedulerError ADB_NOT_FOUND, BAD_PUBLISHER */
export async function composeScheduler(own: OwnHome, around: Surroundings, request: RunRequest) {
  const { config, lock, store, epoch, instance, logger, progress } = own;
  const { clock, random } = around;
  const shutdown = new Shutdown({ clock, logger, hardAfterMs: STOP_LIMIT_MS });
  lock.lost.addEventListener('abort', () => shutdown.force('the lock is lost'), { once: true });
  const wake = new Wake(clock);
  let paused: string | null = null;
  const setPaused = (why: string | null) => {
    paused = why;
    board.touch();
    wake.notify();
  };
  const forbidden = () => paused ?? (lock.held() ? null : 'the lock of this home is not held');

  const phonesEdge = composePhones(own, around);
  const phones = new Phones({
    ...phonesEdge,
    store,
    clock,
    logger,
    epoch,
    needsDevice: (name) => publisherOf(name).publisher.needs.device,
  });
  const appium = composeAppium(own, around, phonesEdge.androidHome, phonesEdge.adbPort);
  const guard = new AppiumGuard({ server: appium, clock, logger, limits: config.appium });
  const publisherOf = await choosePublishers(config, {
    appium: () =>
      new AppiumPublisher({
        devices: (id, signal) => phones.connect(id, signal),
        ui: new WdioUiFactory({ server: appium, clock, logger }),
        flows: flowsIn([join(config.home, 'flows'), join(around.root, 'flows')]),
        engine: flowEngine,
        clock,
        settleMs: config.verify.settleMs,
      }),
  });
  const needsAppium = [...config.accounts.map(({ name }) => name), ''].some((name) => publisherOf(name).publisher.needs.appium);
  const workers: Worker[] = [];
  const board = new LiveBoard({
    store,
    clock,
    logger,
    also: request.watcher,
    workers: () => workers.map((worker) => ({ name: worker.name, ...worker.stats() })),
    appium: () => (needsAppium ? [guard.status()] : []),
    devices: () => phones.list(),
    paused: () => paused !== null,
  });
  const rests = new Rests(clock, config.delayBetweenPostsMs);
  const posted = new PostedFile({ path: join(config.home, 'posted.jsonl') });
  const attempt = {
    store,
    clock,
    random,
    logger,
    publisherOf,
    forbidden,
    ledger: posted,
    evidence: new EvidenceKeeper(join(config.home, 'evidence'), logger),
    watcher: board,
    phaseLimitsMs: { ...DEFAULT_PHASE_LIMITS_MS, ...config.phases },
    appOf: (name: string) => accountPolicy(config, name).app,
    retryPolicy: (job: { readonly account: string | null }) => accountPolicy(config, job.account ?? '').retry ?? config.retry,
    pausePublisher: (reason: string) => {
      logger.error(reason);
      setPaused(reason);
    },
    stop: shutdown.signal,
    hard: shutdown.hard,
  };
  const hire = async (reachable: number) => {
    const count = config.workers ?? Math.min(MOST_WORKERS_BY_DEFAULT, Math.max(1, reachable));
    for (let id = 1; id <= count; id++) {
      const ready = (stop: AbortSignal) => (needsAppium ? guard.ready(stop) : Promise.resolve(true));
      const parts = { attempt, clock, random, progress, rests, epoch, ready, onlyAccounts: request.onlyAccounts };
      workers.push(new Worker(id, { ...parts, logger: await logger.worker(id) }));
    }
    return workers;
  };
  const switches = { stop: () => shutdown.request('--stop'), pause: () => setPaused('paused by a person'), resume: () => setPaused(null) };
  const policyOf = (name: string) => accountPolicy(config, name);
  const desk = new Desk({
    store,
    epoch,
    clock,
    home: config.home,
    accountPolicy: policyOf,
    retry: config.retry,
    daemon: switches,
    wake: () =>
      void phones.refresh(shutdown.signal).then(
        () => wake.notify(),
        (err: unknown) => logger.warn({ err }, 'Phones could not be looked at'),
      ),
  });
  const snapshot = () => writeSnapshot({ store, path: join(config.home, 'scheduler_state.json'), clock, config });
  const parts: Part[] = [
    { name: 'Snapshot', stop: snapshot },
    { name: 'adb server', stop: () => phonesEdge.stop() },
    { name: 'Appium', stop: () => appium.stop() },
    controlPart({ home: config.home, handler: (command) => desk.handle(command), logger, clock }),
    { name: 'Heartbeat', start: async () => lock.startHeartbeat(shutdown.hard), stop: async () => {} },
    ticks({ store, logger, snapshot }),
  ];
  const missingPosts = () => posted.missingFrom(store);
  const scheduler = new PostingScheduler({
    ...{ store, clock, logger, progress, wake, rests, phones, board, parts, missingPosts, hire },
    reaper: new Reaper({ store, clock, logger, epoch }),
    rescuer: new Rescuer({ store, clock, logger, epoch }),
    bootId: await bootId(),
    passes: config.passes,
    resting: () => paused,
    stop: shutdown.signal,
    hard: shutdown.hard,
  });
  return { scheduler, shutdown };
}

function composePhones({ config, instance, logger, store, epoch }: OwnHome, { clock }: Surroundings) {
  const env = environment();
  const androidHome = findAndroidHome(config.adb.path, env);
  const path = adbIn(androidHome);
  const adbPort = config.adb.port ?? Number(env['ANDROID_ADB_SERVER_PORT'] ?? 5037);
  const server = new AdbServer({
    path,
    port: adbPort,
    instance,
    environment: env,
    clock,
    logger,
    recorder: processRecords({ store, clock, epoch }, 'adb'),
  });
  const adb = new Adb({ path, port: adbPort, instance, environment: env, clock, server });
  const { network, simulated, usb } = config.devices;
  const providers = [
    new NetworkDevices({ kind: 'simulated', phones: simulated, adb, clock, logger }),
    new NetworkDevices({ kind: 'network', phones: network, adb, clock, logger }),
    ...(usb ? [new UsbDevices({ adb, clock, logger })] : []),
  ];
  return { androidHome, adbPort, providers, stop: () => server.stop() };
}

function composeAppium(
  { config, instance, logger, store, epoch }: OwnHome,
  { clock, random, root }: Surroundings,
  androidHome: string,
  adbPort: number,
) {
  const { url, basePort, healthTimeoutMs } = config.appium;
  if (url !== null) return new ExternalAppium({ url, healthTimeoutMs, clock });
  const options = { root, instance, basePort, healthTimeoutMs, androidHome, adbPort, environment: environment(), clock, random, logger };
  return new AppiumProcess({ ...options, recorder: processRecords({ store, clock, epoch }, 'appium') });
}

/** Loads every publisher that the configuration names, each once. */
async function choosePublishers(
  config: Config,
  make: { readonly appium: () => AppiumPublisher },
): Promise<(account: string) => ChosenPublisher> {
  const appium = make.appium();
  const load = async (chosen: PublisherConfig): Promise<ChosenPublisher> =>
    chosen.kind === 'appium'
      ? { publisher: appium, options: {} }
      : { publisher: await loadModulePublisher(chosen), options: chosen.options };
  const general = await load(config.publisher);
  const own = new Map<string, ChosenPublisher>();
  for (const { name, publisher } of config.accounts) if (publisher !== null) own.set(name, await load(publisher));
  return (account) => own.get(account) ?? general;
}
