/**
 * A home whose daemon lives as a service: it is started, stopped, killed and
 * told to reload, on virtual time, with the phones of rack.ts, an Appium that
 * dies and a service manager that listens. Packages with clocks of their own
 * (node-cron, pino-roll) get the virtual one.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { AppiumHealth, AppiumServer } from '../../src/appium/appium.ts';
import type { composeEdges } from '../../src/compose-edges.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { sendCommand } from '../../src/control/client.ts';
import type { DeviceInfo, DeviceProvider } from '../../src/devices/device.ts';
import type { PublishContext, Publisher, PublishJob } from '../../src/publishers/publisher.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import type { HostGuards } from '../../src/runtime/host-guards.ts';
import type { Supervisor } from '../../src/runtime/service-notify.ts';
import { AppiumGuard } from '../../src/scheduler/appium-guard.ts';
import type { Reply } from '../../src/scheduler/commands.ts';
import { Phones } from '../../src/scheduler/phones.ts';
import { FastClock } from './fast-clock.ts';
import { type Faults, Rack } from './rack.ts';
import { type Hung, ServiceLife } from './service-life.ts';

export interface ServiceHomeRequest {
  readonly startMs: number;
  readonly seed: number;
  readonly phones: number;
  readonly faults: Faults;
  /** scheduler.yaml */
  readonly config: string;
}

/** Too long for a socket, which then lies in the temporary folder: not every machine lets one be in memory, where the rest is fast. */
const LONG_NAME = `service-${'x'.repeat(100)}-`;
const WATCHDOG_MS = 120_000;
/** As in the unit. */
const RESTART_MS = 35_000;
const SCREEN_BYTES = 20_000;

export class ServiceHome {
  readonly folder: string;
  readonly clock: FastClock;
  readonly rack: Rack;
  readonly appium: FragileAppium;
  readonly seed: number;
  readonly phones: DeviceProvider;
  /** Every configuration that was in force, and since when. */
  readonly configs: { readonly fromMs: number; readonly config: Config }[] = [];
  readonly told = { ready: 0, status: '', fedMs: Number.NEGATIVE_INFINITY, longestUnfedMs: 0 };
  starts = 0;
  #life: ServiceLife | null = null;
  #added = 0;

  constructor({ startMs, seed, phones, faults, config }: ServiceHomeRequest) {
    this.seed = seed;
    vi.useFakeTimers({ now: startMs, toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    this.clock = new FastClock(startMs, (ms) => vi.advanceTimersByTime(ms));
    this.rack = new Rack(this.clock, seed, faults);
    this.appium = new FragileAppium(this.clock, this.rack);
    this.phones = cabled(Array.from({ length: phones }, (_, index) => `phone-${index}`));
    this.folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), LONG_NAME));
    mkdirSync(join(this.folder, 'evidence'));
    this.write(config);
  }

  get life(): ServiceLife {
    if (this.#life === null) throw new Error('nothing runs');
    return this.#life;
  }

  write(config: string): void {
    writeFileSync(join(this.folder, 'scheduler.yaml'), config);
  }

  async start(hung: Hung = () => false): Promise<void> {
    this.starts += 1;
    this.told.fedMs = this.clock.now();
    const config = this.#read();
    this.configs.push({ fromMs: this.clock.now(), config });
    this.#life = await this.clock.still(ServiceLife.start(this, config, async () => this.#read()));
    this.#life.hung = hung;
  }

  /** Videos that any account may post, each of its own bytes. */
  async addJobs(count: number): Promise<void> {
    const jobs = Array.from({ length: count }, () => {
      this.#added += 1;
      const id = `job-${String(this.#added).padStart(4, '0')}`;
      const rest = { caption: 'Hello', account: null, publishAtMs: null, priority: 0, maxAttempts: null, repeat: 0 };
      return { id, videoPath: `/videos/${id}.mp4`, sha256: this.#added.toString(16).padStart(64, '0'), ...rest };
    });
    await this.life.own.store.addJobs({ id: `batch-${this.#added}`, source: '/videos', accounts: null }, jobs);
  }

  async restart(): Promise<void> {
    await this.life.stop();
    await this.start();
  }

  /** The service manager ends what the dead daemon left (KillMode=mixed), and starts it again. */
  async kill(): Promise<void> {
    await this.clock.still(this.life.kill());
    await this.appium.stop();
    await this.clock.sleep(RESTART_MS, 'RestartSec');
    await this.start();
  }

  /** `scheduler --reload`, over the control socket. */
  async reload(config: string): Promise<Reply> {
    const before = readFileSync(join(this.folder, 'scheduler.yaml'), 'utf8');
    this.write(config);
    const order = { home: this.folder, command: { do: 'reload' }, limitMs: 10_000, clock: new SystemClock() } as const;
    const reply = await this.clock.still(sendCommand(order));
    if (reply.ok) this.configs.push({ fromMs: this.clock.now(), config: this.#read() });
    else this.write(before);
    return reply;
  }

  /** A life that a failed test has left goes with it, or the next test would wait for its files. */
  async close(): Promise<void> {
    vi.useRealTimers();
    await this.#life?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  managerOf(life: ServiceLife): Supervisor {
    const hear = (lines: readonly string[]) => {
      const now = this.clock.now();
      if (lines.includes('READY=1')) this.told.ready += 1;
      if (lines.includes('WATCHDOG=1')) {
        this.told.longestUnfedMs = Math.max(this.told.longestUnfedMs, now - this.told.fedMs);
        this.told.fedMs = now;
      }
      this.told.status = lines.find((line) => line.startsWith('STATUS='))?.slice('STATUS='.length) ?? this.told.status;
    };
    return { watchdogMs: WATCHDOG_MS, notify: async (...lines) => life.killed.signal.aborted || hear(lines) === undefined };
  }

  edgesOf(life: ServiceLife): typeof composeEdges {
    return async (own) => {
      const publisher = life.face('publisher', this.#publisherOf(life));
      const appium = life.face('appium', this.appium);
      const guards = { take: () => null, releaseAll() {} } as unknown as HostGuards;
      return {
        stopAppium: () => appium.stop(),
        guard: new AppiumGuard({ ...own, server: appium, limits: own.config.appium }),
        phones: new Phones({ ...own, providers: [life.face('phones', this.phones)], guards, needsDevice: () => true }),
        publishers: { of: () => ({ publisher, options: {} }), needAppium: true, needDevice: true },
        stopAdb: async () => {},
        removeForward: async () => {},
      };
    };
  }

  #publisherOf({ killed }: ServiceLife): Publisher {
    return {
      ...this.rack.publisher,
      publish: async (job, ctx) => {
        const signal = AbortSignal.any([ctx.signal, killed.signal]);
        try {
          await this.rack.publish(job, { ...ctx, signal });
        } catch (error) {
          if (!killed.signal.aborted) await this.#keepScreen(job, ctx);
          throw error;
        }
      },
    };
  }

  /** The file is of the virtual time at which it was kept, so that it ages with it. */
  async #keepScreen({ id, attempt }: PublishJob, ctx: PublishContext): Promise<void> {
    await ctx.evidence('screen.png', Buffer.alloc(SCREEN_BYTES));
    const folder = join(this.folder, 'evidence', id, `attempt-${attempt}`);
    const at = this.clock.now() / 1_000;
    for (const path of [join(folder, 'screen.png'), folder]) await utimes(path, at, at);
  }

  #read(): Config {
    return loadConfig({ home: this.folder, file: null, overrides: {} });
  }
}

/** Dies when it is told to, with every session that runs on it. */
class FragileAppium implements AppiumServer {
  readonly url = 'http://127.0.0.1:4723';
  /** Until then it cannot be started either; virtual instant. */
  brokenUntilMs = 0;
  readonly #clock: FastClock;
  readonly #rack: Rack;
  #isUp = false;

  constructor(clock: FastClock, rack: Rack) {
    this.#clock = clock;
    this.#rack = rack;
  }

  die(forMs = 0): void {
    this.#isUp = false;
    this.brokenUntilMs = this.#clock.now() + forMs;
    this.#rack.endSessions();
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(8_000, 'Appium starts', signal);
    if (this.#clock.now() < this.brokenUntilMs) throw new Error('Appium ended at its start');
    this.#isUp = !signal.aborted;
  }

  async check(): Promise<AppiumHealth> {
    const { url } = this;
    return this.#isUp ? { healthy: true, url, problem: null, gone: false } : { healthy: false, url, problem: 'ECONNREFUSED', gone: true };
  }

  restart(signal: AbortSignal): Promise<void> {
    return this.start(signal);
  }

  async stop(): Promise<void> {
    this.#isUp = false;
  }
}

function cabled(names: readonly string[]): DeviceProvider {
  const phone = (name: string): DeviceInfo => ({ id: name, provider: 'usb', name, state: 'ready', serial: name });
  return {
    kind: 'usb',
    list: async () => names.map(phone),
    status: async (id) => phone(id),
    start: async () => false,
    stop: async () => {},
    connect: () => Promise.reject(new Error('the rack does it')),
  };
}
