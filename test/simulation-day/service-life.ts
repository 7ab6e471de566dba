/**
 * One life of the daemon as a service: the scheduler as compose.ts wires it,
 * with its real files, on virtual time, in a world of simulated phones. A life
 * that was killed reaches nothing any more, and its sleeps never end.
 */
import { join } from 'node:path';
import { composeScheduler, type Own } from '../../src/compose.ts';
import { accountPolicy, type Config } from '../../src/config.ts';
import { liveConfig } from '../../src/config-live.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { stopTicks } from '../../src/runtime/cron.ts';
import type { InstanceLock } from '../../src/runtime/instance-lock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import type { Shutdown } from '../../src/runtime/shutdown.ts';
import { DoubtedHolders } from '../../src/scheduler/doubted-holders.ts';
import { Progress } from '../../src/scheduler/progress.ts';
import { applyRoster } from '../../src/scheduler/roster.ts';
import { PostedFile } from '../../src/stores/posted-ledger.ts';
import { SqliteStore } from '../../src/stores/sqlite.ts';
import { StateFiles } from '../../src/stores/state-files.ts';
import { SeededRandom } from '../support/fake-random.ts';
import type { ServiceHome } from './service-home.ts';

/** Whether a call such as `store.claim` never comes back. */
export type Hung = (call: string, args: readonly unknown[]) => boolean;

const NEVER = new Promise<never>(() => {});

export class ServiceLife {
  readonly clock: Clock;
  readonly killed = new AbortController();
  readonly own: Own;
  /** What hangs from now on. */
  hung: Hung = () => false;
  shutdown: Shutdown | null = null;
  readonly #open: { close(): Promise<void> }[] = [];
  #closing: Promise<void> | null = null;
  /** Settles when it has ended in order; never when it was killed. */
  ended: Promise<void> = NEVER;

  private constructor(home: ServiceHome, own: (life: ServiceLife) => Own) {
    const { clock } = home;
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      // The dead never wake: that ends each of their loops.
      sleep: async (ms, reason, signal) => {
        const over = await clock.sleep(ms, reason, signal);
        return this.killed.signal.aborted ? NEVER : over;
      },
    };
    this.own = own(this);
  }

  static async start(home: ServiceHome, config: Config, read: () => Promise<Config>): Promise<ServiceLife> {
    const logger = await createLogger({ dir: join(config.home, 'logs'), level: 'info', pretty: false, ...config.retention.logs });
    const random = new SeededRandom(home.seed + home.starts);
    const live = liveConfig(config, read);
    const policyOf = (name: string) => accountPolicy(live.config, name);
    const epoch = home.starts;
    const life = new ServiceLife(home, (self) => {
      const { clock } = self;
      const database = new SqliteStore({ path: config.store, clock, random });
      self.#open.push(database, logger);
      const store = self.face('store', database);
      const files = self.face('files', new StateFiles({ store, clock, config: live.config, policyOf }));
      const posted = self.face('posted', new PostedFile({ path: join(config.home, 'posted.jsonl') }));
      const doubted = new DoubtedHolders({ store, isDead: async () => true });
      const own = { store, files, posted, live, logger, random, clock, epoch, config: live.config, progress: new Progress(clock) };
      return { ...own, root: '/nonexistent', instance: 'service', doubted, lock: OURS, manager: home.managerOf(self) };
    });
    const { store } = life.own;
    await store.raiseEpoch('service');
    await applyRoster({ store, nowMs: life.clock.now(), named: config.accounts.map(({ name }) => name), policyOf });
    const nobody = { started() {}, phase() {}, ended() {} };
    const { scheduler, shutdown } = await composeScheduler(life.own, { watcher: nobody, onlyAccounts: null }, home.edgesOf(life));
    life.shutdown = shutdown;
    life.ended = scheduler.run().then(() => life.#close());
    // Of a killed life nobody awaits it.
    life.ended.catch(() => undefined);
    return life;
  }

  /** `systemctl stop`; resolves when it has ended. */
  async stop(): Promise<void> {
    this.shutdown?.request('SIGTERM');
    await this.ended;
  }

  /** SIGKILL: its sleeps, its sessions, its ticks and its open files end with it, and nothing is put in order. */
  async kill(): Promise<void> {
    this.killed.abort(new Error('killed'));
    await stopTicks();
    await this.#close();
  }

  /** `thing` as this life sees it: the dead reach nothing, and what a test lets hang hangs until then. */
  face<T extends object>(name: string, thing: T): T {
    return new Proxy(thing, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          this.killed.signal.throwIfAborted();
          if (this.hung(`${name}.${String(key)}`, args)) return this.#untilKilled();
          const answer = value.apply(target, args) as unknown;
          return answer instanceof Promise ? answer.finally(() => this.killed.signal.throwIfAborted()) : answer;
        };
      },
    });
  }

  #untilKilled(): Promise<never> {
    return new Promise((_, reject) => {
      this.killed.signal.addEventListener('abort', () => reject(this.killed.signal.reason as Error), { once: true });
    });
  }

  #close(): Promise<void> {
    this.#closing ??= (async () => {
      this.shutdown?.done();
      for (const file of this.#open) await file.close();
    })();
    return this.#closing;
  }
}

/** No other process knows of this home. */
const OURS = { lost: new AbortController().signal, held: () => true, startHeartbeat() {} } as unknown as InstanceLock;
