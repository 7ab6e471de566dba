/**
 * What the adb server says about the phones it knows (`adb devices -l`), and the
 * forwards that it holds for them. It is hearsay: a phone that went silent stays
 * `device` there, so only a ping proves anything.
 */
import type { Adb, AdbTarget } from './adb.ts';
import type { DeviceState } from './device.ts';

export interface ListedDevice {
  readonly serial: string;
  readonly state: DeviceState;
}

/** Where the UiAutomator2 server listens on every phone. */
const DRIVER_PORT = 'tcp:6790';

/** adb's words for a phone's state. */
const STATES: Readonly<Record<string, DeviceState>> = {
  device: 'ready',
  offline: 'offline',
  connecting: 'offline',
  authorizing: 'offline',
  unauthorized: 'unauthorized',
  // Linux: the USB device may not be opened by this user.
  'no permissions': 'unauthorized',
  // In an update, or just rebooting: no app runs there.
  recovery: 'offline',
  sideload: 'offline',
  rescue: 'offline',
  bootloader: 'offline',
  host: 'offline',
};

/** Reads the output of `adb devices -l`. An unknown word counts as offline: it is listed, and cannot be used. */
export function parseDevices(output: string): readonly ListedDevice[] {
  const listed: ListedDevice[] = [];
  for (const line of output.split('\n')) {
    const match = /^(\S+)\s+(no permissions|\S+)/.exec(line.trimEnd());
    if (match === null || line.startsWith('List of devices') || line.startsWith('*')) continue;
    listed.push({ serial: match[1] as string, state: STATES[match[2] as string] ?? 'offline' });
  }
  return listed;
}

/** All phones that the adb server knows. @throws what `Adb.run` throws */
export async function listedDevices(adb: Adb, signal: AbortSignal): Promise<readonly ListedDevice[]> {
  return parseDevices(await adb.run(['devices', '-l'], { signal, target: null }));
}

/**
 * The local ends of the forwards by which drivers reach this phone. They stay in the adb server when Appium is killed.
 */
export async function driverForwards(adb: Adb, target: AdbTarget, signal: AbortSignal): Promise<readonly string[]> {
  const output = await adb.run(['forward', '--list'], { signal, target: null });
  return output.split('\n').flatMap((line) => {
    const [serial, local, remote] = line.trim().split(/\s+/);
    return serial === target.serial && remote === DRIVER_PORT && local !== undefined ? [local] : [];
  });
}
