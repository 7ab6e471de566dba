/**
 * One instance acts in a home. Takes the home over from a dead or hung holder,
 * names a living one, shows our own life in `scheduler.lock`.
 *
 * The kernel lock decides (kernel-lock.ts). The file, its heartbeat and the
 * proper-lockfile directory around it are for people and tools: on one stale
 * lock the directory alone admitted two or three of four starters in 56 of 240
 * trials. The only file that knows proper-lockfile; see also `epoch` in the
 * store, which stops a holder that was replaced and did not notice.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lock as lockDirectory } from 'proper-lockfile';
import { SchedulerError } from '../errors.ts';
import { bootClockMs, type Clock, isoTime } from './clock.ts';
import { type KernelLock, takeKernelLock } from './kernel-lock.ts';
import {
  isOwn,
  isProvable,
  isSilent,
  LOCK_NAME,
  type LockContent,
  readContent,
  type Self,
  STALE_AFTER_MS,
  self,
  whereabouts,
} from './lock-file.ts';
import type { Logger } from './logger.ts';
import { endTree, isSameProcess } from './processes.ts';
import { replaceFile } from './replace-file.ts';
import { GUARD_NAME, takeStoreGuard } from './store-guard.ts';

export interface InstanceLockOptions {
  /** The home folder; made when it is missing. */
  readonly home: string;
  /** The database that is acted on. */
  readonly store: string;
  /** Names this instance for ever: home and host. */
  readonly instance: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** True while the loops make progress; without it the heart stops, so that the next start may replace us. */
  readonly progress: () => boolean;
}

const HEARTBEAT_MS = 30_000;
/** A beat and the wait before it; a home on a file system that hangs takes longer. */
const BEAT_LIMIT_MS = 3 * HEARTBEAT_MS;
const DIRECTORY_NAME = '.scheduler.lock.d';
/** A holder that is about to write its file, or about to be dead, gets this long. */
const PATIENCE_MS = 5_000;
const LOOK_AGAIN_MS = 50;
/** A hung holder gets this long to end politely. */
const GRACE_MS = 3_000;

/** Where loops say that they get on: scheduler/progress.ts. */
interface Loops {
  enter(loop: string, what: string, limitMs: number): void;
  leave(loop: string): void;
}

/** The right to act. Held until `release`, or until somebody else's name stands in the file. */
export class InstanceLock {
  readonly #options: InstanceLockOptions;
  readonly #me: Self;
  readonly #kernel: KernelLock;
  readonly #started: string;
  readonly #over = new AbortController();
  readonly #lost = new AbortController();
  #epoch = 0;
  #held = true;
  #beating: Promise<void> = Promise.resolve();
  #unlockDirectory: (() => Promise<void>) | null = null;

  /** From whom the home was taken because they were silent, though they may live on (another host, another container). */
  readonly doubted: readonly LockContent[];

  constructor(options: InstanceLockOptions, me: Self, taken: { readonly kernel: KernelLock; readonly doubted: readonly LockContent[] }) {
    this.doubted = taken.doubted;
    this.#options = options;
    this.#me = me;
    this.#kernel = taken.kernel;
    this.#started = isoTime(options.clock.now());
  }

  /** Aborts when the home was given to somebody else: nothing may be claimed any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  held(): boolean {
    return this.#held;
  }

  /**
   * Shows the number of this life in the file. Whoever is `doubted` must be in the store by then.
   *
   * @throws SchedulerError LOCK_LOST when the file names a successor; it is left alone
   */
  async setEpoch(epoch: number): Promise<void> {
    // A start that was frozen since it took the lock may have been replaced: it must bring nothing home in its successor's place.
    if (!(await this.#stillOurs())) throw new SchedulerError('LOCK_LOST');
    this.#epoch = epoch;
    await this.#write();
  }

  /** Shows every 30 s that we live, until `signal` aborts or the lock is released. `loops` hears of each beat: it is a loop like others. */
  startHeartbeat(signal: AbortSignal, loops?: Loops): void {
    this.#options.logger.info('[HEARTBEAT] Started heartbeat thread');
    this.#beating = this.#beat(AbortSignal.any([signal, this.#over.signal, this.#lost.signal]), loops);
  }

  /** Gives the home back: the file goes first (unless it is the only place where a doubt is written), the right to act last. Safe to call twice. */
  async release(): Promise<void> {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    await this.#beating;
    const content = await readContent(this.#options.home);
    const mayGo = this.#held && !this.#owesDoubts();
    if (mayGo && content !== null && isOwn(content, this.#me)) await rm(this.#path(LOCK_NAME), { force: true });
    this.#held = false;
    await this.#unlockDirectory?.().catch(() => undefined);
    this.#kernel.release();
  }

  /** For acquireInstanceLock: shows us in the file. The kernel lock is ours already. */
  async show(): Promise<void> {
    await this.#takeDirectory();
    await this.#write();
    this.#options.logger.info({ pid: this.#me.pid, instance: this.#options.instance }, `[LOCK] Acquired lock (PID ${this.#me.pid})`);
  }

  async #beat(signal: AbortSignal, loops?: Loops): Promise<void> {
    const { clock, logger, progress } = this.#options;
    for (;;) {
      loops?.enter('heartbeat', 'one beat', BEAT_LIMIT_MS);
      if (!(await clock.sleep(HEARTBEAT_MS, 'heartbeat', signal))) break;
      if (!progress()) {
        logger.warn('[HEARTBEAT] No progress: the heartbeat waits');
        continue;
      }
      try {
        if (await this.#stillOurs()) await this.#write();
      } catch (err) {
        logger.warn({ err }, '[HEARTBEAT] The lock file could not be written');
      }
    }
    loops?.leave('heartbeat');
  }

  /** A file that names somebody else means that the guard was removed by hand and a successor acts: never write over it. */
  async #stillOurs(): Promise<boolean> {
    const content = await readContent(this.#options.home);
    if (content === null || isOwn(content, this.#me)) return true;
    this.#lose(`the lock file names PID ${content.pid}`);
    return false;
  }

  async #write(): Promise<void> {
    const { clock, instance } = this.#options;
    const content: LockContent = {
      pid: this.#me.pid,
      started: this.#started,
      last_heartbeat: isoTime(clock.now()),
      heartbeat_boot_ms: bootClockMs(),
      hostname: this.#me.hostname,
      instance,
      epoch: this.#epoch,
      start_ticks: this.#me.startTicks,
      boot_id: this.#me.bootId,
      pid_ns: this.#me.pidNamespace,
      guard: this.#kernel.inode,
      ...(this.#owesDoubts() ? { doubted: this.doubted } : {}),
    };
    await replaceFile(this.#path(LOCK_NAME), `${JSON.stringify(content, null, 2)}\n`, 0o644);
  }

  /** The file alone knows whom this life doubts, until its epoch says that the store does. */
  #owesDoubts(): boolean {
    return this.#epoch === 0 && this.doubted.length > 0;
  }

  /** Whoever holds the kernel lock may clear what a dead holder left; by renaming, which only one of several can do. */
  async #takeDirectory(): Promise<void> {
    const lockfilePath = this.#path(DIRECTORY_NAME);
    const options = {
      realpath: false,
      lockfilePath,
      stale: STALE_AFTER_MS,
      update: HEARTBEAT_MS,
      onCompromised: (error: Error) => this.#compromised(error),
    };
    this.#unlockDirectory = await lockDirectory(this.#path(LOCK_NAME), options).catch(async () => {
      const aside = `${lockfilePath}.${this.#me.pid}`;
      await rename(lockfilePath, aside).catch(() => undefined);
      await rm(aside, { recursive: true, force: true });
      return lockDirectory(this.#path(LOCK_NAME), options);
    });
  }

  /**
   * Somebody touched the directory: claim nothing until it is clear who acts. An old holder that wakes and exits removes
   * our directory (proper-lockfile does that); then the file still names us, and we go on. Called from a timer: never throws.
   */
  #compromised(error: Error): void {
    if (this.#over.signal.aborted) return;
    this.#held = false;
    this.#options.logger.warn({ err: error }, '[LOCK] The lock directory was touched by somebody else');
    void this.#recover().catch((err: unknown) => this.#lose(`the lock directory cannot be taken again: ${err}`));
  }

  async #recover(): Promise<void> {
    if (!(await this.#stillOurs())) return;
    await this.#takeDirectory();
    await this.#write();
    this.#held = !this.#over.signal.aborted;
  }

  #lose(why: string): void {
    this.#held = false;
    this.#options.logger.error({ why }, '[LOCK ERROR] The lock of this home now belongs to another instance');
    this.#lost.abort(new SchedulerError('LOCK_LOST'));
  }

  #path(name: string): string {
    return join(resolve(this.#options.home), name);
  }
}

/**
 * Takes the right to act in a home.
 *
 * Free: take it. Held by a holder that showed life within 2 minutes: refused. Held by a silent one: ended if the file
 * proves which process it is, refused otherwise. A dead holder is replaced at once.
 *
 * @throws SchedulerError LOCK_HELD, naming the holder; details.why says why a silent one was not ended; STORE_TAKEN
 */
export async function acquireInstanceLock(options: InstanceLockOptions): Promise<InstanceLock> {
  await mkdir(options.home, { recursive: true });
  const me = await self();
  const deadline = options.clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const kernel = takeKernelLock(join(resolve(options.home), GUARD_NAME));
    const content = await readContent(options.home);
    if (kernel !== null) {
      try {
        const doubted = await settleWithPredecessor(content, { ...me, guard: kernel.inode }, options);
        const beside = await takeStoreGuard(options.home, options.store);
        const lock = new InstanceLock(options, me, { kernel: beside === null ? kernel : bothOf(kernel, beside), doubted });
        await lock.show();
        return lock;
      } catch (error) {
        kernel.release();
        throw error;
      }
    }
    if (await settleWithHolder(content, me, options)) continue;
    if (options.clock.monotonic() > deadline) throw heldBy(content, options, 'it could not be told who holds it');
    await options.clock.sleep(LOOK_AGAIN_MS, 'the lock of this home');
  }
}

function bothOf(home: KernelLock, store: KernelLock): KernelLock {
  const release = () => {
    store.release();
    home.release();
  };
  return { inode: home.inode, release };
}

/**
 * The kernel lock is ours. Whoever the file names is dead, unless the guard was removed by hand or the home is shared by hosts.
 * Answers who of those that held the home before may still live.
 */
async function settleWithPredecessor(
  content: LockContent | null,
  me: Self & { readonly guard: number },
  options: InstanceLockOptions,
): Promise<readonly LockContent[]> {
  if (content === null) return [];
  const { doubted = [], ...holder } = content;
  if (isOwn(content, me)) return doubted;
  const { logger, clock } = options;
  const where = await whereabouts(content, me);
  const silent = isSilent(content, clock.now(), me);
  // In another container of this kernel its lock would still be held if it lived, unless somebody deleted the file of it.
  const sameKernel = content.boot_id != null && content.boot_id === me.bootId;
  const provenDead = where === 'dead' || (where === 'elsewhere' && sameKernel && content.guard === me.guard);
  if (!provenDead && !silent) throw heldBy(content, options);
  if (silent) sayStale(content, logger);
  const ended = where === 'alive' && isProvable(content, me) && (await endHolder(content, options));
  if (provenDead) logger.warn({ holder: content }, `[LOCK] Stale lock file found (PID ${content.pid} not running). Taking over.`);
  return provenDead || ended ? doubted : [...doubted, { ...holder, hostname: holder.hostname ?? me.hostname }];
}

/** Somebody else has the kernel lock. Returns when it is worth trying again; true = it was just ended, however long that took. */
async function settleWithHolder(content: LockContent | null, me: Self, options: InstanceLockOptions): Promise<boolean> {
  if (content === null) return false;
  const where = await whereabouts(content, me);
  // Between the end of one holder and the file of the next one, the file names the dead one.
  if (where === 'dead') return false;
  if (!isSilent(content, options.clock.now(), me)) throw heldBy(content, options);
  sayStale(content, options.logger);
  if (where === 'elsewhere') throw heldBy(content, options, 'it is silent, but runs on another machine or in another container');
  if (!isProvable(content, me)) throw heldBy(content, options, 'it is silent, but its lock does not prove which process it is');
  if (!(await endHolder(content, options))) throw heldBy(content, options, 'it is silent, but could not be ended');
  return true;
}

/** False when it runs on: it belongs to another user, or hangs in the kernel. */
async function endHolder(content: LockContent & { readonly start_ticks: number }, options: InstanceLockOptions): Promise<boolean> {
  const identity = { pid: content.pid, startTicks: content.start_ticks };
  const result = await endTree(identity, { graceMs: GRACE_MS, clock: options.clock });
  if (await isSameProcess(identity)) return false;
  options.logger.warn({ holder: content, result }, `[LOCK] Ended the hung holder (PID ${content.pid}). Taking over.`);
  return true;
}

function sayStale(content: LockContent, logger: Logger): void {
  const last = content.last_heartbeat ?? content.started;
  logger.warn({ holder: content }, `[LOCK] Lock heartbeat stale (last: ${last}). Process may be hung.`);
}

function heldBy(content: LockContent | null, options: InstanceLockOptions, why?: string): SchedulerError {
  options.logger.error({ holder: content, why }, '[LOCK ERROR] Another scheduler instance is already running!');
  const holder = {
    pid: content?.pid ?? 'unknown',
    hostname: content?.hostname ?? 'this host',
    started: content?.started ?? 'an unknown time',
  };
  return new SchedulerError('LOCK_HELD', { details: why === undefined ? holder : { ...holder, why } });
}
