/**
 * Which phones we use over an adb server, and what of that we must take back:
 * forwards that our Appium left there when it was killed. A forward that was
 * there before us is somebody else's and stays.
 */
import { SchedulerError } from '../errors.ts';
import type { Adb, AdbTarget } from './adb.ts';
import { driverForwards } from './adb-devices.ts';

export class HeldPhones {
  readonly #adb: Adb;
  /** Forwards that were there before we used the phone, by serial. */
  readonly #foreign = new Map<string, ReadonlySet<string>>();

  constructor(adb: Adb) {
    this.#adb = adb;
  }

  /** From now on new forwards of that phone are ours. */
  async hold(target: AdbTarget, signal: AbortSignal): Promise<void> {
    if (this.#foreign.has(target.serial)) return;
    this.#foreign.set(target.serial, new Set(await driverForwards(this.#adb, target, signal)));
  }

  /** `drop`, and the phone is not ours any more. Safe to call for a phone that was never held. */
  async release(target: AdbTarget, signal: AbortSignal): Promise<void> {
    await this.drop(target, signal);
    this.#foreign.delete(target.serial);
  }

  /** Takes back what came since `hold`: right when no session of ours is on the phone, as after the end of Appium. */
  async drop(target: AdbTarget, signal: AbortSignal): Promise<void> {
    const foreign = this.#foreign.get(target.serial);
    if (foreign === undefined) return;
    for (const local of await driverForwards(this.#adb, target, signal)) {
      if (foreign.has(local)) continue;
      await this.#adb.run(['forward', '--remove', local], { signal, target }).catch((error: unknown) => {
        // The forward went with the phone, or Appium removed it a moment ago.
        if (!(error instanceof SchedulerError) || signal.aborted) throw error;
      });
    }
  }
}
