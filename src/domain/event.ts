/**
 * The append-only record of what happened: one event per transition, written in
 * the same transaction as the change itself. People read it by `--events`,
 * notifiers follow it, and it is the evidence when something is asked later.
 */
import type { FailureCategory, Phase } from './failure.ts';

export const EVENT_TYPES = [
  'added',
  'claimed',
  'action_started',
  'action_error',
  'action_retry',
  'action_completed',
  'deferred',
  'returned', // the holder died before the commit point
  'committing',
  'uncertain',
  'published',
  'failed',
  'skipped',
  'settled',
  'retry_ordered',
  'edited', // a person changed what was queued
  'imported',
  'removed',
  'account_added',
  'account_removed', // it never posted; a mistyped name
  'account_hold',
  'account_released',
  'account_paused',
  'account_resumed',
  'account_cooldown',
  'account_trouble',
  'publisher_paused',
  'breaker_opened', // a phone, a server or a step of an app rests because it fails
  'breaker_closed',
  'deferred_long', // put off for longer than defer_limit: a person is called
  'epoch',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export interface EventRecord {
  /** Rises by one, never reused. */
  readonly seq: number;
  readonly atMs: number;
  readonly type: EventType;
  readonly epoch: number;
  readonly job: string | null;
  readonly account: string | null;
  readonly device: string | null;
  /** Who did it: `worker 1`, `rescuer`, `verifier`, `person`, `import`. */
  readonly who: string;
  readonly phase: Phase | null;
  readonly category: FailureCategory | null;
  /** Small JSON-able facts: attempt, max_attempts, retry_delay_seconds, message, evidence. Never a secret. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An event before the store has given it a number. */
export type NewEvent = Omit<EventRecord, 'seq'>;
