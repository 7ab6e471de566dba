/** Guards the tidy rule on words, and the one that compares docs/errors.md with the catalogue: both can fail. */
import { describe, expect, it } from 'vitest';
import { errorsPage } from '../../scripts/errors-page.ts';
import { errorsPageFindings } from './errors-doc.ts';
import { sourceFile } from './source-file.ts';
import { filesHoldNoForeignWords } from './words.ts';

describe('filesHoldNoForeignWords', () => {
  // In pieces, or this file would break the rule.
  it.each([
    ['https://registry', '.example.org/x'],
    ['the chat', 'gpt of'],
    ['see /work', '/shared/x'],
    ['"resolved": ', '"https://x"'],
  ])('finds %s…', (...pieces) => {
    expect(filesHoldNoForeignWords([sourceFile('docs/a.md', `fine\n${pieces.join('')}\n`)])).toHaveLength(1);
  });

  it('allows the words of the product', () => {
    const text = 'an Appium session; the registry of flows; claude_stuck; /work/videos; a brief pause; the agent of the phone\n';
    expect(filesHoldNoForeignWords([sourceFile('docs/a.md', text)])).toEqual([]);
  });
});

describe('errorsPageFindings', () => {
  const catalogue = { A_CODE: { message: 'a {x} | b', category: 'usage', next: 'Do this.' } } as const;
  const page = errorsPage(catalogue);

  it('is content with the page that is written from the catalogue', () => {
    expect(errorsPageFindings(catalogue, page)).toEqual([]);
  });

  it('finds a missing code, an unknown code and other words', () => {
    expect(errorsPageFindings({ ...catalogue, B_CODE: catalogue.A_CODE }, page)).toHaveLength(1);
    expect(errorsPageFindings({}, page)).toHaveLength(1);
    expect(errorsPageFindings(catalogue, page.replace('Do this.', 'Do that.'))).toHaveLength(1);
  });
});
