/**
 * Words that no file of the project holds: hosts of package registries (every
 * user has their own), and the circumstances under which a file was written.
 * The words are put together from pieces, or this file would break its own rule.
 */
import type { Finding, Rule } from './source-file.ts';

const REGISTRIES: readonly (readonly string[])[] = [
  ['registry', '\\.', '[a-z0-9-]+\\.[a-z]{2,}'],
  ['npm', 'mirror'],
  ['arti', 'factory'],
  ['ver', 'daccio'],
  ['npm\\.', 'pkg\\.'],
  ['"resolved": *', '"http'],
];

const CIRCUMSTANCES: readonly (readonly string[])[] = [
  ['\\bsub-?', 'agents?\\b'],
  ['chat', 'gpt'],
  ['language ', 'models?\\b'],
  ['\\bai ', 'assistants?\\b'],
  ['/work', '/(?:main|shared)\\b'],
  ['\\bbrief', '\\.md\\b'],
];

function anyOf(words: readonly (readonly string[])[]): RegExp {
  return new RegExp(words.map((pieces) => pieces.join('')).join('|'), 'i');
}

const RULES: readonly (readonly [RegExp, string])[] = [
  [anyOf(REGISTRIES), "names a registry; leave that to the user's own settings"],
  [anyOf(CIRCUMSTANCES), 'tells how the file came to be; say what is so instead'],
];

export const filesHoldNoForeignWords: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of files) {
    for (const [index, line] of file.text.split('\n').entries()) {
      for (const [pattern, why] of RULES) {
        const found = pattern.exec(line);
        if (found) findings.push(`${file.path}:${index + 1}: "${found[0]}" ${why}`);
      }
    }
  }
  return findings;
};
