/**
 * Which earlier holders of this home may still live: their lock was taken while
 * they were silent, and nothing proved that they are gone. They change nothing
 * in the store any more, but one that wakes behind its commit point still acts;
 * so whoever calls its post absent asks here first.
 */
import type { Job } from '../domain/job.ts';
import type { LockContent } from '../runtime/lock-file.ts';
import type { Store } from '../stores/store.ts';

export interface DoubtedHolder extends LockContent {
  /** Jobs claimed up to this epoch may be in its hands. */
  readonly lastEpoch: number;
}

export interface DoubtedHoldersParts {
  readonly store: Pick<Store, 'value' | 'setValue'>;
  /** True when the process is proven not to run any more, as far as this machine can see. */
  readonly isDead: (holder: LockContent) => Promise<boolean>;
}

const STORED = 'doubted_holders';

export class DoubtedHolders {
  readonly #parts: DoubtedHoldersParts;

  constructor(parts: DoubtedHoldersParts) {
    this.#parts = parts;
  }

  /** At the start of a life, before it claims anything. @param epoch of this life */
  async add(holders: readonly LockContent[], epoch: number): Promise<this> {
    if (holders.length === 0) return this;
    const fresh = holders.map((holder) => ({ ...holder, lastEpoch: epoch - 1 }));
    await this.#parts.store.setValue(STORED, [...(await this.all()), ...fresh]);
    return this;
  }

  /** Everybody of whom nobody has said that he is gone. */
  async all(): Promise<readonly DoubtedHolder[]> {
    return ((await this.#parts.store.value(STORED)) ?? []) as readonly DoubtedHolder[];
  }

  /** Who may still act on the job; null when everybody who ever held it is gone. */
  async holderOf(job: Job): Promise<DoubtedHolder | null> {
    for (const holder of await this.all()) {
      if (job.epoch <= holder.lastEpoch && !(await this.#parts.isDead(holder))) return holder;
    }
    return null;
  }

  /** A person vouches that it is gone. @param name as `holderName` says it; false = nobody of that name is doubted */
  async dismiss(name: string): Promise<boolean> {
    const all = await this.all();
    const left = all.filter((holder) => holderName(holder) !== name);
    if (left.length < all.length) await this.#parts.store.setValue(STORED, left);
    return left.length < all.length;
  }
}

/** `PID@HOST` */
export function holderName({ pid, hostname }: LockContent): string {
  return `${pid}@${hostname}`;
}
