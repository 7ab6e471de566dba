/** Guards promise 4 where a person is called: the log says it findably, and names the next step with the right names filled in. */
import { expect, it } from 'vitest';
import { callPerson, nextSteps } from '../../src/scheduler/alarm.ts';
import { MemoryLogger } from '../support/memory-logger.ts';

it('says what is wrong and what to do next, for people and for programs', () => {
  const logger = new MemoryLogger();
  callPerson(logger, 'hold', { job: 'clip-1', account: 'alice' }, 'Account alice is on hold: captcha');
  expect(logger.said).toMatchObject([
    {
      level: 'error',
      message: '[ALARM] Account alice is on hold: captcha',
      fields: { alarm: 'hold', account: 'alice', next: 'when it is in order again: scheduler --release alice' },
    },
  ]);
});

it('fills in what is known, and leaves a word to replace for what is not', () => {
  expect(nextSteps('put_off', { job: 'clip-1' })).toEqual(['set that right, or give it up: scheduler --skip clip-1']);
  expect(nextSteps('hold')).toEqual(['when it is in order again: scheduler --release ACCOUNT']);
});
