/** Which folder is the home of this command, and whether it is one already. Creates nothing. */
import { accessSync, constants, existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { SchedulerError } from '../errors.ts';
import type { Care } from './care-options.ts';
import type { Options } from './options.ts';

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

/** @throws SchedulerError BAD_USAGE when an order is given where nothing is, or a home is to be made where none can be */
export function resolveHome(question: HomeQuestion): Home {
  const named = question.home ?? (question.fromEnvironment || null);
  const path = resolve(question.workingFolder, named ?? '.');
  const exists = TRACES.some((name) => existsSync(join(path, name)));
  if (!exists && question.need === 'order') {
    const what = `${path} is no scheduler home: nothing was ever added here; name the right one by --home`;
    throw new SchedulerError('BAD_USAGE', { details: { what } });
  }
  if (question.need === 'create') refuseUnwritable(path);
  return { path, exists };
}

/** Below /proc Node's recursive mkdir never returns (24.21), not even for root, who may write anywhere. */
function refuseUnwritable(home: string): void {
  let parent = home;
  while (!existsSync(parent) && parent !== dirname(parent)) parent = dirname(parent);
  try {
    if (process.platform === 'linux' && /^\/(?:proc|sys)(?:\/|$)/.test(realpathSync(parent))) throw new Error('kernel');
    accessSync(parent, constants.W_OK);
  } catch (cause) {
    const what = `no home can be at ${home}: nothing can be written into ${parent}; name another folder by --home`;
    throw new SchedulerError('BAD_USAGE', { cause, details: { what } });
  }
}

/** There is a `store:` in scheduler.yaml; only then the whole configuration must be read for a look. */
export function namesItsStore(home: string): boolean {
  const file = join(home, 'scheduler.yaml');
  return existsSync(file) && /^store:/m.test(readFileSync(file, 'utf8'));
}

const CARE_NEEDS: Readonly<Partial<Record<Care['do'], HomeQuestion['need']>>> = {
  install_service: 'order',
  backup: 'order',
  restore: 'create',
};

/** What a command line needs of its home. */
export function needOf({ add, import: imports, run, act, edit, exportFile, care }: Options): HomeQuestion['need'] {
  if (care !== null) return CARE_NEEDS[care.do] ?? 'look';
  if (add.folders.length > 0 || add.accounts.length > 0 || imports.files.length > 0 || run !== null) return 'create';
  return act.length > 0 || edit !== null || exportFile !== null ? 'order' : 'look';
}

/**
 * A slip in `--store` must neither look like an empty queue nor begin a new one. Only what adds may.
 *
 * @param store path or URL, as the configuration understood it
 * @throws SchedulerError BAD_USAGE
 */
export function checkStore(options: Options, store: string): void {
  const isThere = existsSync(store);
  if (!isThere && options.overrides.store !== undefined && needOf(options) !== 'create')
    throw wrongStore(`there is no database ${store}; name the right one by --store`);
  if (isThere && statSync(store).isDirectory()) throw wrongStore(`${store} is a folder; the store must be a file in it`);
}

function wrongStore(what: string): SchedulerError {
  return new SchedulerError('BAD_USAGE', { details: { what } });
}
