/** Guards promise 7 (says what it does): the configuration page is made of the settings there are, and every example in the docs loads. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configurationPage } from '../../scripts/configuration-page.ts';
import { loadConfig } from '../../src/config.ts';
import { fileAsJsonSchema } from '../../src/config-schema.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));
const examples = pages.flatMap((page) =>
  [...read(page).matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => [page, match[1] ?? ''] as const),
);
const page = read('docs', 'configuration.md');
const example = read('docs', 'scheduler.example.yaml');

it.each(examples)('the example in %s loads: %s', (_page, text) => {
  const home = mkdtempSync(join(tmpdir(), 'docs-'));
  try {
    writeFileSync(join(home, 'scheduler.yaml'), text);
    expect(() => loadConfig({ home, file: null, overrides: {} })).not.toThrow();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

it('docs/configuration.md is what the schema says; else run `node scripts/write-configuration-doc.ts`', () => {
  expect(page).toBe(configurationPage(fileAsJsonSchema(), example));
  expect(examples.map(([, text]) => text)).toContain(example);
});

it('docs/configuration.md says of every key there is what it may be and what it does', () => {
  const keys = keysOf(fileAsJsonSchema());
  expect(keys).toEqual(expect.arrayContaining(['timezone', 'posts_per_day', 'base_port', 'max_attempts', 'give_up', 'step', 'cleanup']));
  const isHeading = (key: string) => page.includes(`\n## ${key}\n`);
  const isRow = (key: string) => new RegExp(`^\\| \`${key}\` \\| [^|]+ \\| [^|]+ \\| [^|]{4,} \\|$`, 'm').test(page);
  expect(keys.filter((key) => !isHeading(key) && !isRow(key))).toEqual([]);
  expect(page).not.toContain('undefined');
});

/** Every key of scheduler.yaml; those within the value of one setting (`{module: …}`, `{name: …, address: …}`) are shown with it. */
function keysOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {}, title = '', ...rest } = schema as { readonly properties?: object; readonly title?: string };
  if (String(title).includes('{')) return [];
  return [...Object.keys(properties), ...[...Object.values(properties), ...Object.values(rest)].flatMap(keysOf)];
}
