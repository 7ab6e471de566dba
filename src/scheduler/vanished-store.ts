/**
 * Whether the database is still the file that was opened. One that was removed
 * or replaced under a running scheduler takes every write as before, and all of
 * it is lost with the process: nothing is published on top of it.
 */
import type { Logger } from '../runtime/logger.ts';
import { callPerson } from './alarm.ts';

export const VANISHED = 'the database was removed or replaced under the running scheduler: nothing is published on top of it';

/** Answers, each time it is asked, why nothing may be published; null = the file is there. Calls a person once each time it goes. */
export function vanishedStore(store: { isThere(): boolean }, logger: Logger): () => string | null {
  let wasThere = true;
  return () => {
    const isThere = store.isThere();
    if (wasThere && !isThere) callPerson(logger, 'vanished', {}, VANISHED);
    if (!wasThere && isThere) logger.info('The database is there again');
    wasThere = isThere;
    return isThere ? null : VANISHED;
  };
}
