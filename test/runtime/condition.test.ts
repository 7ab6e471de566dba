// Guards promise 4: a retry policy says what its author meant, or is refused before anything runs.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConditionFacts } from '../../src/domain/retry.ts';
import { ConditionProblem, checkCondition, holds } from '../../src/runtime/condition.ts';

const FACTS: ConditionFacts = {
  error: 'adb: device offline',
  category: 'infrastructure',
  type: 'device_offline',
  attempt: 2,
  max_attempts: 3,
  phase: 'push',
};

function problem(text: string): string {
  try {
    checkCondition(text);
  } catch (error) {
    if (error instanceof ConditionProblem) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('what a condition says', () => {
  test.each([
    ['{{ error != None }}', true], // seed 004, unchanged
    ['{{ error == none }}', false],
    ['{{ error is defined }}', true],
    ['{{error}}', true],
    ['  {{- attempt < max_attempts -}}  ', true],
    ['{{ attempt >= 2 and category == "infrastructure" }}', true],
    ['{{ category in ["account", "content"] }}', false],
    ['{{ "offline" in error }}', true],
    ['{{ "{{" in error or "}}" in error }}', false],
    ["{{ not type == 'adb_timeout' }}", true],
    ['{{ error | lower | length > 3 }}', true],
    ['{{ error.startswith("adb") }}', true],
    ['{{ (phase == "push") if attempt == 2 else False }}', true],
    ['{{ attempt - 2 }}', false],
    ['{{ type in {"device_offline": 1} }}', true],
  ])('%s is %s', (text, answer) => {
    expect(problem(text)).toBe('accepted');
    expect(holds(text, FACTS)).toBe(answer);
  });
});

describe('what is refused when the settings are read', () => {
  test.each([
    ['error != None', 'double braces'],
    ['', 'double braces'],
    ['retry {{ error }}', 'double braces'],
    ['{{ }}', 'is no expression'],
    ['{{ error == }}', 'is no expression'],
    ['{{ "open }}', 'is no expression'],
    ['{{ error }} or {{ type }}', 'several'],
    ['{{ {{ error }} }}', 'several'],
    ['{{ error }}{% if type %}{{ phase }}{% endif %}{{ error }}', 'statements'],
    ['{{ error }}{# note #}{{ error }}', 'several'],
    ['{{ attemps < 3 }}', 'asks for "attemps"'],
    ['{{ category in [infrastructure] }}', 'asks for "infrastructure"'],
    ['{{ {"a": b}.a }}', 'asks for "b"'],
    ['{{ error[start] }}', 'asks for "start"'],
    ['{{ range(1000000000) }}', 'function'],
    ['{{ error > 3 }}', 'cannot be asked'],
    ['{{ error | nosuchfilter }}', 'cannot be asked'],
    [`{{ error.constructor.constructor("return process")() }}`, 'cannot be asked'],
  ])('%s', (text, words) => {
    expect(problem(text)).toContain(words);
  });

  test('whatever is written is accepted or refused with words, and asking never throws', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '{%',
      '%}',
      'error',
      ' ',
      '"',
      "'",
      '==',
      'attempt',
      '(',
      ')',
      '.',
      '|',
      'lower',
      '[',
      '1',
      'not',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = `{{ ${pieces.join('')} }}`;
        expect(typeof problem(text)).toBe('string');
        expect(typeof holds(text, FACTS)).toBe('boolean');
      }),
    );
  });
});

test('a condition that does not fit the facts of one failure does not hold', () => {
  expect(holds('{{ error.nothing.more }}', FACTS)).toBe(false);
});
