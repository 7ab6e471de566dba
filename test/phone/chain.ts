/**
 * The real chain for tests: one Appium server with the UiAutomator2 driver, and
 * an adb server of the test's own. Only the phone is simulated.
 *
 *   const chain = await startChain();              // beforeAll; 2 to 6 s
 *   const phone = await chain.phone({ accounts: ['alice'] });
 *   const driver = await chain.session(phone);     // about 1.3 s
 *   await chain.stop();                            // afterAll: nothing is left behind
 *
 * Each call has its own ports, HOME and folders, so that test files run in parallel.
 * Product code that starts its own Appium takes `chain.env` and `chain.adbPort` only:
 * `startChain({ appium: false })`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { remote } from 'webdriverio';
import { type SimulatedPhone, type SimulatedPhoneOptions, startSimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import { SystemClock } from '../../src/runtime/clock.ts';
import { environment } from '../../src/runtime/environment.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

export type ChainDriver = Awaited<ReturnType<typeof remote>>;

export interface Chain {
  /** `http://127.0.0.1:PORT`; empty with `appium: false`. */
  readonly appiumUrl: string;
  readonly adbPort: number;
  /** ANDROID_HOME, ANDROID_ADB_SERVER_PORT, HOME, APPIUM_HOME, PATH: for child processes of the test. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder of this chain, removed by stop(). */
  readonly folder: string;
  /** Runs adb against the chain's own server. Never rejects on an exit code. */
  adb(...args: string[]): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  /** Starts a phone in this process and connects adb to it; stop() ends it. */
  phone(options?: Partial<SimulatedPhoneOptions>): Promise<SimulatedPhone>;
  /** A bare webdriverio session with the recommended capabilities; not retried, ended by the caller or by stop(). */
  session(phone: SimulatedPhone, capabilities?: Readonly<Record<string, unknown>>): Promise<ChainDriver>;
  stop(): Promise<void>;
}

export async function startChain(options: { readonly appium?: boolean } = {}): Promise<Chain> {
  const folder = mkdtempSync(join(tmpdir(), 'phone-chain-'));
  const adbPort = await freePort();
  const env: Record<string, string> = {
    PATH: environment().PATH ?? '',
    HOME: folder,
    ANDROID_HOME: environment().ANDROID_HOME ?? '/usr/lib/android-sdk',
    ANDROID_ADB_SERVER_PORT: String(adbPort),
    APPIUM_HOME: PROJECT,
    TMPDIR: folder,
  };
  const adb: Chain['adb'] = async (...args) => {
    try {
      return { code: 0, ...(await run('adb', ['-P', String(adbPort), ...args], { env, maxBuffer: 64 * 1024 * 1024 })) };
    } catch (error) {
      const failed = error as { readonly code?: number; readonly stdout?: string; readonly stderr?: string };
      return { code: failed.code ?? -1, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' };
    }
  };
  await adb('start-server');
  const leave = async (): Promise<void> => {
    await adb('kill-server');
    rmSync(folder, { recursive: true, force: true });
  };
  const appium =
    options.appium === false ? null : await startAppium(env).catch((error: unknown) => leave().then(() => Promise.reject(error)));
  const phones: SimulatedPhone[] = [];
  return {
    appiumUrl: appium?.url ?? '',
    adbPort,
    env,
    folder,
    adb,
    phone: async (wanted = {}) => {
      const name = wanted.name ?? `phone-${phones.length + 1}`;
      const phone = await startSimulatedPhone({
        name,
        accounts: ['alice', 'bob'],
        folder: join(folder, `${name}-${phones.length}`),
        ...wanted,
      });
      phones.push(phone);
      await adb('connect', phone.adbAddress);
      return phone;
    },
    session: (phone, capabilities = {}) => openSession({ url: appium?.url ?? '', adbPort, serial: phone.adbAddress }, capabilities),
    stop: async () => {
      if (appium) await end(appium.child);
      await Promise.all(phones.map((phone) => phone.stop()));
      await leave();
    },
  };
}

async function startAppium(env: Readonly<Record<string, string>>): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const port = await freePort();
  const entry = createRequire(import.meta.url).resolve('appium/index.js');
  const flags = ['--address', '127.0.0.1', '--port', String(port), '--use-drivers=uiautomator2', '--log-level=error', '--log-no-colors'];
  const child = spawn(process.execPath, [entry, 'server', ...flags, '--allow-insecure=uiautomator2:adb_shell'], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const url = `http://127.0.0.1:${port}`;
  const clock = new SystemClock();
  const limitMs = 30_000;
  for (const start = clock.monotonic(); clock.monotonic() - start < limitMs; await clock.sleep(50, 'Appium starts')) {
    if (child.exitCode !== null) throw new Error(`Appium ended with ${child.exitCode}: ${stderr}`);
    const ready = await fetch(`${url}/status`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return { child, url };
  }
  await end(child);
  throw new Error(`Appium was not ready within ${limitMs} ms: ${stderr}`);
}

async function openSession(
  target: { readonly url: string; readonly adbPort: number; readonly serial: string },
  capabilities: Readonly<Record<string, unknown>>,
): Promise<ChainDriver> {
  const { hostname, port } = new URL(target.url);
  return remote({
    hostname,
    port: Number(port),
    logLevel: 'silent',
    connectionRetryCount: 0,
    connectionRetryTimeout: 60_000,
    waitforTimeout: 3_000,
    capabilities: {
      platformName: 'Android',
      'appium:automationName': 'UiAutomator2',
      'appium:udid': target.serial,
      'appium:adbPort': target.adbPort,
      'appium:suppressKillServer': true,
      'appium:skipLogcatCapture': true,
      'appium:noReset': true,
      'appium:newCommandTimeout': 180,
      'appium:uiautomator2ServerReadTimeout': 20_000,
      'wdio:enforceWebDriverClassic': true,
      ...capabilities,
    },
  });
}

/** The whole group at once: a driver's `adb` children would stay otherwise. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await exited;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address && typeof address === 'object' ? address.port : 0;
  server.close();
  await once(server, 'close');
  return port;
}
