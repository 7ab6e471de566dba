/**
 * The production daemon inside a simulated process: the same parts in the same
 * order as compose.ts, with the world's clock, store, ledger and publishers.
 * Only the lock is the world's own, because a kernel cannot be simulated.
 */

import type { DeviceInfo, DeviceProvider } from '../../src/devices/device.ts';
import type { AccountPolicy } from '../../src/domain/account.ts';
import type { RetryPolicy } from '../../src/domain/retry.ts';
import type { ChosenPublisher } from '../../src/publishers/publisher.ts';
import type { HostGuards } from '../../src/runtime/host-guards.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import { Shutdown } from '../../src/runtime/shutdown.ts';
import type { AttemptParts } from '../../src/scheduler/attempt.ts';
import { Desk } from '../../src/scheduler/desk.ts';
import { EvidenceKeeper } from '../../src/scheduler/evidence.ts';
import type { LiveBoard } from '../../src/scheduler/live-board.ts';
import { Pause } from '../../src/scheduler/pause.ts';
import { Phones } from '../../src/scheduler/phones.ts';
import { PostingScheduler } from '../../src/scheduler/posting-scheduler.ts';
import { Progress } from '../../src/scheduler/progress.ts';
import { Reaper } from '../../src/scheduler/reaper.ts';
import { Rescuer } from '../../src/scheduler/rescuer.ts';
import { Rests } from '../../src/scheduler/rests.ts';
import { applyRoster } from '../../src/scheduler/roster.ts';
import { Unsettled } from '../../src/scheduler/unsettled.ts';
import { Verifier, type VerifySettings } from '../../src/scheduler/verifier.ts';
import { Wake } from '../../src/scheduler/wake.ts';
import { Worker } from '../../src/scheduler/worker.ts';
import { SeededRandom } from '../support/fake-random.ts';
import type { Home } from './home.ts';
import type { SimProcess } from './sim-process.ts';

export interface Settings {
  readonly accounts: readonly { readonly name: string; readonly policy: AccountPolicy }[];
  readonly phones: readonly string[];
  readonly workers: number;
  readonly retry: RetryPolicy;
  readonly verify: VerifySettings;
  readonly phaseLimitsMs: AttemptParts['phaseLimitsMs'];
  readonly restMs: number;
}

export interface DaemonParts {
  readonly home: Home;
  readonly process: SimProcess;
  readonly settings: Settings;
  readonly seed: number;
  readonly logger: Logger;
  readonly publisherOf: (account: string) => ChosenPublisher;
}

const HEARTBEAT_MS = 30_000;

/** What has no meaning in memory: nothing of it can change the outcome of a job. */
class NoEvidence extends EvidenceKeeper {
  override async keep(): Promise<boolean> {
    return false;
  }
}

export class Daemon {
  readonly process: SimProcess;
  desk: Desk | null = null;
  /** Monotonic; null while posts may begin. */
  pausedMs: number | null = null;
  readonly shutdown: Shutdown;
  readonly #parts: DaemonParts;
  readonly #lost = new AbortController();

  constructor(parts: DaemonParts) {
    this.#parts = parts;
    this.process = parts.process;
    this.shutdown = new Shutdown({ clock: parts.process.clock, logger: parts.logger, hardAfterMs: 60_000 });
  }

  /** Until it stops or fails. The lock is this process's already. */
  async run(): Promise<void> {
    const { home, process, settings, logger, seed, publisherOf } = this.#parts;
    const { clock } = process;
    const { store, epoch, doubted } = await home.begin(process);
    const policyOf = (name: string) => settings.accounts.find((account) => account.name === name)?.policy ?? anyPolicy(settings);
    await applyRoster({ store, nowMs: clock.now(), named: settings.accounts.map(({ name }) => name), policyOf });
    const { signal: stop, hard } = this.shutdown;
    this.#lost.signal.addEventListener('abort', () => this.shutdown.force('the lock is lost'), { once: true });
    const random = new SeededRandom(seed);
    const ledger = home.ledger(process);
    const progress = new Progress(clock);
    const wake = new Wake(clock);
    const pause = new Pause(() => {
      this.pausedMs = pause.reason === null ? null : (this.pausedMs ?? clock.monotonic());
      wake.notify();
    });
    const own = { store, clock, random, logger, epoch, doubted, ledger, progress, stop, hard, wake };
    const attempt: AttemptParts = {
      ...{ ...own, publisherOf, watcher: { started() {}, phase() {}, ended() {} }, phaseLimitsMs: settings.phaseLimitsMs },
      ...{ evidence: new NoEvidence('', logger), unsettled: new Unsettled(clock), appOf: () => 'demo' },
      forbidden: () => pause.reason ?? (this.#lost.signal.aborted ? 'the lock of this home is not held' : null),
      retryPolicy: () => settings.retry,
      pausePublisher: (reason) => pause.begin(reason),
    };
    const rests = new Rests(clock, settings.restMs);
    const ready = async () => true;
    const verifier = new Verifier({ ...own, ...attempt, rests, ready, settings: settings.verify });
    const needsDevice = (name: string) => publisherOf(name).publisher.needs.device;
    const phones = new Phones({ ...own, providers: [rack(settings.phones)], needsDevice, guards: NO_GUARDS });
    const daemon = {
      stop: () => this.shutdown.request('--stop'),
      pause: async () => pause.begin('a person'),
      resume: async () => pause.end(),
      publishing: (job: string) => attempt.unsettled.has(job, 0),
    };
    const desk = new Desk({
      ...own,
      ledger,
      home: '/home',
      daemon,
      accountPolicy: policyOf,
      isConfigured: () => false,
      wake: () => wake.notify(),
    });
    const workers = Array.from(
      { length: settings.workers },
      (_, index) => new Worker(index + 1, { ...own, attempt, rests, ready, onlyAccounts: null }),
    );
    const scheduler = new PostingScheduler({
      ...{ ...own, rests, verifier, phones, hire: async () => workers, board: NO_BOARD, resting: () => pause.reason },
      overtaken: () => this.shutdown.force('a newer scheduler has begun in this home'),
      ...{
        reaper: new Reaper({ ...own, instance: 'home', removeForward: async () => {} }),
        rescuer: new Rescuer(own),
        missingPosts: () => home.missing(process, store),
      },
      ...{ bootId: home.bootId, passes: { maxPasses: 3, delayMs: 30_000 } },
      parts: [{ name: 'control', start: async () => this.#openDesk(desk), stop: async () => this.#openDesk(null) }],
    });
    void this.#beat(progress);
    await scheduler.run();
    this.shutdown.done();
  }

  #openDesk(desk: Desk | null): void {
    this.desk = desk;
  }

  /** As instance-lock.ts beats: only while the loops get on, and never over somebody else's name. */
  async #beat(progress: Progress): Promise<void> {
    const { home, process } = this.#parts;
    while (await process.clock.sleep(HEARTBEAT_MS, 'heartbeat', this.#lost.signal)) {
      if (progress.stalled() !== null) continue;
      if (home.lockFile !== null && home.lockFile.process !== process) this.#lost.abort(new Error('the lock file names another'));
      else home.lockFile = { process, heartbeatMs: process.clock.monotonic() };
    }
  }
}

function anyPolicy(settings: Settings): AccountPolicy {
  return (settings.accounts[0] as Settings['accounts'][number]).policy;
}

const NO_GUARDS = { take: () => null, releaseAll() {} } as unknown as HostGuards;
const NO_BOARD = { run: async () => {}, close: async () => {} } as unknown as LiveBoard;

/** Phones that are always there; what goes wrong with them is the publisher's mood. */
function rack(names: readonly string[]): DeviceProvider {
  const phone = (name: string): DeviceInfo => ({ id: name, provider: 'usb', name, state: 'ready', serial: name });
  const unused = () => Promise.reject(new Error('not simulated'));
  return {
    kind: 'usb',
    list: async () => names.map(phone),
    status: async (id) => phone(id),
    start: async () => false,
    stop: async () => {},
    connect: unused,
  };
}
