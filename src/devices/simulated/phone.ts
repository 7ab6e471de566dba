/**
 * The state of the simulated phone: packages, what is in front, what runs.
 *
 * The meeting point of the parts; it speaks neither adb nor HTTP.
 */
import { DEMO_PACKAGE, type DemoApp } from './demo-app.ts';
import type { Faults } from './faults.ts';
import type { Ledger } from './ledger.ts';
import type { PhoneFiles } from './phone-files.ts';
import { layOut, type UiNode, type UiSpec } from './ui-node.ts';

const LAUNCHER = 'com.android.launcher3';
export const SETTINGS_APP = 'io.appium.settings';
export const UIA2_PACKAGE = 'io.appium.uiautomator2.server';
export const UIA2_TEST_PACKAGE = 'io.appium.uiautomator2.server.test';

export interface InstalledPackage {
  readonly version: { readonly code: number; readonly name: string } | null;
  /** What a start of it opens; null for one without a screen. */
  readonly activity: string | null;
}

interface PhoneParts {
  readonly files: PhoneFiles;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly app: DemoApp;
  /** Its own, by whichever way it is reached. */
  readonly serial: string;
  /** A new UUID. */
  readonly newId: () => string;
}

/**
 * Installed so that Appium's driver, of whatever version, does not spend each
 * session on installing 18 MB which nothing here would run: a newer settings app is
 * left alone; of its server a newer one is replaced, but one of unknown version is left alone.
 */
const PACKAGES: Readonly<Record<string, InstalledPackage>> = {
  [DEMO_PACKAGE]: { version: { code: 1, name: '1.0.0' }, activity: 'demo.video.MainActivity' },
  [LAUNCHER]: { version: { code: 33, name: '13' }, activity: 'com.android.launcher3.Launcher' },
  [SETTINGS_APP]: { version: { code: 2_000_000_000, name: '999.0.0' }, activity: '.Settings' },
  [UIA2_PACKAGE]: { version: null, activity: null },
  [UIA2_TEST_PACKAGE]: { version: null, activity: null },
};

export class Phone {
  readonly files: PhoneFiles;
  readonly ledger: Ledger;
  readonly faults: Faults;
  readonly app: DemoApp;
  readonly serial: string;
  readonly #newId: () => string;
  readonly packages = new Map(Object.entries(PACKAGES));
  /** Process ids of what runs. */
  readonly running = new Map<string, number>([[LAUNCHER, 1000]]);
  #front: string = LAUNCHER;
  #nextPid = 2000;
  /** Called with a package whose processes are to end; the UiAutomator2 server listens here. */
  onForceStop: (name: string) => void = () => undefined;

  constructor(parts: PhoneParts) {
    this.files = parts.files;
    this.ledger = parts.ledger;
    this.faults = parts.faults;
    this.app = parts.app;
    this.serial = parts.serial;
    this.#newId = parts.newId;
    this.#boot();
  }

  /** The package in front. */
  get front(): string {
    return this.#front;
  }

  /** @returns false when it is not installed or has no screen */
  open(name: string): boolean {
    if (!this.packages.get(name)?.activity) return false;
    this.markRunning(name);
    this.#front = name;
    return true;
  }

  markRunning(name: string): void {
    if (!this.running.has(name)) this.running.set(name, this.#nextPid++);
  }

  forceStop(name: string): void {
    this.running.delete(name);
    if (name === DEMO_PACKAGE) this.app.end();
    if (this.#front === name) this.#front = LAUNCHER;
    this.onForceStop(name);
  }

  home(): void {
    this.#front = LAUNCHER;
  }

  back(): void {
    if (this.#front === DEMO_PACKAGE && this.app.back()) return;
    this.#front = LAUNCHER;
  }

  reboot(): void {
    for (const name of [...this.running.keys()]) if (name !== LAUNCHER) this.forceStop(name);
    this.forceStop(UIA2_PACKAGE);
    this.#front = LAUNCHER;
    this.#boot();
  }

  #boot(): void {
    this.files.write('/proc/sys/kernel/random/boot_id', `${this.#newId()}\n`);
  }

  /** The tree of what is in front. */
  screen(): UiNode {
    if (this.#front === DEMO_PACKAGE) return layOut(this.app.draw(), DEMO_PACKAGE);
    return layOut(otherScreen(this.#front), this.#front);
  }

  /** A tap on a clickable node of the present screen. */
  tap(node: UiNode): void {
    if (node.key === 'launcher/Demo') this.open(DEMO_PACKAGE);
    else if (this.#front === DEMO_PACKAGE) this.app.tap(node);
  }
}

function otherScreen(packageName: string): UiSpec {
  const base: UiSpec = {
    key: packageName,
    className: 'android.widget.FrameLayout',
    id: '',
    text: '',
    desc: '',
    clickable: false,
    selected: false,
    hint: '',
    children: [],
  };
  const child: UiSpec =
    packageName === LAUNCHER
      ? { ...base, key: 'launcher/Demo', className: 'android.widget.TextView', text: 'Demo', desc: 'Demo', clickable: true }
      : { ...base, key: `${packageName}/title`, className: 'android.widget.TextView', text: packageName };
  return { ...base, children: [child] };
}
