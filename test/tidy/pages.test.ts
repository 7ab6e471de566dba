/** Guards the tidy rule on pages that are pointed to: it can fail. */
import { expect, it } from 'vitest';
import { namedPagesExist } from './pages.ts';
import { sourceFile } from './source-file.ts';

it('finds a page that is not there, and is content with one that is', () => {
  const files = [sourceFile('docs/here.md', 'x'), sourceFile('src/a.ts', '// see docs/here.md\n// and docs/gone.md\n')];
  expect(namedPagesExist(files)).toEqual(['src/a.ts:2: names docs/gone.md, which is not there']);
});
