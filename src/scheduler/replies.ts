/** What is answered to an order: done, or refused with what to do instead. */
import { SchedulerError } from '../errors.ts';
import type { Reply } from './commands.ts';

export type Accepted = Extract<Reply, { readonly ok: true }>;

/** Who changed something, in the event table, when a person ordered it. */
export const WHO = 'person';

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

export function refused(what: string, next: string): SchedulerError {
  return new SchedulerError('REFUSED', { details: { what, next } });
}

export function accepted(text: string, data?: Readonly<Record<string, unknown>>): Accepted {
  return data === undefined ? { ok: true, text } : { ok: true, text, data };
}

/** Any error as the reply that a person reads. */
export function refusal(error: unknown): Extract<Reply, { readonly ok: false }> {
  if (error instanceof SchedulerError) {
    const usage = error.category === 'usage' || error.category === 'configuration';
    return { ok: false, code: error.code, text: error.message, next: error.next, usage };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { ok: false, code: 'DEFECT', text, next: 'Look at the log, and report it as a defect.', usage: false };
}
