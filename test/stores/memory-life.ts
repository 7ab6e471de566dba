/**
 * A memory store as one process has it open. It remembers the epoch that this
 * process raised; after a newer one it writes nothing in the name of its life.
 */
import { SchedulerError } from '../../src/errors.ts';
import type { Store } from '../../src/stores/store.ts';
import type { MemoryStore } from './memory-store.ts';

/** Writes that carry no claim. What was started outside, and what happened, is true whoever writes it down. */
export const WRITES_OF_A_LIFE: readonly string[] = [
  'putAccounts',
  'changeAccount',
  'removeAccount',
  'addJobs',
  'undoAdd',
  'importJobs',
  'setValue',
] satisfies (keyof Store)[];

export function lifeOf(store: MemoryStore): Store {
  let own: number | null = null;
  return new Proxy<Store>(store, {
    get: (_, name: keyof Store) => {
      if (typeof store[name] !== 'function') return store[name];
      const act = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        if (WRITES_OF_A_LIFE.includes(name) && own !== null && own < store.epoch) throw new SchedulerError('LOCK_LOST');
        const result = await act(...args);
        if (name === 'raiseEpoch') own = result as number;
        return result;
      };
    },
  });
}
