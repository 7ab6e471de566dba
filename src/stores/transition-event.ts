/**
 * What the event table says about a transition. Pure, shared by every store.
 */
import type { EventType, NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import type { JobChange } from './store.ts';

export interface Happened {
  readonly before: Job;
  readonly after: Job;
  readonly type: EventType;
  readonly change: JobChange;
  readonly atMs: number;
}

export function eventOfTransition({ before, after, type, change, atMs }: Happened): NewEvent {
  const failure = 'failure' in change.event ? change.event.failure : null;
  return {
    atMs,
    type,
    epoch: change.epoch,
    job: after.id,
    account: after.account ?? before.account,
    device: before.device ?? after.device,
    who: change.who,
    phase: failure?.phase ?? before.phase,
    category: failure?.category ?? null,
    details: { ...factsOf(before, after, failure, atMs), ...change.details },
  };
}

/** The seeds' words where they have some: attempt, max_attempts, retry_delay_seconds. */
function factsOf(before: Job, after: Job, failure: Failure | null, atMs: number): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  if (failure !== null) {
    facts.type = failure.type;
    facts.message = failure.message;
    if (failure.evidence !== null) facts.evidence = failure.evidence;
    facts.attempt = before.attempts;
    facts.max_attempts = after.maxAttempts;
    if (after.status === 'retrying') facts.retry_delay_seconds = Math.max(0, Math.round((after.dueMs - atMs) / 1000));
  }
  if (after.note !== null && after.note !== before.note) facts.note = after.note;
  if (after.status === 'pending' && before.status !== 'pending') facts.until_ms = after.dueMs;
  return facts;
}
