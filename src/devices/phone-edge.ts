/**
 * The phones of a configuration, with the adb server that reaches them: every
 * provider that is configured, over one adb of one home.
 */

import type { Clock } from '../runtime/clock.ts';
import type { Environment } from '../runtime/environment.ts';
import type { Logger } from '../runtime/logger.ts';
import { Adb, adbIn, findAndroidHome } from './adb.ts';
import { AdbServer, type AdbServerOptions } from './adb-server.ts';
import type { DeviceProvider } from './device.ts';
import { NetworkDevices, type NetworkPhone } from './network.ts';
import { UsbDevices } from './usb.ts';

export interface PhoneEdgeOptions {
  /** The SDK's folder; null = looked for. */
  readonly sdk: string | null;
  /** Of the adb server; null = ANDROID_ADB_SERVER_PORT, else adb's own. */
  readonly port: number | null;
  readonly usb: boolean;
  readonly network: readonly NetworkPhone[];
  readonly simulated: readonly NetworkPhone[];
  readonly environment: Environment;
  readonly instance: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: AdbServerOptions['recorder'];
}

export interface PhoneEdge {
  readonly providers: readonly DeviceProvider[];
  readonly androidHome: string;
  readonly adbPort: number;
  /** Ends the adb server, if it was started here. */
  readonly stop: () => Promise<void>;
}

const ADB_PORT = 5037;

/** @throws SchedulerError ADB_NOT_FOUND */
export function openPhoneEdge(options: PhoneEdgeOptions): PhoneEdge {
  const { environment, instance, clock, logger, recorder } = options;
  const androidHome = findAndroidHome(options.sdk, environment);
  const path = adbIn(androidHome);
  const port = options.port ?? Number(environment.ANDROID_ADB_SERVER_PORT ?? ADB_PORT);
  const server = new AdbServer({ path, port, instance, environment, clock, logger, recorder });
  const adb = new Adb({ path, port, instance, environment, clock, server });
  const providers = [
    new NetworkDevices({ kind: 'simulated', phones: options.simulated, adb, clock, logger }),
    new NetworkDevices({ kind: 'network', phones: options.network, adb, clock, logger }),
    ...(options.usb ? [new UsbDevices({ adb, clock, logger })] : []),
  ];
  return { providers, androidHome, adbPort: port, stop: () => server.stop() };
}
