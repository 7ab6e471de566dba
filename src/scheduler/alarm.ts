/**
 * Whatever calls a person: a closed list, each with what that person does next.
 * `--status`, `[ALARM]` in the log and docs/operations.md speak of these and of
 * no others; trouble that passes by itself is no alarm.
 */
import type { Logger } from '../runtime/logger.ts';

export const ALARMS = {
  /** A post is past its commit point, and nobody knows whether it is public. */
  uncertain: [
    'look at the profile, then: scheduler --settle {job} published',
    'or, when no upload can be under way any more, the same with: absent',
  ],
  /** The platform said no; the account has stopped. */
  hold: ['when it is in order again: scheduler --release {account}'],
  /** An account cannot post before its phone, flow or publisher is there. */
  setup: ['set that right: it goes on by itself, nothing was used up'],
  /** A job was put off again and again for longer than `defer_limit`. */
  put_off: ['set that right, or give it up: scheduler --skip {job}'],
  /** A phone, an Appium server or a step of an app failed again and again. */
  resting: ['mend it; it is tried again by itself, or at once: scheduler --resume'],
  /** A publisher broke its contract; nothing is published. */
  publisher: ['correct the publisher, settle its uncertain post, then: scheduler --resume'],
  /** The database is not there any more, or is another. */
  vanished: [
    'put it back where it was, and it goes on by itself; or end it by Ctrl-C or systemctl stop',
    'then bring a copy back: scheduler --restore DIR',
    'or what it wrote down at its end: scheduler --import scheduler_state.json',
  ],
  /** A loop hangs. */
  stalled: ['the service is restarted by its watchdog; without a service: end it and start it again'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type Alarm = keyof typeof ALARMS;

/** What to do next, one line a step. @param names fill in `{job}` and `{account}` */
export function nextSteps(alarm: Alarm, names: { readonly job?: string; readonly account?: string } = {}): readonly string[] {
  return ALARMS[alarm].map((step) => step.replace('{job}', names.job ?? 'JOB').replace('{account}', names.account ?? 'ACCOUNT'));
}

/** Says it in the log, findable by `[ALARM]` for people and by the field `alarm` for programs. */
export function callPerson(logger: Logger, alarm: Alarm, fields: Readonly<Record<string, unknown>>, what: string): void {
  logger.error({ ...fields, alarm, next: nextSteps(alarm, namesIn(fields))[0] }, `[ALARM] ${what}`);
}

function namesIn({ job, account }: Readonly<Record<string, unknown>>): { job?: string; account?: string } {
  return { ...(typeof job === 'string' ? { job } : {}), ...(typeof account === 'string' ? { account } : {}) };
}
