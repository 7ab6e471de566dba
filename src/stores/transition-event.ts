/**
 * What the event table says about a transition: one event for the transition
 * itself, beside it what became of the attempt in seed 004's words
 * (`action_started`, `action_error`, `action_retry`, `action_completed`). Pure,
 * shared by every store.
 */

import type { Account } from '../domain/account.ts';
import type { EventType, NewEvent } from '../domain/event.ts';
import type { Failure } from '../domain/failure.ts';
import type { Job } from '../domain/job.ts';
import { attemptLimit } from '../domain/retry.ts';
import { isoTime } from '../runtime/clock.ts';
import type { JobChange } from './store.ts';

export interface Happened {
  readonly before: Job;
  readonly after: Job;
  /** Of the job, as it is after the change; null = nobody has added it. */
  readonly account: Account | null;
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
  const { status } = happened.after;
  if (event.type === 'published' || (event.type === 'settled' && status === 'success'))
    return [event, { ...event, type: 'action_completed', details: attemptOf(happened) }];
  return event.type === 'settled' && status === 'retrying'
    ? [event, { ...event, type: 'action_retry', details: retryOf(happened) }]
    : [event];
}

/** @param after as claimed, by `holder` */
export function eventsOfClaim(after: Job, holder: Account, epoch: number, atMs: number): readonly NewEvent[] {
  const { id: job, account, device, passNumber } = after;
  const details = { ...triesOf(after, holder), pass_number: passNumber };
  const event = { atMs, epoch, job, account, device, who: after.worker ?? 'worker', phase: after.phase, category: null, details };
  return [
    { ...event, type: 'claimed' },
    { ...event, type: 'action_started' },
  ];
}

function eventOfTransition(happened: Happened): NewEvent {
  const { before, after, type, change, atMs } = happened;
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
    details: { ...factsOf(happened, failure), ...change.details },
  };
}

/** The seeds' words where they have some: attempt, max_attempts, retry_delay_seconds. */
function factsOf(happened: Happened, failure: Failure | null): Record<string, unknown> {
  const { before, after, account, change } = happened;
  const facts: Record<string, unknown> = {};
  if (failure !== null) {
    Object.assign(facts, after.status === 'retrying' ? retryOf(happened) : triesOf(before, account));
    facts.type = failure.type;
    facts.message = failure.message;
    if (failure.evidence !== null) facts.evidence = failure.evidence;
  }
  if ('message' in change.event) facts.message = change.event.message;
  if (after.note !== null && after.note !== before.note) facts.note = after.note;
  if (after.status === 'pending' && before.status !== 'pending') facts.until = isoTime(after.dueMs);
  return facts;
}

function retryOf({ before, after, account, atMs }: Happened): Readonly<Record<string, unknown>> {
  return { ...triesOf(before, account), retry_delay_seconds: Math.max(0, after.dueMs - atMs) / 1000 };
}

function attemptOf({ before, account, atMs }: Happened): Readonly<Record<string, unknown>> {
  const seconds = before.claimedMs === null ? null : (atMs - before.claimedMs) / 1000;
  return { ...triesOf(before, account), duration_seconds: seconds };
}

function triesOf(job: Job, account: Account | null): Readonly<Record<string, unknown>> {
  return { attempt: job.attempts, max_attempts: account === null ? job.maxAttempts : attemptLimit(job, account.policy.retry) };
}
