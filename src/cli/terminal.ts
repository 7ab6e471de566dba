/** The terminal, or whatever stands in its place: where text goes and what it can show. Given by main; tests give their own. */
import { styleText } from 'node:util';

export interface Terminal {
  write(text: string): void;
  /** Colours, redrawing and progress bars only when true. */
  readonly isTty: boolean;
  readonly columns: number;
}

export type Style = Parameters<typeof styleText>[0];

/** Colours a text on a terminal, and leaves it alone in a pipe. */
export function painter(terminal: Pick<Terminal, 'isTty'>): (style: Style, text: string) => string {
  return (style, text) => (terminal.isTty ? styleText(style, text, { validateStream: false }) : text);
}

/** How long a line may be; in a pipe as long as it is, because what was cut is lost to whoever reads it there. */
export function lineWidth({ isTty, columns }: Pick<Terminal, 'isTty' | 'columns'>): number {
  return isTty ? columns : Number.POSITIVE_INFINITY;
}

const CLEAR_LINE = '\r\u001b[2K';
const UP = '\u001b[1A';

/** Shows text in place of the one shown before. On anything but a terminal each text follows the last one. */
export class Redraw {
  readonly #terminal: Terminal;
  #lines = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(text: string): void {
    const erase = this.#terminal.isTty ? `${CLEAR_LINE}${`${UP}${CLEAR_LINE}`.repeat(this.#lines)}` : '';
    const whole = text.endsWith('\n') ? text : `${text}\n`;
    this.#lines = whole.split('\n').length - 1;
    this.#terminal.write(erase + whole);
  }
}
