/** Whether the scheduler may begin posts, and why not. A pause is a reason in words; the last one counts. */

export const BY_PERSON = 'paused by a person';

/** Values of the store: what a person paused outlasts a restart, since whoever paused it does not expect posts after a crash. */
export const PAUSED = 'paused';
export const PAUSED_PHONES = 'paused_phones';

export class Pause {
  readonly #changed: () => void;
  readonly #also: () => string | null;
  #reason: string | null = null;

  /** @param changed called after every change @param also why it may not for another reason, asked each time */
  constructor(changed: () => void, also: () => string | null = () => null) {
    this.#changed = changed;
    this.#also = also;
  }

  /** null = it may. */
  get reason(): string | null {
    return this.#also() ?? this.#reason;
  }

  begin(reason: string): void {
    this.#reason = reason;
    this.#changed();
  }

  end(): void {
    this.#reason = null;
    this.#changed();
  }
}
