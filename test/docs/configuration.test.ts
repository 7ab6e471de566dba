/** Guards promise 7 (says what it does): the configuration pages are true. Every example loads, every key is described. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));
const examples = pages.flatMap((page) =>
  [...read(page).matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => [page, match[1] ?? ''] as const),
);

it.each(examples)('the example in %s loads: %s', (_page, text) => {
  const home = mkdtempSync(join(tmpdir(), 'docs-'));
  try {
    writeFileSync(join(home, 'scheduler.yaml'), text);
    expect(() => loadConfig({ home, file: null, overrides: {} })).not.toThrow();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

it('docs/configuration.md names every key there is', () => {
  const source = read('src', 'config-file.ts');
  const fields = [...source.matchAll(/const (?:ACCOUNT_FIELDS|FILE)\b[\s\S]*?\n\}/g)].map((match) => match[0]).join('\n');
  const retry = /const retry = z[\s\S]*?\n {2}\.transform/.exec(source)?.[0] ?? '';
  const keys = [
    ...`${fields}\n${retry}`.matchAll(/(?:^\s+|[{,] )([a-z][a-z0-9_]*): (?:z|settings|duration|count|rolling|zone|retry|publisher)\b/gm),
  ].map(([, key]) => key ?? '');
  expect(keys).toEqual(expect.arrayContaining(['timezone', 'posts_per_day', 'base_port', 'max_attempts', 'give_up', 'step', 'path']));
  const page = read('docs', 'configuration.md');
  const missing = [...new Set(keys)].filter((key) => !new RegExp(`\`[^\`\n]*\\b${key}\\b`).test(page));
  expect(missing).toEqual([]);
});
