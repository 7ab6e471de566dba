/**
 * docs/errors.md out of the catalogue: the page people look an error code up in.
 * Pure; `write-errors-doc.ts` writes it and the tidy test compares.
 */
import type { CatalogueEntry } from '../src/errors.ts';

export type Catalogue = Readonly<Record<string, CatalogueEntry>>;

const INTRODUCTION = `# Errors

Every error that the program reports has a code. This page lists all of them: what happened, whose trouble it is, and what you do next.
Words in braces are filled in when it happens. Categories: \`account\` (that account stops and a person is called), \`infrastructure\`
(a phone, Appium, adb or the network; tried again), \`content\` (this video), \`configuration\` (nothing is used up; it goes on when it is
fixed), \`unknown\` (kept whole and tried once more), \`usage\` (the command), \`defect\` (a bug of ours or of a publisher).

Written by \`node scripts/write-errors-doc.ts\` from \`src/errors.ts\`.
`;

/** Of what has many causes the message itself says all of it. */
const SAID_THERE: Readonly<Record<string, string>> = {
  '{what}': '{what}: the message says it',
  '{next}': '{next}: the message ends with it',
};

function cell(text: string): string {
  return (SAID_THERE[text] ?? text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

export function errorsPage(catalogue: Catalogue): string {
  const rows = Object.entries(catalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, entry]) => `| \`${code}\` | ${entry.category} | ${cell(entry.message)} | ${cell(entry.next)} |`);
  return [INTRODUCTION, '| code | category | what happened | what you do next |', '|---|---|---|---|', ...rows, ''].join('\n');
}
