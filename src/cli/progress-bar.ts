/** A progress bar for long intakes: drawn in place on a terminal, one line each tenth of the way anywhere else. */
import type { Clock } from '../runtime/clock.ts';
import type { Terminal } from './terminal.ts';

/** Below this nobody waits long enough to look. */
const WORTH_SHOWING = 20;
const REDRAW_MS = 100;
const WIDTH = 30;

export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #what: string;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #tenth = 0;

  /** @param what in the plural: `videos checked` */
  constructor(terminal: Terminal, clock: Clock, what: string) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#what = what;
  }

  update(done: number, total: number): void {
    if (total < WORTH_SHOWING) return;
    if (this.#terminal.isTty) this.#draw(done, total);
    else this.#tell(done, total);
  }

  #draw(done: number, total: number): void {
    const now = this.#clock.monotonic();
    if (done < total && now - this.#drawnAt < REDRAW_MS) return;
    this.#drawnAt = now;
    const full = Math.round((done / total) * WIDTH);
    this.#terminal.write(`\r[${'#'.repeat(full)}${'-'.repeat(WIDTH - full)}] ${done}/${total} ${this.#what}${done === total ? '\n' : ''}`);
  }

  #tell(done: number, total: number): void {
    const tenth = Math.floor((done / total) * 10);
    if (tenth === this.#tenth) return;
    this.#tenth = tenth;
    this.#terminal.write(`${done}/${total} ${this.#what}\n`);
  }
}
