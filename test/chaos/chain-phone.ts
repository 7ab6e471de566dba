/** A simulated phone as a program of its own, driven by its control port. Knows nothing of attacks. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../src/devices/simulated/faults.ts';
import type { PhoneState } from '../../src/devices/simulated/simulated-phone.ts';
import { Child } from '../support/children.ts';
import { hasStruck } from '../support/phone-holds.ts';
import { type Life, ROOT } from './home.ts';

export class ChainPhone {
  readonly address: string;
  readonly #control: string;
  readonly #child: Child;

  private constructor(child: Child, line: { readonly adb: string; readonly control: string }) {
    this.#child = child;
    this.address = line.adb;
    this.#control = line.control;
  }

  static async start(folder: string, env: NodeJS.ProcessEnv): Promise<ChainPhone> {
    const program = join(ROOT, 'bin', 'scheduler-phone.js');
    const child = new Child(process.execPath, [program, '--name', 'phone-1', '--accounts', 'alice,bob', '--dir', folder, '--with-parent'], {
      env,
    });
    return new ChainPhone(child, JSON.parse(await child.says('"adb"')) as { adb: string; control: string });
  }

  get pid(): number {
    return this.#child.pid;
  }

  async session(): Promise<string | null> {
    return (await this.#state()).sessions[0] ?? null;
  }

  async struckBy(fault: Fault): Promise<boolean> {
    return hasStruck((await this.#state()).faults, fault);
  }

  /** The next session that is another one than `before`; null when the life ends first. */
  async nextSession(before: string | null, life: Life): Promise<string | null> {
    while (!life.over()) {
      const now = await this.session();
      if (now !== null && now !== before) return now;
      await sleep(20);
    }
    return null;
  }

  async fault(switched: Fault): Promise<void> {
    const answer = await fetch(`${this.#control}/faults`, { method: 'POST', body: JSON.stringify(switched) });
    if (!answer.ok) throw new Error(`the phone does not know this fault: ${await answer.text()}`);
  }

  async clearFaults(): Promise<void> {
    await fetch(`${this.#control}/faults`, { method: 'DELETE' });
  }

  async stop(): Promise<void> {
    await this.#child.kill();
  }

  async #state(): Promise<PhoneState> {
    const answer = await fetch(`${this.#control}/state`);
    return (await answer.json()) as PhoneState;
  }
}
