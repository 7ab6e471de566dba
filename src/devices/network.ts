/**
 * Phones reached over the network (and simulated ones, which are the same to
 * adb): connected before each use, because adb forgets a phone that was away
 * for a minute, and keeps one as `device` whose line is dead.
 *
 * `adb connect` exits 0 whatever happens, so its words are read. Only what we
 * connected is disconnected at the end.
 */
import { connect as openSocket } from 'node:net';
import { SchedulerError } from '../errors.ts';
import { type Clock, withLimit } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Adb, AdbTarget } from './adb.ts';
import { AdbConnectedDevice } from './adb-device.ts';
import { type ListedDevice, listedDevices } from './adb-devices.ts';
import type { ConnectedDevice, DeviceInfo, DeviceProvider } from './device.ts';
import { HeldPhones } from './held-phones.ts';

/** adb itself gives up after 10 s on a phone that accepts and says nothing. */
const CONNECT_LIMIT_MS = 15_000;
const REACH_LIMIT_MS = 2_000;
/** A phone that was just connected is `offline` or `authorizing` for a moment. */
const SETTLE_LIMIT_MS = 5_000;
const SETTLE_POLL_MS = 200;

export interface NetworkPhone {
  readonly name: string;
  /** `host:port`, which is its adb serial too. */
  readonly address: string;
}

export interface NetworkDevicesOptions {
  readonly kind: 'network' | 'simulated';
  readonly phones: readonly NetworkPhone[];
  readonly adb: Adb;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class NetworkDevices implements DeviceProvider {
  readonly kind: 'network' | 'simulated';
  readonly #options: NetworkDevicesOptions;
  readonly #held: HeldPhones;
  /** Serials that were not connected before we did it. */
  readonly #connected = new Set<string>();

  constructor(options: NetworkDevicesOptions) {
    this.kind = options.kind;
    this.#options = options;
    this.#held = new HeldPhones(options.adb);
  }

  async list(signal: AbortSignal): Promise<readonly DeviceInfo[]> {
    if (this.#options.phones.length === 0) return [];
    const listed = await listedDevices(this.#options.adb, signal);
    return Promise.all(this.#options.phones.map((phone) => this.#look(phone, listed, signal)));
  }

  async status(id: string, signal: AbortSignal): Promise<DeviceInfo> {
    return this.#look(this.#phone(id), await listedDevices(this.#options.adb, signal), signal);
  }

  /** A network phone is switched on by hand. */
  async start(): Promise<boolean> {
    return false;
  }

  /** Disconnects it when we connected it, and takes back our forwards. The phone itself goes on. */
  async stop(id: string, signal: AbortSignal): Promise<void> {
    const target = targetOf(this.#phone(id));
    await this.#held.release(target, signal);
    if (!this.#connected.has(target.serial)) return;
    await this.#disconnect(target, signal);
    this.#connected.delete(target.serial);
  }

  /** `stop` for every phone, each by itself; for the end of the daemon. Never throws. */
  async stopAll(signal: AbortSignal): Promise<void> {
    const { phones, logger } = this.#options;
    const stops = phones.map((phone) =>
      this.stop(phone.name, signal).catch((error: unknown) => logger.warn({ err: error }, `Phone ${phone.name} could not be let go`)),
    );
    await Promise.all(stops);
  }

  /** Takes back the forwards of an Appium of ours that has ended; there are only a hundred ports for them. */
  async dropForwards(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#options.phones.map((phone) => this.#held.drop(targetOf(phone), signal)));
  }

  async connect(id: string, signal: AbortSignal): Promise<ConnectedDevice> {
    const { adb, clock, logger } = this.#options;
    const target = targetOf(this.#phone(id));
    const device = new AdbConnectedDevice({ id, serial: target.serial, adb, clock });
    const wasThere = await this.#connect(target, signal);
    try {
      await this.#settled(device, signal);
    } catch (error) {
      signal.throwIfAborted();
      // An open line to a phone that has lost its end of it: adb believes in it for ever.
      if (!wasThere || (error instanceof SchedulerError && error.code === 'DEVICE_UNAUTHORIZED')) throw error;
      logger.warn({ device: id, err: error }, `Phone ${id} does not answer on its old connection; connecting anew`);
      await this.#disconnect(target, signal);
      await this.#connect(target, signal);
      await this.#settled(device, signal);
    }
    await this.#held.hold(target, signal);
    return device;
  }

  /** True when it was connected before. @throws SchedulerError DEVICE_OFFLINE, DEVICE_UNAUTHORIZED and what `Adb.run` throws */
  async #connect(target: AdbTarget, signal: AbortSignal): Promise<boolean> {
    const said = (await this.#options.adb.run(['connect', target.serial], { signal, target: null, limitMs: CONNECT_LIMIT_MS })).trim();
    if (/^already connected to /.test(said)) return true;
    if (/^connected to /.test(said)) {
      this.#connected.add(target.serial);
      return false;
    }
    const code = /^failed to authenticate to /.test(said) ? 'DEVICE_UNAUTHORIZED' : 'DEVICE_OFFLINE';
    throw new SchedulerError(code, { details: { device: target.device, serial: target.serial, text: said } });
  }

  async #disconnect(target: AdbTarget, signal: AbortSignal): Promise<void> {
    await this.#options.adb.run(['disconnect', target.serial], { signal, target: null }).catch((error: unknown) => {
      // "no such device": it is gone already, which is what is wanted.
      if (!(error instanceof SchedulerError) || error.code !== 'ADB_FAILED') throw error;
    });
  }

  /** Waits for a real answer. A time-out is final: who does not answer a ping within its limit does not hurry later. */
  async #settled(device: ConnectedDevice, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + SETTLE_LIMIT_MS;
    for (;;) {
      try {
        return await device.ping(signal);
      } catch (error) {
        const passing = error instanceof SchedulerError && error.code === 'DEVICE_OFFLINE';
        if (!passing || clock.monotonic() >= until || !(await clock.sleep(SETTLE_POLL_MS, 'phone', signal))) throw error;
      }
    }
  }

  /** Connected phones as adb sees them; for the others whether somebody accepts connections at the address. */
  async #look({ name, address }: NetworkPhone, listed: readonly ListedDevice[], signal: AbortSignal): Promise<DeviceInfo> {
    const known = listed.find((device) => device.serial === address);
    const info = { id: name, provider: this.kind, name };
    if (known !== undefined) return { ...info, state: known.state, serial: address };
    return { ...info, state: (await this.#accepts(address, signal)) ? 'ready' : 'offline', serial: null };
  }

  async #accepts(address: string, signal: AbortSignal): Promise<boolean> {
    const limit = { ms: REACH_LIMIT_MS, reason: 'phone reach', signal };
    const answer = withLimit(this.#options.clock, limit, (inner) => accepts(address, inner));
    return answer.catch(() => {
      signal.throwIfAborted();
      return false;
    });
  }

  #phone(id: string): NetworkPhone {
    const phone = this.#options.phones.find(({ name }) => name === id);
    if (phone === undefined)
      throw new SchedulerError('DEVICE_OFFLINE', { details: { device: id, text: 'it is not in the configuration' } });
    return phone;
  }
}

function targetOf({ name, address }: NetworkPhone): AdbTarget {
  return { serial: address, device: name };
}

function accepts(address: string, signal: AbortSignal): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve) => {
    const socket = openSocket({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
    signal.addEventListener('abort', () => done(false), { once: true });
  });
}
