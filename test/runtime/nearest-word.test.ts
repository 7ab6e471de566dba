/** Guards promise 7: whoever misspells a flag, a setting or an account is told what was probably meant, and never something far from it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearestWord } from '../../src/runtime/nearest-word.ts';

describe('nearestWord', () => {
  it.each([
    ['statsu', 'status'],
    ['Plan', 'plan'],
    ['evnt', 'events'],
    ['zzzzzz', null],
  ])('%s means %s', (word, meant) => {
    expect(nearestWord(word, ['plan', 'status', 'stop', 'events'])).toBe(meant);
  });

  it('looks no further than it is told', () => {
    expect(nearestWord('alcie', ['alice'], 1)).toBe('alice');
    expect(nearestWord('alxxe', ['alice'], 1)).toBeNull();
    expect(nearestWord('', ['abc'], 2)).toBeNull();
    expect(nearestWord('kitten', ['sitting'], 3)).toBe('sitting');
    expect(nearestWord('kitten', ['sitting'], 2)).toBeNull();
  });

  it('finds a word from another as far as the other way round, and itself before all others', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, fc.nat(8), (a, b, most) => {
        expect(nearestWord(a, [b], most) === null).toBe(nearestWord(b, [a], most) === null);
        expect(nearestWord(a, [b, a], most)).toBe(a);
        expect(nearestWord(a, [b], Math.max(a.length, b.length))).toBe(b);
      }),
    );
  });
});
