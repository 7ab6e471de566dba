/** Starts lives-thread.ts: away from the test runner, whose coverage would slow a life down, and as many at once as there are cores. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Batch, BatchResult } from './lives.ts';
import type { Edit } from './mutations.ts';

export interface ThreadResult {
  readonly result: BatchResult;
  /** What happened, line by line; empty unless `traced`. */
  readonly lines: readonly string[];
}

/** @throws what the thread could not do */
export function runInThread(
  batch: Batch,
  options: { readonly edits?: readonly Edit[]; readonly traced?: boolean } = {},
): Promise<ThreadResult> {
  const workerData = { batch, edits: options.edits ?? [], traced: options.traced ?? false };
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./lives-thread.ts', import.meta.url), {
      workerData,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
  });
}

/** `work` for each, side by side on the cores there are; answers in order. */
export async function onAllCores<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await work(items[index] as T);
  };
  await Promise.all(Array.from({ length: Math.min(items.length, availableParallelism()) }, lane));
  return results;
}
