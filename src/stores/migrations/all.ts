/** Every schema step, in order. A released step is never edited; a change is a new one. */
import type { Migration } from '../migrate.ts';
import { first } from './001-first.ts';
import { eventsOfAJob } from './002-events-of-a-job.ts';
import { puttingOff } from './003-putting-off.ts';

export const MIGRATIONS: readonly Migration[] = [first, eventsOfAJob, puttingOff];
