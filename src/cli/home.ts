/** Which folder is the home of this command, and whether it is one already. Creates nothing. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SchedulerError } from '../errors.ts';

const TRACES = ['scheduler.yaml', 'scheduler_state.db', 'scheduler_state.json', 'scheduler.lock', 'posted.jsonl'];

export interface HomeQuestion {
  /** `--home` */
  readonly home: string | null;
  /** `SCHEDULER_HOME` */
  readonly fromEnvironment: string | undefined;
  readonly workingFolder: string;
  /** What the command needs: `look` may find nothing, `order` needs a home that is there, `create` makes one. */
  readonly need: 'look' | 'order' | 'create';
}

export interface Home {
  /** Absolute path. */
  readonly path: string;
  /** It holds something of ours. */
  readonly exists: boolean;
}

/** @throws SchedulerError BAD_USAGE when an order is given where nothing is */
export function resolveHome(question: HomeQuestion): Home {
  const named = question.home ?? (question.fromEnvironment || null);
  const path = resolve(question.workingFolder, named ?? '.');
  const exists = TRACES.some((name) => existsSync(join(path, name)));
  if (!exists && question.need === 'order') {
    const what = `${path} is no scheduler home: nothing was ever added here; name the right one by --home`;
    throw new SchedulerError('BAD_USAGE', { details: { what } });
  }
  return { path, exists };
}
