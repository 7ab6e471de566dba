/** Guards promise 4 (one clear message for a phone that is not there) and promise 6 (what we started is stopped, nothing else). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConnectedDevice, DeviceInfo, DeviceProvider, DeviceState } from '../../src/devices/device.ts';
import { HostGuards } from '../../src/runtime/host-guards.ts';
import { Phones } from '../../src/scheduler/phones.ts';
import { POLICY, World } from './world.ts';

/** A rack of pretend phones by id; `did` is what was asked of them. */
function rack(states: Readonly<Record<string, DeviceState>>) {
  const now: Record<string, DeviceState> = { ...states };
  const did: string[] = [];
  let unlisted = false;
  const identities: Record<string, string> = {};
  const info = (id: string): DeviceInfo => ({ id, provider: 'network', name: id, state: now[id] ?? 'offline', serial: null });
  const provider: DeviceProvider = {
    kind: 'network',
    list: async () => {
      if (unlisted) throw new Error('adb does not answer');
      return Object.keys(now).map(info);
    },
    status: async (id) => info(id),
    start: async (id) => {
      did.push(`start ${id}`);
      now[id] = 'ready';
      return true;
    },
    stop: async (id) => {
      did.push(`stop ${id}`);
      if (id === 'stuck') throw new Error('it does not answer');
    },
    connect: async (id) => ({ id, serial: `serial of ${id}`, identity: async () => identities[id] ?? null }) as unknown as ConnectedDevice,
  };
  return { provider, did, now, identities, forget: () => (unlisted = true) };
}

async function phonesOf(world: World, states: Readonly<Record<string, DeviceState>>, needsDevice = true) {
  const made = rack(states);
  const { store, clock, logger } = world;
  const guards = new HostGuards(folder, { home: `/home/${homes++}`, pid: 4711 });
  const phones = new Phones({ providers: [made.provider], store, clock, logger, epoch: 1, guards, needsDevice: () => needsDevice });
  await phones.refresh(world.stop.signal);
  opened.push(phones);
  return { ...made, phones };
}

let folder: string;
let homes = 1;
const opened: Phones[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'guards-'));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((phones) => phones.close(AbortSignal.abort())));
  rmSync(folder, { recursive: true });
});

const assigned = async (world: World, name: string) => {
  const account = await world.store.account(name);
  return account?.trouble ?? account?.device;
};

describe('which phone posts for an account', () => {
  it('the one it names, else the one of its name, else the only one', async () => {
    const world = await World.with('alice', 'bob');
    await world.store.putAccounts([{ name: 'carol', policy: { ...POLICY, device: 'phone-2' } }]);
    await phonesOf(world, { alice: 'ready', 'phone-2': 'ready' });
    expect(await assigned(world, 'alice')).toBe('alice');
    expect(await assigned(world, 'carol')).toBe('phone-2');
    expect(await assigned(world, 'bob')).toBe('no phone for account bob: none is named like it and there are several (alice, phone-2)');
    const other = await World.with('alice', 'bob');
    await phonesOf(other, { rack: 'ready' });
    expect([await assigned(other, 'alice'), await assigned(other, 'bob')]).toEqual(['rack', 'rack']);
  });

  it('an account without one waits with one message, posts nothing and is well again when the phone comes', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    const { phones, now } = await phonesOf(world, {});
    await phones.refresh(world.stop.signal);
    const told = world.logger.messages().filter((line) => line.includes('no phone for account alice'));
    expect(told).toHaveLength(1);
    expect(await world.attempt()).toBeNull();
    now.alice = 'ready';
    await phones.refresh(world.stop.signal);
    expect(await world.attempt()).toMatchObject({ end: 'published', job: { device: 'alice' } });
  });

  it('an account whose app has no flow waits with that message, whatever its phone, until the flow is there', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    const made = rack({ alice: 'ready' });
    const { store, clock, logger } = world;
    let trouble: string | null = 'there is no flow for app "nosuchapp"';
    const guards = new HostGuards(folder, { home: '/home/app', pid: 1 });
    const parts = {
      providers: [made.provider],
      store,
      clock,
      logger,
      epoch: 1,
      guards,
      needsDevice: () => true,
      appTrouble: () => trouble,
    };
    const phones = new Phones(parts);
    await phones.refresh(world.stop.signal);
    expect(await assigned(world, 'alice')).toBe(trouble);
    expect(await world.attempt()).toBeNull();
    trouble = null;
    await phones.refresh(world.stop.signal);
    expect(await assigned(world, 'alice')).toBe('alice');
  });

  it('a publisher that needs no phone is not asked for one', async () => {
    const world = await World.with('alice');
    await phonesOf(world, {}, false);
    expect(await assigned(world, 'alice')).toBeNull();
  });

  it('a provider that cannot be asked for a moment does not take the phones away', async () => {
    const world = await World.with('alice');
    const { phones, forget } = await phonesOf(world, { alice: 'ready' });
    forget();
    await phones.refresh(world.stop.signal);
    expect(await assigned(world, 'alice')).toBe('alice');
  });
});

describe('a phone that is off', () => {
  it('is started, on record before it runs, and stopped at the end; one that ran already is left alone', async () => {
    const world = await World.with('alice', 'bob');
    const { phones, did } = await phonesOf(world, { alice: 'stopped', bob: 'ready' });
    await world.clock.run(phones.connect('alice', world.stop.signal));
    await phones.connect('bob', world.stop.signal);
    expect(await world.store.resources()).toMatchObject([{ id: 'phone:alice', kind: 'phone' }]);
    await phones.stopStarted(world.hard.signal);
    expect(did).toEqual(['start alice', 'stop alice']);
    expect(await world.store.resources()).toEqual([]);
  });

  it('that cannot be stopped stays on record, and does not keep the others running', async () => {
    const world = await World.with('alice');
    const { phones, did } = await phonesOf(world, { stuck: 'stopped', alice: 'stopped' });
    await world.clock.run(Promise.all(['stuck', 'alice'].map((id) => phones.connect(id, world.stop.signal))));
    await phones.stopStarted(world.hard.signal);
    expect(did).toEqual(expect.arrayContaining(['stop stuck', 'stop alice']));
    expect((await world.store.resources()).map(({ id }) => id)).toEqual(['phone:stuck']);
  });
});

describe('a phone that an earlier life started and did not stop', () => {
  const left = (device: string) => ({ id: `phone:${device}`, kind: 'phone', details: { device }, epoch: 0, startedMs: 0 }) as const;

  it('is stopped at the next start; what nobody here started is left alone', async () => {
    const world = await World.with('alice', 'bob');
    await world.store.recordResource(left('alice'));
    const { phones, did } = await phonesOf(world, { alice: 'ready', bob: 'ready' });
    expect(did).toEqual(['stop alice']);
    expect(await world.store.resources()).toEqual([]);
    await phones.refresh(world.stop.signal);
    expect(did).toEqual(['stop alice']);
  });

  it('runs on to the end of this life while a post in doubt may still be on its way from it', async () => {
    const world = await World.with('alice');
    await world.add(['beach'], 'alice');
    await world.store.changeAccount('alice', { type: 'assign_device', device: 'alice' }, 'test');
    world.script = async (ctx) => {
      await ctx.commit();
      throw new Error('socket hang up');
    };
    await world.attempt();
    await world.store.recordResource(left('alice'));
    const { phones, did } = await phonesOf(world, { alice: 'ready' });
    expect(did).toEqual([]);
    await phones.stopStarted(world.hard.signal);
    expect(did).toEqual(['stop alice']);
  });
});

describe('a video that was pushed', () => {
  it('is on record until it is removed; one that was left behind goes after a day, not while an upload may need it', async () => {
    const world = await World.with('alice');
    const made = await phonesOf(world, { alice: 'ready' });
    const removed: string[] = [];
    const bare = {
      id: 'alice',
      serial: 's',
      adbPort: 1,
      ping: async () => {},
      identity: async () => null,
      appVersion: async () => '2.1',
      pushVideo: async () => '/sdcard/Movies/one.mp4',
    };
    made.provider.connect = async () => ({ ...bare, removeVideo: async (name: string) => void removed.push(name) });
    const video = (name: string) => ({ path: `/videos/${name}`, sha256: 'a', name });
    const device = await made.phones.connect('alice', world.stop.signal);
    await device.pushVideo(video('one.mp4'), world.stop.signal);
    await device.pushVideo(video('two.mp4'), world.stop.signal);
    await device.removeVideo('/sdcard/Movies/one.mp4', world.stop.signal);
    expect((await world.store.resources()).map(({ id }) => id)).toEqual(['file:alice:two.mp4']);
    await world.clock.advance(23 * 3_600_000);
    await made.phones.connect('alice', world.stop.signal);
    expect(removed).toEqual(['/sdcard/Movies/one.mp4']);
    await world.clock.advance(3_600_001);
    await made.phones.connect('alice', world.stop.signal);
    expect(removed).toEqual(['/sdcard/Movies/one.mp4', 'two.mp4']);
    expect(await world.store.resources()).toEqual([]);
  });
});

describe('a phone that two homes of one host name', () => {
  it('is used by the first; the second is refused by name, and has it when the first is done', async () => {
    const world = await World.with('alice');
    const first = await phonesOf(world, { alice: 'ready' });
    const second = await phonesOf(world, { alice: 'ready' });
    await first.phones.connect('alice', world.stop.signal);
    await first.phones.connect('alice', world.stop.signal);
    const refused = second.phones.connect('alice', world.stop.signal);
    await expect(refused).rejects.toMatchObject({
      code: 'PHONE_TAKEN',
      category: 'configuration',
      message: expect.stringMatching(/^phone alice is used by another home of this host: \/home\/\d+ \(PID 4711\)$/),
    });
    await first.phones.close(world.hard.signal);
    await second.phones.connect('alice', world.stop.signal);
  });
});

describe('one device under two names', () => {
  const twice = (message: RegExp) => ({ code: 'PHONE_TWICE', category: 'configuration', message: expect.stringMatching(message) });
  const racked = async (world: World) => {
    const made = await phonesOf(world, { cable: 'ready', net: 'ready' });
    Object.assign(made.identities, { cable: 'device 1', net: 'device 1' });
    return made.phones;
  };
  const worldOf = async (device: Readonly<Record<string, string>>) => {
    const world = await World.with();
    const accounts = Object.entries(device).map(([name, wish]) => ({ name, policy: { ...POLICY, device: wish } }));
    await world.store.putAccounts(accounts);
    return world;
  };

  it('is used by the account that came first; the other is refused, and both names are said', async () => {
    const world = await worldOf({ alice: 'cable', bob: 'net' });
    await world.add(['beach'], 'bob');
    const phones = await racked(world);
    const { signal } = world.stop;
    await phones.connect('cable', signal);
    await phones.connect('cable', signal);
    await expect(phones.connect('net', signal)).rejects.toMatchObject(
      twice(/^phone net \(serial of net\) is the same device as cable \(serial of cable\), which is the phone of alice$/),
    );
    world.script = async () => void (await phones.connect('net', signal));
    expect(await world.attempt()).toMatchObject({ end: 'deferred', job: { attempts: 0 } });
    expect(await world.store.account('bob')).toMatchObject({ state: 'active', consecutiveFailures: 0 });
    await phones.connect('cable', signal);
  });

  it('is used under its new name once no account has the old one', async () => {
    const world = await worldOf({ alice: 'cable' });
    const phones = await racked(world);
    const { signal } = world.stop;
    await phones.connect('cable', signal);
    await world.store.putAccounts([{ name: 'alice', policy: { ...POLICY, device: 'net' } }]);
    await phones.refresh(signal);
    await phones.connect('net', signal);
    await phones.connect('net', signal);
    await world.store.putAccounts([{ name: 'bob', policy: { ...POLICY, device: 'cable' } }]);
    await phones.refresh(signal);
    await expect(phones.connect('cable', signal)).rejects.toMatchObject(twice(/is the phone of alice$/));
  });

  it('is not taken over while an attempt is under way on it', async () => {
    const world = await worldOf({ alice: 'cable' });
    await world.add(['beach'], 'alice');
    const phones = await racked(world);
    const { signal } = world.stop;
    world.script = () => new Promise(() => {});
    void world.worker().round(0, signal);
    await world.clock.advance(1_000);
    await phones.connect('cable', signal);
    await world.store.changeAccount('alice', { type: 'assign_device', device: 'net' }, 'test');
    await expect(phones.connect('net', signal)).rejects.toMatchObject(twice(/is the phone of alice$/));
  });

  it('is used by one home of this host; the other is refused, and keeps no guard of the name that it asked for', async () => {
    const world = await worldOf({ alice: 'cable' });
    const [first, second] = [await racked(world), await racked(world)];
    const { signal } = world.stop;
    await first.connect('cable', signal);
    await expect(second.connect('net', signal)).rejects.toMatchObject(
      twice(
        /^phone net \(serial of net\) is the same device as cable \(serial of cable\), which is used by another home of this host: \/home\/\d+ \(PID 4711\)$/,
      ),
    );
    await world.store.changeAccount('alice', { type: 'assign_device', device: 'net' }, 'test');
    await first.connect('net', signal);
    await first.close(signal);
    await second.connect('net', signal);
  });

  it('is none when the devices do not say who they are, or are different ones', async () => {
    const world = await worldOf({ alice: 'cable', bob: 'net' });
    const { phones, identities } = await phonesOf(world, { cable: 'ready', net: 'ready' });
    const { signal } = world.stop;
    await Promise.all(['cable', 'net'].map((id) => phones.connect(id, signal)));
    Object.assign(identities, { cable: 'device 1', net: 'device 2' });
    await Promise.all(['cable', 'net'].map((id) => phones.connect(id, signal)));
  });
});
