/**
 * Calls a person, once, when a job has been put off again and again for longer
 * than `defer_limit`: each deferral is harmless, but together they mean that
 * somebody has to set something right. The job goes on being tried.
 */
import { formatDuration } from '../domain/duration.ts';
import type { Job } from '../domain/job.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../stores/store.ts';
import { callPerson } from './alarm.ts';

export interface PutOffParts {
  readonly store: Pick<Store, 'events' | 'recordEvent'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deferLimitMs: number;
}

/** @param job as it is stored after the deferral */
export async function callPersonIfPutOff({ store, clock, logger, deferLimitMs }: PutOffParts, job: Job): Promise<void> {
  const sinceMs = job.deferredSinceMs ?? null;
  if (sinceMs === null || clock.now() - sinceMs < deferLimitMs) return;
  const called = await store.events({ job: job.id, types: ['deferred_long'], limit: 1 });
  if (called.length > 0) return;
  const fields = { job: job.id, deferrals: job.deferrals, reason: job.note };
  const since = formatDuration(clock.now() - sinceMs);
  callPerson(logger, 'put_off', fields, `Job ${job.id} has been put off for ${since}, a person is needed: ${job.note}`);
  await store.recordEvent({ type: 'deferred_long', epoch: job.epoch, who: 'scheduler', job: job.id, details: fields });
}
