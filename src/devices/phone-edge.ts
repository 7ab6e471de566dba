/**
 * The phones of a configuration, with the adb server that reaches them: every
 * provider that is configured, over one adb of one home.
 */

import { type Clock, withLimit } from '../runtime/clock.ts';
import type { Environment } from '../runtime/environment.ts';
import type { Logger } from '../runtime/logger.ts';
import { Adb, adbIn, findAndroidHome } from './adb.ts';
import { driverForwards } from './adb-devices.ts';
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
  /** Takes back the forwards that an Appium of ours left when it ended. Never throws. */
  readonly dropForwards: () => Promise<void>;
  /** Removes one forward to a driver, if the adb server still has it for that phone. */
  readonly removeForward: (serial: string, port: number) => Promise<void>;
  /** Lets go of the phones, and ends the adb server if it was started here. */
  readonly stop: () => Promise<void>;
}

const ADB_PORT = 5037;
const LET_GO_LIMIT_MS = 10_000;

const nothing = async () => {};

/** For publishers that need no phone: adb is not asked for, and none is started. */
export const NO_PHONES: PhoneEdge = {
  providers: [],
  androidHome: '',
  adbPort: ADB_PORT,
  dropForwards: nothing,
  removeForward: nothing,
  stop: nothing,
};

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
  const all = async (reason: string, act: (provider: (typeof providers)[number], signal: AbortSignal) => Promise<void>) => {
    const limit = { ms: LET_GO_LIMIT_MS, reason };
    await withLimit(clock, limit, async (signal) => {
      await Promise.all(providers.map((provider) => act(provider, signal)));
    }).catch((err: unknown) => logger.warn({ err }, `${reason}: not done`));
  };
  return {
    providers,
    androidHome,
    adbPort: port,
    dropForwards: () => all('take back forwards', (provider, signal) => provider.dropForwards(signal)),
    removeForward: (serial, port) =>
      withLimit(clock, { ms: LET_GO_LIMIT_MS, reason: `remove the forward of ${serial}` }, async (signal) => {
        const target = { serial, device: serial };
        // adb removes by port alone, whoever it belongs to: so it must be this phone's.
        if (!(await driverForwards(adb, target, signal)).includes(`tcp:${port}`)) return;
        await adb.run(['forward', '--remove', `tcp:${port}`], { signal, target });
      }),
    stop: async () => {
      await all('let go of the phones', (provider, signal) => provider.stopAll(signal));
      await server.stop();
    },
  };
}
