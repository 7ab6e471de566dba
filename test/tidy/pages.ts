/** Pages that files point to: a page of docs/ that is named somewhere exists. */
import type { Finding, Rule } from './source-file.ts';

const PAGE = /\bdocs\/[a-z0-9/-]+\.md\b/g;

export const namedPagesExist: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path));
  const findings: Finding[] = [];
  // The rules' own tests name pages that are not meant to exist.
  for (const file of files.filter(({ path }) => !path.startsWith('test/tidy/'))) {
    for (const [index, line] of file.text.split('\n').entries()) {
      for (const [page] of line.matchAll(PAGE)) {
        if (!paths.has(page)) findings.push(`${file.path}:${index + 1}: names ${page}, which is not there`);
      }
    }
  }
  return findings;
};
