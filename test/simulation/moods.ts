/** Every way in which a simulated publisher may behave in one attempt, and how often: drawn from the life's dice. */
import { SchedulerError } from '../../src/errors.ts';
import type { Chance } from './chance.ts';

export interface Mood {
  /** What it does instead of coming to the commit point; `ignores`: it does not listen to its signal. */
  readonly before: Error | 'hangs' | 'throws a string' | 'ignores' | null;
  /** It takes this long to compose. */
  readonly lateMs: number | null;
  /** It acts without commit(). */
  readonly forgets: boolean;
  readonly commitsTwice: boolean;
  /** Between commit() and the act. */
  readonly actLateMs: number | null;
  readonly act: 'ok' | 'answer lost' | 'not sent' | 'not sent, proven' | 'upload lost';
  readonly after: 'hangs' | null;
  /** How long the app shows that it uploads. */
  readonly uploadMs: number;
  readonly look: 'clear' | 'blind' | 'fails';
}

/** Probabilities of one life; each life has only some of them. */
export interface MoodRates {
  readonly fails: number;
  readonly ignores: number;
  readonly forgets: number;
  readonly twice: number;
  readonly actLate: number;
  readonly act: number;
  readonly hangs: number;
  readonly slowUpload: number;
  readonly badLook: number;
}

export function drawMood(chance: Chance, rates: MoodRates): Mood {
  const ignores = chance.happens(rates.ignores);
  return {
    before: ignores ? 'ignores' : chance.happens(rates.fails) ? trouble(chance) : null,
    lateMs: ignores ? chance.between(10_000, 200_000) : null,
    forgets: chance.happens(rates.forgets),
    commitsTwice: chance.happens(rates.twice),
    actLateMs: chance.happens(rates.actLate) ? chance.between(100, 200_000) : null,
    act: chance.happens(rates.act) ? chance.pick(['answer lost', 'answer lost', 'not sent', 'not sent, proven', 'upload lost']) : 'ok',
    after: chance.happens(rates.hangs) ? 'hangs' : null,
    uploadMs: chance.happens(rates.slowUpload) ? chance.between(0, 240_000) : 0,
    look: chance.happens(rates.badLook) ? chance.pick(['blind', 'fails']) : 'clear',
  };
}

function trouble(chance: Chance): Mood['before'] {
  return chance.pick([
    new SchedulerError('ADB_TIMEOUT', { details: { text: 'the phone did not answer', device: 'phone' } }),
    new SchedulerError('DEVICE_OFFLINE', { details: { device: 'phone', text: 'gone' } }),
    Object.assign(new Error('please solve the puzzle'), { category: 'account', type: 'captcha' }),
    Object.assign(new Error('rejected'), { category: 'content', type: 'rejected' }),
    Object.assign(new Error('ANDROID_HOME is not set'), { category: 'configuration' }),
    new Error('something odd'),
    new Error('socket hang up'),
    'throws a string',
    'hangs',
  ]);
}
