/**
 * The rehearsal's two simulated phones: started as programs of their own, read
 * over HTTP. Their ledger is the judge; nothing of the scheduler is asked here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PhoneSetup {
  readonly name: string;
  readonly accounts: readonly string[];
}

export interface Post {
  readonly account: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly caption: string;
  readonly time: string;
  readonly file: string;
}

const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5_000;

export class Phone {
  readonly setup: PhoneSetup;
  /** `127.0.0.1:PORT`, for adb. */
  readonly address: string;
  readonly #control: string;
  readonly #child: ChildProcess;

  private constructor(setup: PhoneSetup, address: string, control: string, child: ChildProcess) {
    this.setup = setup;
    this.address = address;
    this.#control = control;
    this.#child = child;
  }

  /** Its folder keeps the ledger from one run to the next. */
  static async start(
    setup: PhoneSetup,
    options: { readonly root: string; readonly folder: string; readonly env: NodeJS.ProcessEnv },
  ): Promise<Phone> {
    const program = join(options.root, 'bin', 'scheduler-phone.js');
    const args = [program, '--name', setup.name, '--accounts', setup.accounts.join(','), '--dir', options.folder, '--with-parent'];
    const child = spawn(process.execPath, args, { env: options.env, stdio: ['pipe', 'pipe', 'inherit'] });
    const firstLine = once(createInterface({ input: child.stdout }), 'line', { signal: AbortSignal.timeout(START_LIMIT_MS) });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the simulated phone ${setup.name} ended with ${code} instead of starting`);
    });
    const [line] = (await Promise.race([firstLine, ended])) as [string];
    ended.catch(() => undefined);
    const { adb, control } = JSON.parse(line) as { adb: string; control: string };
    return new Phone(setup, adb, control, child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ports(): number[] {
    return [this.address, new URL(this.#control).host].map((host) => Number(host.split(':').at(-1)));
  }

  async ledger(): Promise<readonly Post[]> {
    const answer = await fetch(`${this.#control.replace(/\/$/, '')}/ledger`);
    if (!answer.ok) throw new Error(`the phone ${this.setup.name} answered ${answer.status} to /ledger`);
    return (await answer.json()) as Post[];
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await Promise.race([exited, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await exited;
  }
}
