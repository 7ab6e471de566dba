/**
 * Wires the program: Config in, a PostingScheduler out. The only file that
 * names concrete classes; nothing is decided here.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Composition, RunRequest, Surroundings } from './cli/carry-out.ts';
import { composeEdges } from './compose-edges.ts';
import { composeReporter, type ServiceParts } from './compose-service.ts';
import { composeSwitches, hangupReloads, restorePauses } from './compose-switches.ts';
import { accountPolicy, type Config, namedPhones, shownSettings } from './config.ts';
import { type LiveConfig, liveConfig } from './config-live.ts';
import { configInWords } from './config-shown.ts';
import { controlPart } from './control/control-part.ts';
import { policyFor } from './domain/retry.ts';
import { acquireInstanceLock, type InstanceLock } from './runtime/instance-lock.ts';
import { isDead } from './runtime/lock-file.ts';
import { createLogger, type RootLogger } from './runtime/logger.ts';
import { bootId } from './runtime/processes.ts';
import { Shutdown } from './runtime/shutdown.ts';
import type { AttemptParts } from './scheduler/attempt.ts';
import { Breakers } from './scheduler/breakers.ts';
import { Desk, type DeskParts } from './scheduler/desk.ts';
import { DoubtedHolders } from './scheduler/doubted-holders.ts';
import { EvidenceKeeper } from './scheduler/evidence.ts';
import { evidencePart } from './scheduler/evidence-sweep.ts';
import { endLeftovers } from './scheduler/leftovers.ts';
import { LiveBoard } from './scheduler/live-board.ts';
import { Pause } from './scheduler/pause.ts';
import { PostingScheduler } from './scheduler/posting-scheduler.ts';
import { Progress } from './scheduler/progress.ts';
import { Reaper } from './scheduler/reaper.ts';
import { Rescuer } from './scheduler/rescuer.ts';
import { Rests } from './scheduler/rests.ts';
import { applyRoster } from './scheduler/roster.ts';
import { ticks } from './scheduler/ticks.ts';
import { TooLate } from './scheduler/too-late.ts';
import { Unsettled } from './scheduler/unsettled.ts';
import { vanishedStore } from './scheduler/vanished-store.ts';
import { Verifier } from './scheduler/verifier.ts';
import { Wake } from './scheduler/wake.ts';
import { Worker, type WorkerParts } from './scheduler/worker.ts';
import { PostedFile } from './stores/posted-ledger.ts';
import { SqliteStore } from './stores/sqlite.ts';
import { SqliteReader } from './stores/sqlite-reader.ts';
import { StateFiles, writeState } from './stores/state-files.ts';

/** A home that is ours. */
export interface Own extends Surroundings {
  readonly config: Config;
  readonly live: LiveConfig;
  readonly lock: InstanceLock;
  readonly store: SqliteStore;
  readonly files: StateFiles;
  readonly posted: PostedFile;
  readonly epoch: number;
  readonly doubted: DoubtedHolders;
  readonly instance: string;
  readonly logger: RootLogger;
  readonly progress: Progress;
  /** Absent = whoever the environment names. */
  readonly manager?: ServiceParts['manager'];
}

/** Time from the request to stop to the hard end; a service's own limit leaves more. */
const STOP_LIMIT_MS = 60_000;
const MOST_WORKERS_BY_DEFAULT = 3;

/** @param read the same configuration, from the file as it is then */
export function compose(first: Config, around: Surroundings, read: () => Promise<Config>): Composition {
  const live = liveConfig(first, read);
  const { config } = live;
  return {
    zoneOf: (account) => accountPolicy(config, account ?? '').timezone,
    openReader: () => new SqliteReader({ path: config.store }),
    write: (store, path) => writeState({ store, path, clock: around.clock, config }),
    settings: () => configInWords(config),
    openHome: async () => {
      const own = await openOwn(live, around);
      const desk = composeDesk(own, null, () => {});
      return {
        handle: (command) => desk.handle(command),
        reader: own.store,
        files: own.files,
        compose: (request) => composeScheduler(own, request),
        close: async () => {
          await own.store.close();
          await own.lock.release();
          await own.logger.close();
        },
      };
    },
  };
}

/** @throws SchedulerError LOCK_HELD, STORE_TOO_NEW, STORE_FAILED */
async function openOwn(live: LiveConfig, around: Surroundings): Promise<Own> {
  const { config } = live;
  const { clock, random } = around;
  const logger = await createLogger({ dir: join(config.home, 'logs'), level: 'info', pretty: false, ...config.retention.logs });
  const instance = `${hostname()}:${config.home}`;
  const progress = new Progress(clock);
  const lock = await acquireInstanceLock({ ...config, instance, clock, logger, progress: () => progress.stalled() === null });
  try {
    const store = new SqliteStore({ path: config.store, clock, random });
    const epoch = await store.raiseEpoch(instance);
    const doubted = await new DoubtedHolders({ store, isDead }).add(lock.doubted, epoch);
    await lock.setEpoch(epoch);
    const files = new StateFiles({ store, clock, config, policyOf: (name) => accountPolicy(config, name) });
    const onGarbage = (lines: readonly number[]) =>
      logger.warn({ lines }, 'posted.jsonl has lines that cannot be read: look whose posts they were');
    const posted = new PostedFile({ path: join(config.home, 'posted.jsonl'), onGarbage });
    for (const line of await files.firstStart()) logger.info(line);
    const named = config.accounts.map((account) => account.name);
    await applyRoster({ store, nowMs: clock.now(), named, policyOf: (name) => accountPolicy(config, name) });
    return { ...around, config, live, lock, store, files, posted, epoch, doubted, instance, logger, progress };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function composeDesk(own: Own, daemon: DeskParts['daemon'], wake: () => void): Desk {
  const { config, posted: ledger } = own;
  const leftovers = () => endLeftovers({ ...own, basePort: config.appium.basePort, isDaemon: daemon !== null });
  const policyOf = (name: string) => accountPolicy(config, name);
  const isConfigured = (name: string) => config.accounts.some((account) => account.name === name);
  const parts = { ...own, ledger, home: config.home, phones: namedPhones(config), daemon, wake };
  return new Desk({ ...parts, accountPolicy: policyOf, isConfigured, endLeftovers: leftovers });
}

/** @param openEdges the unreliable world, or a simulated one. @throws SchedulerError ADB_NOT_FOUND, BAD_PUBLISHER */
export async function composeScheduler(own: Own, request: RunRequest, openEdges: typeof composeEdges = composeEdges) {
  const { config, lock, store, logger, clock } = own;
  const shutdown = new Shutdown({ clock, logger, hardAfterMs: STOP_LIMIT_MS, onHangup: hangupReloads(() => switches.reload(), logger) });
  lock.lost.addEventListener('abort', () => shutdown.force('the lock is lost'), { once: true });
  const { signal: stop, hard } = shutdown;
  const wake = new Wake(clock);
  const pause = new Pause(() => wake.notify(), vanishedStore(store, logger));
  const edges = await openEdges(own);
  const workers = composeWorkers(own, { ...request, edges, pause, stop, hard, wake });
  const switches = composeSwitches({ ...own, ...workers, pause, wake, phones: edges.phones, stop: () => shutdown.request('--stop') });
  await restorePauses({ store, pause, rests: workers.rests });
  const desk = composeDesk(own, switches, () => void edges.phones.look(stop).then(() => wake.notify()));
  const reaper = new Reaper({ ...own, removeForward: edges.removeForward });
  const scheduler = new PostingScheduler({
    ...{ ...own, ...workers, stop, hard, wake, phones: edges.phones, passes: config.passes },
    resting: () => pause.reason,
    overtaken: () => shutdown.force('a newer scheduler has begun in this home'),
    bootId: await bootId(),
    reaper,
    rescuer: new Rescuer(own),
    missingPosts: () => own.posted.compareWith(store),
    parts: [
      workers.tooLate.part(),
      composeReporter({ ...own, edges, board: workers.board, pause, stop }),
      { name: 'Snapshot', stop: () => own.files.write() },
      { name: 'adb server', stop: edges.stopAdb },
      { name: 'Appium', stop: edges.stopAppium },
      controlPart({ home: config.home, handler: (command) => desk.handle(command), logger, clock }),
      { name: 'Heartbeat', start: async () => lock.startHeartbeat(hard, own.progress), stop: async () => {} },
      evidencePart({ ...own, ...config.retention.evidence, root: join(config.home, 'evidence') }),
      ticks({ ...own, ...config.retention, snapshot: () => own.files.write(), reap: () => reaper.reap() }),
    ],
  });
  await store.setValue('config', shownSettings(config));
  return { scheduler, shutdown };
}

interface WorkersRequest extends RunRequest, Pick<AttemptParts, 'stop' | 'hard'> {
  readonly edges: Awaited<ReturnType<typeof composeEdges>>;
  readonly pause: Pause;
  readonly wake: Wake;
}

function composeWorkers(own: Own, { edges, pause, watcher, onlyAccounts, stop, hard, wake }: WorkersRequest) {
  const { config, lock, logger } = own;
  const { guard, publishers, phones } = edges;
  const workers: Worker[] = [];
  const board = new LiveBoard({
    ...own,
    also: watcher,
    workers: () => workers.map((worker) => ({ name: worker.name, ...worker.stats() })),
    appium: () => (publishers.needAppium ? [guard.status()] : []),
    devices: () => phones.list(),
    looks: () => verifier.looks(),
    pauseReason: () => pause.reason,
  });
  const serverOf = (name: string) => (publishers.of(name).publisher.needs.appium ? 'appium' : null);
  const breakers = new Breakers({ ...own, appOf: (name) => accountPolicy(config, name).app, serverOf });
  const attempt: AttemptParts = {
    ...{ ...own, stop, hard, watcher: board, ledger: own.posted, publisherOf: publishers.of, breakers },
    evidence: new EvidenceKeeper(join(config.home, 'evidence'), logger),
    unsettled: new Unsettled(own.clock),
    phaseLimitsMs: config.phases,
    appOf: (name) => accountPolicy(config, name).app,
    forbidden: () => pause.reason ?? (lock.held() ? null : 'the lock of this home is not held'),
    retryPolicy: (job) => policyFor(job, accountPolicy(config, job.account ?? '').retry),
    deferLimitMs: config.deferLimitMs,
    pausePublisher: (reason) => pause.begin(reason),
  };
  const tooLate = new TooLate({ ...own, tooLateMs: config.tooLateMs });
  const rests = new Rests(own.clock, config.delayBetweenPostsMs);
  const ready: WorkerParts['ready'] = (signal, alive) => (publishers.needAppium ? guard.ready(signal, alive) : Promise.resolve(true));
  const hire = async (reachable: number) => {
    const count = config.workers ?? Math.min(MOST_WORKERS_BY_DEFAULT, Math.max(1, reachable));
    for (let id = 1; id <= count; id++)
      workers.push(new Worker(id, { ...own, attempt, rests, ready, onlyAccounts, tooLate, logger: await logger.worker(id) }));
    return workers;
  };
  const verifier: Verifier = new Verifier({ ...own, ...attempt, rests, ready, wake, settings: config.verify });
  return { board, rests, hire, verifier, breakers, tooLate, unsettled: attempt.unsettled };
}
