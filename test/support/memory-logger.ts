/** A logger that remembers, so that a test can ask what was said. Children write into the same memory. */
import type { Logger } from '../../src/runtime/logger.ts';

export interface Said {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export class MemoryLogger implements Logger {
  readonly said: Said[];
  readonly #bindings: Readonly<Record<string, unknown>>;
  readonly #watchers: Set<() => void>;

  constructor(said: Said[] = [], bindings: Readonly<Record<string, unknown>> = {}, watchers = new Set<() => void>()) {
    this.said = said;
    this.#bindings = bindings;
    this.#watchers = watchers;
  }

  readonly debug = (first: object | string, message?: string): void => this.#say('debug', first, message);
  readonly info = (first: object | string, message?: string): void => this.#say('info', first, message);
  readonly warn = (first: object | string, message?: string): void => this.#say('warn', first, message);
  readonly error = (first: object | string, message?: string): void => this.#say('error', first, message);

  child(bindings: Readonly<Record<string, unknown>>): Logger {
    return new MemoryLogger(this.said, { ...this.#bindings, ...bindings }, this.#watchers);
  }

  /** The messages, in order. */
  messages(): string[] {
    return this.said.map((entry) => entry.message);
  }

  /** Resolves with the first message that contains `part`, also when it was said before. */
  async until(part: string): Promise<Said> {
    for (;;) {
      const found = this.said.find((entry) => entry.message.includes(part));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const again = () => {
          this.#watchers.delete(again);
          resolve();
        };
        this.#watchers.add(again);
      });
    }
  }

  #say(level: Said['level'], first: object | string, message: string | undefined): void {
    const fields = typeof first === 'string' ? this.#bindings : { ...this.#bindings, ...first };
    this.said.push({ level, message: typeof first === 'string' ? first : (message ?? ''), fields });
    for (const watcher of this.#watchers) watcher();
  }
}
