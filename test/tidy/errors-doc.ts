/**
 * docs/errors.md and src/errors.ts say the same: every code of the catalogue is
 * on the page with its words, and the page has no code that is not in it.
 */
import type { CatalogueEntry } from '../../src/errors.ts';
import type { Finding } from './source-file.ts';

export function errorsPageFindings(catalogue: Readonly<Record<string, CatalogueEntry>>, page: string): Finding[] {
  const rows = new Map<string, string>();
  for (const match of page.matchAll(/^\| `([A-Z0-9_]+)` \|(.*)$/gm)) rows.set(match[1] ?? '', match[2] ?? '');
  const findings: Finding[] = [];
  const again = 'run `node scripts/write-errors-doc.ts`';
  for (const [code, entry] of Object.entries(catalogue)) {
    const row = rows.get(code)?.replaceAll('\\|', '|');
    if (row === undefined) findings.push(`docs/errors.md: ${code} is missing; ${again}`);
    else if (![entry.category, entry.message, entry.next].every((words) => row.includes(words)))
      findings.push(`docs/errors.md: ${code} has other words than src/errors.ts; ${again}`);
  }
  for (const code of rows.keys()) {
    if (!(code in catalogue)) findings.push(`docs/errors.md: ${code} is not in src/errors.ts; ${again}`);
  }
  return findings;
}
