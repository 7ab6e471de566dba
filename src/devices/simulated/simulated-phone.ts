/**
 * Starts a simulated phone: an Android phone as adb and Appium see one, with a
 * pretend video app, a ledger of what was published on it, and fault switches.
 *
 * For rehearsals, tests and demonstrations. Puts the parts together and lets the
 * faults of the connection strike; each part knows only its own.
 */
import { mkdirSync } from 'node:fs';
import { type Clock, SystemClock } from '../../runtime/clock.ts';
import { type Random, SystemRandom } from '../../runtime/random.ts';
import { adbServices } from './adb-services.ts';
import { AdbTransport } from './adb-transport.ts';
import { ControlServer } from './control-server.ts';
import { DemoApp } from './demo-app.ts';
import { type Fault, type FaultName, Faults } from './faults.ts';
import { Ledger, type LedgerEntry } from './ledger.ts';
import { Phone, UIA2_PACKAGE, UIA2_TEST_PACKAGE } from './phone.ts';
import { PhoneFiles } from './phone-files.ts';
import { type RequestCount, Uia2Server } from './uia2-server.ts';

export interface SimulatedPhoneOptions {
  readonly name: string;
  /** Accounts that are signed in in the demo app. At least one. */
  readonly accounts: readonly string[];
  /** Where its ledger, files and gallery live; they survive a restart. */
  readonly folder: string;
  /** The account in front at the start; the first one by default. */
  readonly signedIn?: string;
  /** adb's port on 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /** The control port on 127.0.0.1; 0, the default, takes a free one. */
  readonly controlPort?: number;
  /** How long an upload takes; 300 ms by default. */
  readonly uploadMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface SimulatedPhone {
  readonly name: string;
  /** For `adb connect`: `127.0.0.1:PORT`. Also its adb serial. */
  readonly adbAddress: string;
  readonly controlUrl: string;
  /** What was published, oldest first. */
  ledger(): readonly LedgerEntry[];
  /** UI requests that arrived, with how often. */
  requests(): readonly RequestCount[];
  setFault(fault: Fault): void;
  clearFaults(name?: FaultName): void;
  state(): PhoneState;
  /** Ends it; nothing of it is left but its folder. */
  stop(): Promise<void>;
}

export interface PhoneState {
  readonly name: string;
  /** The package in front. */
  readonly front: string;
  /** The screen of the demo app, by the names of demo-app.ts. */
  readonly screen: string;
  readonly account: string;
  readonly accounts: readonly string[];
  /** Ids of UiAutomator2 sessions. */
  readonly sessions: readonly string[];
  readonly uia2Running: boolean;
  readonly adbConnections: number;
  /** The gallery, oldest first. */
  readonly media: readonly { readonly path: string; readonly bytes: number }[];
  readonly faults: readonly (Fault & { readonly active: boolean })[];
}

const UPLOAD_MS = 300;
const CONNECTION_FAULTS = ['offline', 'silent', 'unauthorized'] as const satisfies readonly FaultName[];

/** @throws Error when the port is taken, the folder cannot be written or `signedIn` is none of the accounts */
export async function startSimulatedPhone(options: SimulatedPhoneOptions): Promise<SimulatedPhone> {
  const device = new Device(options);
  await device.start();
  return device;
}

class Device implements SimulatedPhone {
  readonly name: string;
  readonly #options: SimulatedPhoneOptions;
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #phone: Phone;
  readonly #uia2: Uia2Server;
  readonly #transport: AdbTransport;
  readonly #control: ControlServer;
  readonly #stopped = new AbortController();
  readonly #timed = new WeakSet<Fault>();
  #controlUrl = '';
  /** Opening and closing the port takes turns. */
  #port: Promise<void> = Promise.resolve();

  constructor(options: SimulatedPhoneOptions) {
    const [first] = options.accounts;
    const signedIn = options.signedIn ?? first;
    if (signedIn === undefined || !options.accounts.includes(signedIn)) throw new Error(`the phone has no account "${signedIn ?? ''}"`);
    mkdirSync(options.folder, { recursive: true });
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    const random = options.random ?? new SystemRandom();
    this.#faults = new Faults(() => this.#applyFaults());
    const files = new PhoneFiles(options.folder);
    const ledger = new Ledger(options.folder);
    const app = new DemoApp({
      accounts: options.accounts,
      signedIn,
      files,
      ledger,
      faults: this.#faults,
      clock: this.#clock,
      uploadMs: options.uploadMs ?? UPLOAD_MS,
    });
    this.#phone = new Phone({ files, ledger, faults: this.#faults, app, serial: `SIM-${options.name}`, newId: () => random.id() });
    this.#uia2 = new Uia2Server(this.#phone, () => random.id());
    this.#phone.onForceStop = (name) => {
      if (name === UIA2_PACKAGE || name === UIA2_TEST_PACKAGE) this.#uia2.end();
    };
    this.#transport = new AdbTransport(adbServices({ phone: this.#phone, uia2: this.#uia2, clock: this.#clock }));
    this.#control = new ControlServer({
      ledger: () => this.ledger(),
      state: () => this.state(),
      requests: () => this.requests(),
      faults: () => this.#faults.list(),
      setFault: (fault) => this.setFault(fault),
      clearFaults: (name) => this.clearFaults(name),
    });
  }

  async start(): Promise<void> {
    await this.#transport.listen(this.#options.port ?? 0);
    try {
      this.#controlUrl = await this.#control.listen(this.#options.controlPort ?? 0);
    } catch (error) {
      await this.#transport.close();
      throw error;
    }
  }

  get adbAddress(): string {
    return `127.0.0.1:${this.#transport.port}`;
  }

  get controlUrl(): string {
    return this.#controlUrl;
  }

  ledger(): readonly LedgerEntry[] {
    return this.#phone.ledger.entries();
  }

  requests(): readonly RequestCount[] {
    return this.#uia2.requests();
  }

  setFault(fault: Fault): void {
    this.#faults.set(fault);
  }

  clearFaults(name?: FaultName): void {
    this.#faults.clear(name);
  }

  state(): PhoneState {
    const { sessionId, running } = this.#uia2;
    return {
      name: this.name,
      front: this.#phone.front,
      screen: this.#phone.app.screen,
      account: this.#phone.app.account,
      accounts: this.#options.accounts,
      sessions: sessionId === null ? [] : [sessionId],
      uia2Running: running,
      adbConnections: this.#transport.connectionCount,
      media: this.#phone.files.media().map(({ path, bytes }) => ({ path, bytes })),
      faults: this.#faults.list(),
    };
  }

  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    await this.#port;
    await this.#phone.app.stop();
    this.#uia2.end();
    await Promise.all([this.#transport.close(), this.#control.close()]);
  }

  /** Lets what is set strike on the connection, the process or the phone as a whole. */
  #applyFaults(): void {
    this.#once('drop', () => this.#transport.drop());
    this.#once('uia2_die', () => this.#uia2.end());
    this.#once('reboot', () => {
      this.#phone.reboot();
      this.#transport.drop();
    });
    if (this.#faults.active('uia2_refuse')) this.#uia2.cut();
    for (const name of CONNECTION_FAULTS) this.#endInTime(this.#faults.active(name));
    this.#transport.setMode(this.#faults.active('silent') ? 'silent' : this.#faults.active('unauthorized') ? 'unauthorized' : 'normal');
    const offline = this.#faults.active('offline') !== null;
    this.#port = this.#port.then(async () => {
      if (this.#stopped.signal.aborted) return;
      if (offline) await this.#transport.close();
      else await this.#transport.listen();
    });
  }

  /** Faults that are over as soon as they have struck. */
  #once(name: FaultName, strike: () => void): void {
    const fault = this.#faults.active(name);
    if (!fault) return;
    this.#faults.remove(fault);
    strike();
  }

  #endInTime(fault: Fault | null): void {
    if (fault?.ms === undefined || this.#timed.has(fault)) return;
    this.#timed.add(fault);
    void this.#clock.sleep(fault.ms, `simulated ${fault.name}`, this.#stopped.signal).then((over) => {
      if (over) this.#faults.remove(fault);
    });
  }
}
