/** Guards promise 8: an account is called what its platform calls it, and a slip of the keyboard becomes no account. */
import { describe, expect, it } from 'vitest';
import { isAccountName } from '../../src/domain/account.ts';

describe('isAccountName', () => {
  it.each(['alice', 'brand.de_1', 'the-team', '_x', '4ever', '市場', 'x'.repeat(64)])('takes %s', (name) => {
    expect(isAccountName(name)).toBe(true);
  });

  it.each(['', 'c!', '.hidden', '-x', 'a b', 'a/b', 'a\\b', 'a:b', 'a,b', 'a@b', '😀', 'x'.repeat(65), 'a\u0000', 'a\n'])(
    'does not take %j',
    (name) => expect(isAccountName(name)).toBe(false),
  );
});
