/** Every schema step, in order. A released step is never edited; a change is a new one. */
import type { Migration } from '../migrate.ts';
import { first } from './001-first.ts';

export const MIGRATIONS: readonly Migration[] = [first];
