/** Wires `--status`, which loads next to nothing else. Part of compose.ts, and as free to name concrete classes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { namesItsStore } from './cli/home.ts';
import type { Options } from './cli/options.ts';
import { showStatus, watchStatus } from './cli/show-status.ts';
import type { Terminal } from './cli/terminal.ts';
import type { Config } from './config.ts';
import type { Clock } from './runtime/clock.ts';
import { SqliteReader } from './stores/sqlite-reader.ts';

interface StatusParts {
  readonly home: string;
  /** null = nothing but `--status`, `--home` and `--json` was said. */
  readonly options: Options | null;
  readonly json: boolean;
  readonly watch: boolean;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly configure: () => Promise<Config>;
}

/** @throws SchedulerError BAD_CONFIG, BAD_USAGE when they are needed to find the store */
export async function status({ home, options, configure, watch, ...rest }: StatusParts): Promise<void> {
  const plain = options === null || (options.config === null && options.overrides.store === undefined && !namesItsStore(home));
  const store = plain ? join(home, 'scheduler_state.db') : (await configure()).store;
  const openReader = async () => (existsSync(store) ? new SqliteReader({ path: store }) : null);
  const request = { ...rest, home, store, openReader, checkConfig: configure };
  await (watch ? watchStatus(request, new AbortController().signal) : showStatus(request));
}
