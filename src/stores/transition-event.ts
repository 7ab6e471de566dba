/**
 * What the event table says about a transition: one event for the transition
 * itself, beside it what became of the attempt in seed 004's words
 * (`action_started`, `action_error`, `action_retry`, `action_completed`). Pure,
 * shared by every store.
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

/** In order; written in the transaction of the change. */
export function eventsOfTransition(happened: Happened): readonly NewEvent[] {
  const event = eventOfTransition(happened);
  const failed =
    happened.change.event.type !== 'posted_before' && 'failure' in happened.change.event && happened.change.event.failure !== null;
  if (failed) return [{ ...event, type: 'action_error' }, event];
  return event.type === 'published' ? [event, { ...event, type: 'action_completed', details: attemptOf(happened) }] : [event];
}

/** @param after as claimed */
export function eventsOfClaim(after: Job, epoch: number, atMs: number): readonly NewEvent[] {
  const { id: job, account, device, attempts: attempt, passNumber, maxAttempts } = after;
  const details = { attempt, max_attempts: maxAttempts, pass_number: passNumber };
  const event = { atMs, epoch, job, account, device, who: after.worker ?? 'worker', phase: after.phase, category: null, details };
  return [
    { ...event, type: 'claimed' },
    { ...event, type: 'action_started' },
  ];
}

function eventOfTransition({ before, after, type, change, atMs }: Happened): NewEvent {
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
    if (after.status === 'retrying') facts.retry_delay_seconds = Math.max(0, after.dueMs - atMs) / 1000;
  }
  if (after.note !== null && after.note !== before.note) facts.note = after.note;
  if (after.status === 'pending' && before.status !== 'pending') facts.until_ms = after.dueMs;
  return facts;
}

function attemptOf({ before, after, atMs }: Happened): Readonly<Record<string, unknown>> {
  const seconds = before.claimedMs === null ? null : (atMs - before.claimedMs) / 1000;
  return { attempt: before.attempts, max_attempts: after.maxAttempts, duration_seconds: seconds };
}
