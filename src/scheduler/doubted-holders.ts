/**
 * Which earlier holders of this home may still live: their lock was taken while
 * they were silent, and nothing proved that they are gone. They change nothing
 * in the store any more, but one that wakes behind its commit point still acts.
 */
import type { Store } from '../stores/store.ts';

export interface DoubtedHoldersQuestion {
  readonly store: Pick<Store, 'value' | 'setValue'>;
  /** Of this life. */
  readonly epoch: number;
  /** What the lock says of the holder before. */
  readonly predecessorGone: boolean;
}

/** Holders up to this epoch may still live; 0 = none. Kept for good: nobody will ever prove it. */
export async function lastDoubtedEpoch({ store, epoch, predecessorGone }: DoubtedHoldersQuestion): Promise<number> {
  if (!predecessorGone) await store.setValue('doubted_epoch', epoch - 1);
  return ((await store.value('doubted_epoch')) ?? 0) as number;
}
