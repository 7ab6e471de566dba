/** A rack for tests: an adb server of their own, phones on it, and nothing left of either at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Adb, adbIn, findAndroidHome } from '../../src/devices/adb.ts';
import { AdbServer } from '../../src/devices/adb-server.ts';
import { NetworkDevices } from '../../src/devices/network.ts';
import { type SimulatedPhone, startSimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { type Environment, environment } from '../../src/runtime/environment.ts';
import { type RecordingLog, recordingLog } from '../appium/sessions.ts';

export interface Rack {
  readonly folder: string;
  readonly environment: Environment;
  readonly androidHome: string;
  readonly port: number;
  readonly server: AdbServer;
  readonly adb: Adb;
  readonly log: RecordingLog;
  readonly started: { readonly pid: number; readonly startTicks: number; readonly port: number }[];
  readonly ended: { readonly pid: number; readonly startTicks: number; readonly port: number }[];
  phone(name: string): Promise<SimulatedPhone>;
  devices(...phones: readonly SimulatedPhone[]): NetworkDevices;
  /** Another program with the same adb server; it is nobody's to end. */
  stranger(): { readonly server: AdbServer; readonly adb: Adb };
  close(): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function openRack(): Promise<Rack> {
  const folder = mkdtempSync(join(tmpdir(), 'rack-'));
  const port = await freePort();
  const env = { ...environment(), HOME: folder };
  const androidHome = findAndroidHome(null, env);
  const clock = new SystemClock();
  const log = recordingLog();
  const started: Rack['started'] = [];
  const ended: Rack['ended'] = [];
  const path = adbIn(androidHome);
  const build = (instance: string) => {
    const recorder = {
      onStarted: async (process: Rack['started'][number]) => void started.push(process),
      onEnded: async (process: Rack['ended'][number]) => void ended.push(process),
    };
    const server = new AdbServer({ path, port, instance, environment: env, clock, logger: log.logger, recorder });
    return { server, adb: new Adb({ path, port, instance, environment: env, clock, server }) };
  };
  const { server, adb } = build(`rack-${port}`);
  const stranger = build(`stranger-${port}`);
  const phones: SimulatedPhone[] = [];
  return {
    folder,
    environment: env,
    androidHome,
    port,
    server,
    adb,
    log,
    started,
    ended,
    phone: async (name) => {
      const phone = await startSimulatedPhone({ name, accounts: ['alice', 'bob'], folder: join(folder, name) });
      phones.push(phone);
      return phone;
    },
    devices: (...used) =>
      new NetworkDevices({
        kind: 'simulated',
        phones: used.map((phone) => ({ name: phone.name, address: phone.adbAddress })),
        adb,
        clock,
        logger: log.logger,
      }),
    stranger: () => stranger,
    close: async () => {
      await server.stop();
      await stranger.server.stop();
      await Promise.all(phones.map((phone) => phone.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
