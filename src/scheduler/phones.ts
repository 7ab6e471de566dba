/**
 * The phones of this home: which one posts for which account, and a connection
 * to it when an attempt needs one. Stops at the end what it started itself.
 *
 * Which phone: the account's `device`, else the device of the same name, else
 * the only one there is, else the account waits with one clear message.
 */

import { basename } from 'node:path';
import type { ConnectedDevice, DeviceInfo, DeviceProvider } from '../devices/device.ts';
import type { Account } from '../domain/account.ts';
import { DEVICE_BUSY } from '../domain/job.ts';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { GuardHolder, HostGuards } from '../runtime/host-guards.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import { callPerson } from './alarm.ts';

export interface PhonesParts {
  readonly providers: readonly DeviceProvider[];
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: number;
  /** One phone, one home of this host. */
  readonly guards: HostGuards;
  /** Whether this account's publisher needs a phone at all. */
  readonly needsDevice: (account: string) => boolean;
  /** What is wrong with the account's app, such as a flow that is not there; null = nothing. */
  readonly appTrouble?: (account: Account) => string | null;
}

/** How often a phone that is starting is asked again. */
const STARTING_POLL_MS = 2_000;
/** A pushed video that was not removed (a crash, a post nobody is sure about) stays this long: an upload may be reading it. */
const FILE_KEPT_MS = 24 * 3_600_000;

export class Phones {
  readonly #parts: PhonesParts;
  readonly #started = new Map<string, DeviceProvider>();
  /** What an earlier life started and nobody has taken over yet; null = not looked up yet. */
  #left: Set<string> | null = null;
  /** By identity: the name under which each device was used last. */
  readonly #inHand = new Map<string, ConnectedDevice>();
  #known: readonly DeviceInfo[] = [];
  #homes = new Map<string, DeviceProvider>();

  constructor(parts: PhonesParts) {
    this.#parts = parts;
  }

  list(): readonly DeviceInfo[] {
    return this.#known;
  }

  /** Looks for phones and gives every account its own, or the reason why it has none. */
  async refresh(signal: AbortSignal): Promise<void> {
    const homes = new Map<string, DeviceProvider>();
    const known: DeviceInfo[] = [];
    for (const provider of this.#parts.providers) {
      for (const device of await this.#listOf(provider, signal)) {
        known.push(device);
        homes.set(device.id, provider);
      }
    }
    await this.#takeOver(homes, signal);
    this.#known = known;
    this.#homes = homes;
    for (const account of await this.#parts.store.accounts(this.#parts.clock.now())) await this.#assign(account);
  }

  /** `refresh` for whoever cannot wait for trouble: it is logged, and the next round looks again. Never throws. */
  async look(signal: AbortSignal): Promise<void> {
    await this.refresh(signal).catch((err: unknown) => this.#parts.logger.warn({ err }, 'The phones could not be looked at'));
  }

  /** A phone that answers over adb; starts it when it is off. @throws SchedulerError DEVICE_OFFLINE, PHONE_TAKEN, PHONE_TWICE and what the provider throws */
  async connect(id: string, signal: AbortSignal): Promise<ConnectedDevice> {
    const provider = this.#homes.get(id);
    if (!provider)
      throw new SchedulerError('DEVICE_OFFLINE', { details: { device: id, text: 'it is not in the list of phones any more' } });
    let state = (await provider.status(id, signal)).state;
    if (state === 'stopped') {
      await this.#start(provider, id, signal);
      state = 'starting';
    }
    while (state === 'starting' && (await this.#parts.clock.sleep(STARTING_POLL_MS, `phone ${id} starts`, signal))) {
      state = (await provider.status(id, signal)).state;
    }
    signal.throwIfAborted();
    const device = await provider.connect(id, signal);
    this.#claimForHome(device);
    await this.#claimDevice(device, signal);
    await this.#sweepFiles(device, signal);
    return this.#recorded(device);
  }

  /** For the end: stops what was started, and leaves the phones to other homes. */
  async close(signal: AbortSignal): Promise<void> {
    await this.stopStarted(signal);
    this.#parts.guards.releaseAll();
  }

  /** Stops every phone that this life started; each by itself, so that one that hangs does not keep the others running. */
  async stopStarted(signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#started].map(([id, provider]) => this.#stop(id, provider, signal)));
  }

  async #stop(id: string, provider: DeviceProvider, signal: AbortSignal): Promise<void> {
    try {
      await provider.stop(id, signal);
      this.#started.delete(id);
      await this.#parts.store.forgetResource(`phone:${id}`);
    } catch (error) {
      this.#parts.logger.error({ err: error, device: id }, `Phone ${id} could not be stopped`);
    }
  }

  /** What an earlier life started is ours to stop: at once, or at the end when a post in doubt may still be on its way from it. */
  async #takeOver(homes: ReadonlyMap<string, DeviceProvider>, signal: AbortSignal): Promise<void> {
    const { store, epoch } = this.#parts;
    const recorded = this.#left === null ? await store.resources() : [];
    const earlier = recorded.filter((resource) => resource.kind === 'phone' && resource.epoch < epoch);
    this.#left ??= new Set(earlier.map(({ details }) => String(details.device)));
    for (const id of this.#left) {
      const provider = homes.get(id);
      if (provider === undefined) continue;
      this.#left.delete(id);
      this.#started.set(id, provider);
      const inDoubt = await store.jobs({ statuses: ['uncertain'] });
      if (!inDoubt.some((job) => job.device === id)) await this.#stop(id, provider, signal);
    }
  }

  /** Two homes with sessions on one phone end each other's, in the worst case mid-post. */
  #claimForHome({ id, serial }: ConnectedDevice): void {
    const holder = this.#parts.guards.take(`phone:${serial}`);
    if (holder !== null) throw new SchedulerError('PHONE_TAKEN', { details: { device: id, holder: named(holder) } });
  }

  /** One screen may be reached under two names (cable and network), in one home or in two: one name is used at a time. */
  async #claimDevice(device: ConnectedDevice, signal: AbortSignal): Promise<void> {
    const { id, serial } = device;
    const { guards } = this.#parts;
    const identity = await device.identity(signal);
    if (identity === null) return;
    const last = this.#inHand.get(identity) ?? device;
    const users = last.id === id ? [] : await this.#usersOf(last.id);
    const refuse = (other: string, user: string) => {
      // The other name may be the one that is kept: nobody shall find this one taken by us.
      guards.release(`phone:${serial}`);
      return new SchedulerError('PHONE_TWICE', { details: { device: nameOf(device), other, user } });
    };
    if (users.length > 0) throw refuse(nameOf(last), `is the phone of ${users.join(', ')}`);
    const holder = guards.take(`device:${identity}`, nameOf(device));
    if (holder === null) this.#inHand.set(identity, device);
    else {
      const other = (holder !== 'unknown' && holder.as) || 'another phone';
      throw refuse(other, `is used by another home of this host: ${named(holder)}`);
    }
  }

  /** The accounts that post through this phone, or are about to; none once the configuration names it otherwise. */
  async #usersOf(id: string): Promise<readonly string[]> {
    const { store, clock } = this.#parts;
    const assigned = (await store.accounts(clock.now())).filter(({ device }) => device === id).map(({ name }) => name);
    const posting = (await store.jobs({ statuses: DEVICE_BUSY })).filter(({ device }) => device === id).map(({ account }) => account ?? '');
    return [...new Set([...assigned, ...posting])];
  }

  /** The phone, whose pushed videos are on record until they are removed. */
  #recorded(device: ConnectedDevice): ConnectedDevice {
    const { store, clock, epoch } = this.#parts;
    const { id, serial, adbPort } = device;
    const resource = (name: string) => `file:${id}:${basename(name)}`;
    return {
      ...{ id, serial, adbPort },
      ping: (signal) => device.ping(signal),
      identity: (signal) => device.identity(signal),
      appVersion: (name, signal) => device.appVersion(name, signal),
      pushVideo: async (video, signal) => {
        const details = { device: id, name: video.name };
        await store.recordResource({ id: resource(video.name), kind: 'file', details, epoch, startedMs: clock.now() });
        return device.pushVideo(video, signal);
      },
      removeVideo: async (pathOrName, signal) => {
        await device.removeVideo(pathOrName, signal);
        await store.forgetResource(resource(pathOrName));
      },
    };
  }

  /** Removes videos that were left on the phone so long ago that no upload can need them any more. */
  async #sweepFiles(device: ConnectedDevice, signal: AbortSignal): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const old = clock.now() - FILE_KEPT_MS;
    for (const { id, kind, details, startedMs } of await store.resources()) {
      if (kind !== 'file' || details.device !== device.id || startedMs > old) continue;
      try {
        await device.removeVideo(String(details.name), signal);
        await store.forgetResource(id);
      } catch (err) {
        if (signal.aborted) throw err;
        logger.warn({ err, device: device.id, file: details.name }, 'A video that was left on a phone could not be removed');
      }
    }
  }

  async #start(provider: DeviceProvider, id: string, signal: AbortSignal): Promise<void> {
    const { store, epoch, clock } = this.#parts;
    // Recorded before it is started: a phone that costs money must be found again after a crash in between.
    await store.recordResource({
      id: `phone:${id}`,
      kind: 'phone',
      details: { device: id, provider: provider.kind },
      epoch,
      startedMs: clock.now(),
    });
    if (await provider.start(id, signal)) this.#started.set(id, provider);
    else await store.forgetResource(`phone:${id}`);
  }

  async #listOf(provider: DeviceProvider, signal: AbortSignal): Promise<readonly DeviceInfo[]> {
    try {
      return await provider.list(signal);
    } catch (error) {
      this.#parts.logger.error({ err: error, provider: provider.kind }, `The ${provider.kind} phones cannot be listed`);
      return this.#known.filter((device) => device.provider === provider.kind);
    }
  }

  async #assign(account: Account): Promise<void> {
    const { store, needsDevice, logger } = this.#parts;
    const trouble = this.#parts.appTrouble?.(account) ?? null;
    const phone = needsDevice(account.name) ? phoneFor(account, this.#known) : { device: null };
    const wanted = trouble === null ? phone : { trouble };
    if ('device' in wanted) {
      if (account.device === wanted.device && account.trouble === null) return;
      await store.changeAccount(account.name, { type: 'assign_device', device: wanted.device }, 'phones');
    } else if (account.trouble !== wanted.trouble) {
      callPerson(logger, 'setup', { account: account.name }, `${account.name} waits: ${wanted.trouble}`);
      await store.changeAccount(account.name, { type: 'trouble', message: wanted.trouble }, 'phones');
    }
  }
}

function nameOf({ id, serial }: ConnectedDevice): string {
  return id === serial ? id : `${id} (${serial})`;
}

function named(holder: GuardHolder | 'unknown'): string {
  return holder === 'unknown' ? 'it does not say which' : `${holder.home} (PID ${holder.pid})`;
}

/** The rule "Which phone". */
export function phoneFor(
  account: Pick<Account, 'name' | 'policy'>,
  devices: readonly DeviceInfo[],
): { readonly device: string } | { readonly trouble: string } {
  const wish = account.policy.device;
  const byName = (name: string) => devices.find((device) => device.id === name || device.name === name || device.serial === name);
  const found = wish === null ? (byName(account.name) ?? (devices.length === 1 ? devices[0] : undefined)) : byName(wish);
  if (found) return { device: found.id };
  const text =
    wish !== null
      ? `"${wish}" is not among the phones (${names(devices)})`
      : devices.length === 0
        ? 'there is none'
        : `none is named like it and there are several (${names(devices)})`;
  return { trouble: new SchedulerError('PHONE_NOT_FOUND', { details: { account: account.name, text } }).message };
}

function names(devices: readonly DeviceInfo[]): string {
  return devices.length === 0 ? 'there is none' : devices.map((device) => device.name).join(', ');
}
