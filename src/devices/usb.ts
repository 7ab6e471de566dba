/**
 * Phones on a cable (and emulators): whatever the adb server lists that is not
 * an address. They are connected by hand, so nothing is started or stopped.
 */
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Adb } from './adb.ts';
import { AdbConnectedDevice } from './adb-device.ts';
import { type ListedDevice, listedDevices } from './adb-devices.ts';
import type { ConnectedDevice, DeviceInfo, DeviceProvider } from './device.ts';
import { HeldPhones } from './held-phones.ts';

export interface UsbDevicesOptions {
  readonly adb: Adb;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class UsbDevices implements DeviceProvider {
  readonly kind = 'usb';
  readonly #options: UsbDevicesOptions;
  readonly #held: HeldPhones;
  readonly #used = new Set<string>();

  constructor(options: UsbDevicesOptions) {
    this.#options = options;
    this.#held = new HeldPhones(options.adb);
  }

  async list(signal: AbortSignal): Promise<readonly DeviceInfo[]> {
    const listed = await listedDevices(this.#options.adb, signal);
    return listed.filter(({ serial }) => !isAddress(serial)).map(infoOf);
  }

  async status(id: string, signal: AbortSignal): Promise<DeviceInfo> {
    const found = (await this.list(signal)).find((device) => device.id === id);
    return found ?? { id, provider: 'usb', name: id, state: 'offline', serial: null };
  }

  /** A phone on a cable is switched on by hand. */
  async start(): Promise<boolean> {
    return false;
  }

  /** Takes back our forwards; the phone stays as it is. */
  async stop(id: string, signal: AbortSignal): Promise<void> {
    await this.#held.release({ serial: id, device: id }, signal);
    this.#used.delete(id);
  }

  /** `stop` for every phone that was used; for the end of the daemon. Never throws. */
  async stopAll(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    const stops = [...this.#used].map((id) =>
      this.stop(id, signal).catch((error: unknown) => logger.warn({ err: error }, `Phone ${id} could not be let go`)),
    );
    await Promise.all(stops);
  }

  /** Takes back the forwards of an Appium of ours that has ended; there are only a hundred ports for them. */
  async dropForwards(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#used].map((id) => this.#held.drop({ serial: id, device: id }, signal)));
  }

  async connect(id: string, signal: AbortSignal): Promise<ConnectedDevice> {
    const { adb, clock } = this.#options;
    const { state } = await this.status(id, signal);
    if (state === 'unauthorized') throw new SchedulerError('DEVICE_UNAUTHORIZED', { details: { device: id } });
    if (state !== 'ready')
      throw new SchedulerError('DEVICE_OFFLINE', { details: { device: id, text: 'adb does not list it as connected' } });
    const device = new AdbConnectedDevice({ id, serial: id, adb, clock });
    await device.ping(signal);
    this.#used.add(id);
    await this.#held.hold({ serial: id, device: id }, signal);
    return device;
  }
}

function isAddress(serial: string): boolean {
  return /:\d+$/.test(serial);
}

function infoOf({ serial, state }: ListedDevice): DeviceInfo {
  return { id: serial, provider: 'usb', name: serial, state, serial };
}
