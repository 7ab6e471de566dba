/**
 * The local port by which Appium's driver reaches each phone: one of its own,
 * for as long as this program lives.
 *
 * Left to itself Appium takes the first free one. A phone that drops off loses
 * its forward at once, its session's clean-up comes seconds later, and adb's
 * `forward --remove` heeds no serial (tried): if another phone had been given
 * that port meanwhile, its running session was cut, in the worst case mid-post.
 */
import { anyFree, isFree } from './ports.ts';

export class DriverPorts {
  readonly #given: (serial: string, port: number) => Promise<void>;
  readonly #current = new Map<string, number>();
  /** Every port ever given, and to whom: a late clean-up may still name it. */
  readonly #owners = new Map<number, string>();

  /** @param given told of every new port before it is used, so that a later life can take back its forward */
  constructor(given: (serial: string, port: number) => Promise<void> = async () => {}) {
    this.#given = given;
  }

  /** The phone's port; another one when somebody else has taken it, such as a forward that a killed Appium left. */
  async of(serial: string): Promise<number> {
    const known = this.#current.get(serial);
    if (known !== undefined && (await isFree(known))) return known;
    for (;;) {
      const port = await anyFree();
      const owner = this.#owners.get(port);
      if (owner !== undefined && owner !== serial) continue;
      this.#owners.set(port, serial);
      this.#current.set(serial, port);
      await this.#given(serial, port);
      return port;
    }
  }
}
