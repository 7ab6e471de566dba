/** Tells what is wrong with scheduler.yaml to whoever could be answered without it. */
import type { Terminal } from './terminal.ts';

/** @param read the configuration; throws what is wrong with it */
export async function warnOfConfig(terminal: Pick<Terminal, 'write'>, read: () => Promise<unknown>): Promise<void> {
  await read().catch((error: Error) =>
    terminal.write(
      `\nWARNING: ${error.message}\n  Until that is corrected nothing starts and nothing is added; what runs goes on, and takes orders.\n`,
    ),
  );
}
