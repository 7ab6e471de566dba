/** Guards the scanner below all tidy rules: what is blanked, and that places stay where they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blankComments, blankCommentsAndStrings } from './scan-code.ts';

describe('blankCommentsAndStrings', () => {
  it.each([
    ['a(); // b\nc', 'a();     \nc'],
    ['a /* b\nc */ d', 'a     \n     d'],
    ['a("// b") + c', 'a("    ") + c'],
    ["a('\\'b') + c", "a('   ') + c"],
    ['`a ${b(`c`)} d` + e', '`  ${b(` `)}  ` + e'],
    ['`${{ a: 1 }.a}` + b', '`${{ a: 1 }.a}` + b'],
    ['a / b / c', 'a / b / c'],
    ['x = /["`/]/g; y', 'x = /     /g; y'],
    ['return /a"/.test(b)', 'return /  /.test(b)'],
    ['/* open', '       '],
    ['// open', '       '],
  ])('%j', (text, expected) => {
    const result = blankCommentsAndStrings(text);
    expect(result).toHaveLength(text.length);
    expect(result).toBe(expected);
  });

  it('never moves anything, whatever the text', () => {
    const pieces = fc.array(fc.constantFrom('a', ' ', '\n', '"', "'", '`', '${', '}', '{', '/', '*', '//', '/*', '*/', '\\', '[', ']'));
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('');
        for (const result of [blankComments(text), blankCommentsAndStrings(text)]) {
          expect(result).toHaveLength(text.length);
          expect([...result].every((char, index) => char === text[index] || (char === ' ' && text[index] !== '\n'))).toBe(true);
        }
      }),
    );
  });
});
