/**
 * Reads from the app who is signed in, and becomes the wanted account when it
 * is another one of this phone. Ends on the profile of the wanted account with
 * its handle just read, or nothing is posted (promise 8).
 */
import { SchedulerError } from '../errors.ts';
import { handleOf, type Look, seen } from './screens.ts';
import type { Walk } from './walk.ts';

/** How long a switcher without the wanted account is believed to be still filling itself. */
const MISSING_MS = 5_000;

/** @throws SchedulerError WRONG_ACCOUNT when the account is not signed in on this phone; UNKNOWN_SCREEN at the limit */
export async function identify(walk: Walk): Promise<void> {
  const finder = new Finder(walk);
  const { identify: way } = walk.run.flow;
  await walk.until('identify', way.limitMs, (look) => finder.step(look));
  walk.run.log.info(`signed in as ${walk.values.account}`);
}

class Finder {
  readonly #walk: Walk;
  /** The handle that the app showed last. */
  #found: string | null = null;
  #chosen = false;
  /** What was done last and on which screen, so that a screen that only takes its time is not acted on twice. */
  #last: { readonly on: string; readonly atMs: number; readonly repeated: boolean } | null = null;
  /** Since when the switcher has shown everybody but the wanted account. */
  #missingSinceMs: number | null = null;

  constructor(walk: Walk) {
    this.#walk = walk;
  }

  async step(look: Look): Promise<true | undefined> {
    const { identify: way } = this.#walk.run.flow;
    if (way.switch !== null && this.#walk.shows(look, way.switch.screen)) return this.#choose(look, way.switch.entry);
    if (this.#walk.shows(look, way.screen)) return this.#read(look);
    const step = way.open.find(({ screen }) => this.#walk.shows(look, screen));
    if (step !== undefined) await this.#once(step.screen, step.limitMs, () => this.#walk.act(look, step));
    return undefined;
  }

  async #read(look: Look): Promise<true | undefined> {
    const { flow } = this.#walk.run;
    const found = handleOf(this.#walk.textOf(look, flow.identify.handle) ?? '');
    if (found === '') return undefined;
    if (found === this.#walk.values.account) return true;
    this.#found = found;
    const way = flow.identify.switch;
    if (way === null) throw this.#wrongAccount();
    await this.#once(flow.identify.screen, flow.identify.limitMs, () => this.#walk.tap(look, way.tap));
    return undefined;
  }

  async #choose(look: Look, entry: string): Promise<undefined> {
    if (this.#walk.textOf(look, entry) !== null) {
      this.#missingSinceMs = null;
      await this.#once('switcher', this.#walk.run.flow.identify.limitMs, async () => {
        this.#chosen = await this.#walk.tap(look, entry);
        return this.#chosen;
      });
      return undefined;
    }
    // A list may still be loading: only one that shows whom we come from, and has stood there for a while
    // without the account, says that it is not signed in. That stops the account until a person looks.
    const now = this.#walk.run.clock.monotonic();
    this.#missingSinceMs = this.#loaded(look, entry) ? (this.#missingSinceMs ?? now) : null;
    if (this.#missingSinceMs !== null && now - this.#missingSinceMs >= MISSING_MS) throw this.#wrongAccount();
    return undefined;
  }

  #loaded(look: Look, entry: string): boolean {
    const values = { ...this.#walk.values, account: this.#found ?? '' };
    return this.#found === null || seen(this.#walk.run.flow, look, entry, values) !== null;
  }

  /** Acts when this screen has newly come, and once more when half of the limit went by without it going away. */
  async #once(on: string, limitMs: number, act: () => Promise<boolean>): Promise<void> {
    const now = this.#walk.run.clock.monotonic();
    const last = this.#last?.on === on ? this.#last : null;
    const lost = last !== null && !last.repeated && now - last.atMs >= limitMs / 2;
    if (last !== null && !lost) return;
    if (await act()) this.#last = { on, atMs: now, repeated: last !== null };
  }

  #wrongAccount(): SchedulerError {
    const { account } = this.#walk.values;
    return new SchedulerError('WRONG_ACCOUNT', {
      details: { account, found: this.#found ?? 'somebody else', type: 'wrong_account', switched: this.#chosen },
    });
  }
}
