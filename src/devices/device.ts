/**
 * Phones, as the rest of the program sees them.
 *
 * A provider knows how to find, start and connect its phones; a connected phone
 * can be given files and asked whether it is alive. Nothing here knows an app.
 */

/** What a phone is doing, translated from each provider's own table; an unknown value is an error, never "stopped". */
export type DeviceState = 'ready' | 'starting' | 'stopped' | 'offline' | 'unauthorized' | 'expired';

export interface DeviceInfo {
  /** The product's name for it, unique in a home: `phone-1`, `R58M12ABCDE`, `geelark:alice-phone`. */
  readonly id: string;
  readonly provider: 'usb' | 'network' | 'geelark' | 'simulated';
  /** What people call it; equals the account's name in the seeds' one-phone-per-account set-up. */
  readonly name: string;
  readonly state: DeviceState;
  /** The adb serial; null while it is not connected. */
  readonly serial: string | null;
}

export interface DeviceProvider {
  readonly kind: DeviceInfo['provider'];
  list(signal: AbortSignal): Promise<readonly DeviceInfo[]>;
  status(id: string, signal: AbortSignal): Promise<DeviceInfo>;
  /** True when this call started it, and so we must stop it. */
  start(id: string, signal: AbortSignal): Promise<boolean>;
  stop(id: string, signal: AbortSignal): Promise<void>;
  /** Makes it answer over adb. Safe to call when it is connected already. */
  connect(id: string, signal: AbortSignal): Promise<ConnectedDevice>;
}

export interface ConnectedDevice {
  readonly id: string;
  readonly serial: string;
  /** The port of the adb server that knows it. */
  readonly adbPort: number;
  /** A real answer of the phone within the limit; `adb devices` alone proves nothing. @throws SchedulerError DEVICE_OFFLINE, ADB_TIMEOUT, DEVICE_UNAUTHORIZED */
  ping(signal: AbortSignal): Promise<void>;
  /** The same by whichever way the phone is reached, and never that of another one; null when it does not say. Changes at its restart. */
  identity(signal: AbortSignal): Promise<string | null>;
  /**
   * Puts a video on the phone under a name that is this job's alone, checks its sha256 there and makes the gallery see it.
   * Answers the path on the phone. @throws SchedulerError PUSH_CORRUPTED, PHONE_FULL, ADB_FAILED, ADB_TIMEOUT
   */
  pushVideo(video: { readonly path: string; readonly sha256: string; readonly name: string }, signal: AbortSignal): Promise<string>;
  /** The version of an installed app by its package name, such as `355.1.0`; null when the phone does not say. */
  appVersion(name: string, signal: AbortSignal): Promise<string | null>;
  /** Removes a file that pushVideo put there, and from the gallery; by the path that it answered, or the name that it was given. No error when it is not there. */
  removeVideo(pathOrName: string, signal: AbortSignal): Promise<void>;
}
