/**
 * Runs lives in a thread of their own, of the program as it is or of a mutant:
 * the mutation's edits are made to the text of the files while they are loaded.
 * Production code knows nothing of it.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import type { Batch } from './lives.ts';
import type { Edit } from './mutations.ts';

const { batch, edits, traced } = workerData as { batch: Batch; edits: readonly Edit[]; traced: boolean };
const root = new URL('../../', import.meta.url);

/** @throws when the text that is to be taken away is not there exactly once: the safeguard has moved */
function mutated(source: string, { file, find, put }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times: ${find}`);
  return parts.join(put);
}

const byUrl = Map.groupBy(edits, ({ file }) => new URL(file, root).href);
for (const [url, edited] of byUrl) edited.reduce(mutated, readFileSync(fileURLToPath(url), 'utf8'));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const edited = byUrl.get(url);
    if (edited === undefined) return loaded;
    return { ...loaded, source: edited.reduce(mutated, readFileSync(fileURLToPath(url), 'utf8')) };
  },
});

// Only now: the hooks must be there before the program is loaded.
const { runLives } = await import('./lives.ts');
const lines: string[] = [];
const result = await runLives(batch, traced ? (line) => void lines.push(line) : null);
parentPort?.postMessage({ result, lines });
