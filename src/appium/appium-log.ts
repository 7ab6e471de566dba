/**
 * What Appium prints: read line by line, passed to our log, the last lines kept.
 *
 * Appium prints JSON lines, but not only (its first lines and crashes are plain
 * text). The answers to our own health checks are left out. Pure but for the
 * logger; it knows nothing of processes.
 */
import type { Logger } from '../runtime/logger.ts';

/** Enough for the stack of a crash; shown with the error that ends a start. */
const KEPT_LINES = 40;
/** A page source in a log line is of no use to anybody. */
const LONGEST_LINE = 2_000;
const HEALTH_CHECK = /^\[HTTP\] (-->|<--) GET \/status\b/;

export interface AppiumLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
}

/** Reads one line; null when there is nothing to keep. */
export function parseLine(line: string): AppiumLine | null {
  const read = readJson(line) ?? { level: 'info', text: line };
  const text = read.text.trimEnd().slice(0, LONGEST_LINE);
  return text === '' || HEALTH_CHECK.test(text) ? null : { level: read.level, text };
}

function readJson(line: string): AppiumLine | null {
  if (!line.startsWith('{')) return null;
  try {
    const { level, message } = JSON.parse(line) as { level?: unknown; message?: unknown };
    return typeof message === 'string' ? { level: levelOf(level), text: message } : null;
  } catch {
    return null;
  }
}

function levelOf(level: unknown): AppiumLine['level'] {
  if (level === 'error' || level === 'warn' || level === 'info') return level;
  return 'debug';
}

export class AppiumLog {
  readonly #logger: Logger;
  readonly #kept: string[] = [];

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(line: string): void {
    const read = parseLine(line);
    if (read === null) return;
    this.#kept.push(read.text);
    if (this.#kept.length > KEPT_LINES) this.#kept.shift();
    this.#logger[read.level]({ from: 'appium' }, read.text);
  }

  /** The last lines, oldest first. */
  get last(): string {
    return this.#kept.join('\n');
  }
}
