/**
 * The fault switches of the simulated phone: which are set, and when each strikes.
 *
 * Only keeps the switches; what a fault does lies with the part that it hits.
 * A fault without `on` and `after` strikes at once, else at the request that it names.
 */

/** Every fault, with what it does. */
export const FAULTS = {
  // --- connection
  drop: 'ends all adb connections, once; new ones are accepted',
  offline: 'ends all adb connections and refuses new ones',
  silent: 'accepts adb connections and never answers, on old ones too',
  unauthorized: 'never accepts the key of the computer',
  reboot: 'restarts the phone: connections, session and app end, once',
  // --- shell and files
  shell_hang: 'shell commands never answer',
  disk_full: 'files cannot be written: No space left on device',
  push_corrupt: 'a pushed file is stored with one changed byte',
  scan_lost: 'a media scan answers well and adds nothing to the gallery',
  // --- UiAutomator2 server
  uia2_hang: 'requests are never answered nor carried out',
  uia2_hang_after: 'requests are carried out, the answer is never sent',
  uia2_answer_lost: 'requests are carried out, then the connection ends',
  uia2_die: 'the server process ends, once',
  uia2_refuse: 'the process lives, its port refuses',
  uia2_never_boots: 'the process starts and never listens',
  uia2_crash_at_start: 'the instrumentation ends as soon as it starts',
  // --- app
  popup: 'a dialog "Rate Demo?" is in the way until it is dismissed',
  captcha: 'the app asks for a captcha',
  suspended: 'the account is suspended',
  logged_out: 'the account is logged out',
  action_blocked: 'the action is blocked',
  verification: 'the app asks for a code',
  upload_slow: 'an upload takes `ms`; with `background` it goes on when the app is ended',
  upload_lost: 'the app uploads, shows the feed, and nothing was posted',
  upload_stuck: 'an upload does not end until this fault is cleared',
  upload_rejected: 'the app refuses the video after the upload',
} as const satisfies Record<string, string>;

export type FaultName = keyof typeof FAULTS;

export interface Fault {
  readonly name: FaultName;
  /**
   * The request at which it strikes: `tap:Post` (text, content-desc or short id), `tap` (any),
   * `find`, `type`, `read`, `source`, `screenshot`, `session`, `back`, `shell:sha256sum`, `push`, `pull`, `install`.
   */
  readonly on?: string;
  /** So many matching requests pass before it strikes; without `on` any UI request counts. */
  readonly after?: number;
  /** Strikes one request only, where a fault would go on. */
  readonly once?: boolean;
  /** Account screens and uploads: of this account only. */
  readonly account?: string;
  /** Connection faults end by themselves after so long; the duration of `upload_slow`. */
  readonly ms?: number;
  /** With `on`: the request is carried out before the fault strikes. */
  readonly carried_out?: boolean;
  /** `upload_slow`: the upload survives the end of the app. */
  readonly background?: boolean;
}

/** Account troubles, in the order in which the app shows them. */
export const TROUBLES = ['suspended', 'logged_out', 'captcha', 'verification', 'action_blocked'] as const satisfies readonly FaultName[];
export type TroubleName = (typeof TROUBLES)[number];

interface Switch {
  readonly fault: Fault;
  struck: boolean;
  remaining: number;
}

export class Faults {
  #switches: Switch[] = [];
  readonly #onChange: () => void;

  /** `onChange` runs after each strike and each clearing. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** A second fault of the same name and account replaces the first. */
  set(fault: Fault): void {
    this.#switches = this.#switches.filter(({ fault: other }) => other.name !== fault.name || other.account !== fault.account);
    const waits = fault.on !== undefined || fault.after !== undefined;
    this.#switches.push({ fault, struck: !waits, remaining: fault.after ?? 0 });
    if (!waits) this.#onChange();
  }

  clear(name?: FaultName): void {
    this.#switches = name === undefined ? [] : this.#switches.filter(({ fault }) => fault.name !== name);
    this.#onChange();
  }

  remove(fault: Fault): void {
    const before = this.#switches.length;
    this.#switches = this.#switches.filter((other) => other.fault !== fault);
    if (this.#switches.length !== before) this.#onChange();
  }

  list(): readonly (Fault & { readonly active: boolean })[] {
    return this.#switches.map(({ fault, struck }) => ({ ...fault, active: struck }));
  }

  /** The fault if it strikes now (for this account); null if not. */
  active(name: FaultName, account?: string): Fault | null {
    const found = this.#switches.find(
      ({ fault, struck }) =>
        struck && fault.name === name && (fault.account === undefined || account === undefined || fault.account === account),
    );
    return found?.fault ?? null;
  }

  /** As `active`, and a `once` fault is used up by it. */
  take(name: FaultName, account?: string): Fault | null {
    const fault = this.active(name, account);
    if (fault?.once) this.remove(fault);
    return fault;
  }

  /**
   * Counts a request under its labels (`tap:Post`, `tap:post_button`).
   * @returns the faults that are to strike at it; `strike` makes them
   */
  due(kind: 'ui' | 'adb', labels: readonly string[]): readonly Fault[] {
    const due: Fault[] = [];
    for (const waiting of this.#switches) {
      if (waiting.struck || !matches(waiting.fault.on, kind, labels)) continue;
      if (waiting.remaining > 0) waiting.remaining--;
      else due.push(waiting.fault);
    }
    return due;
  }

  strike(faults: readonly Fault[]): void {
    if (faults.length === 0) return;
    for (const waiting of this.#switches) if (faults.includes(waiting.fault)) waiting.struck = true;
    this.#onChange();
  }
}

function matches(on: string | undefined, kind: 'ui' | 'adb', labels: readonly string[]): boolean {
  if (on === undefined) return kind === 'ui';
  return labels.some((label) => label === on || label.startsWith(`${on}:`));
}

/** @throws Error with what is wrong, for the person who sent it */
export function parseFault(value: unknown): Fault {
  if (typeof value !== 'object' || value === null) throw new Error('a fault is a JSON object with a "name"');
  const input = value as Record<string, unknown>;
  const name = input.name;
  if (typeof name !== 'string' || !(name in FAULTS))
    throw new Error(`unknown fault ${JSON.stringify(name)}; known: ${Object.keys(FAULTS).join(', ')}`);
  const types: Record<string, string> = {
    name: 'string',
    on: 'string',
    after: 'number',
    once: 'boolean',
    account: 'string',
    ms: 'number',
    carried_out: 'boolean',
    background: 'boolean',
  };
  for (const [key, entry] of Object.entries(input)) {
    if (!(key in types)) throw new Error(`unknown key "${key}"; known: ${Object.keys(types).join(', ')}`);
    if (typeof entry !== types[key]) throw new Error(`"${key}" must be a ${types[key]}`);
  }
  return input as unknown as Fault;
}
