/** docs/seeds.md keeps its word (promise 7): what it names exists, and it leaves nothing out. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseArgv } from '../../src/cli/options.ts';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'seeds.md'), 'utf8');

interface Named {
  readonly file: string;
  /** The name of a test in it; null = the file alone. */
  readonly test: string | null;
}

function namedIn(text: string): readonly Named[] {
  const found = text.matchAll(/`((?:src|test|docs)\/[\w./-]+\.(?:ts|md))`(?:: "((?:[^"\\]|\\.)*)")?/g);
  return [...found].map(([, file = '', test]) => ({ file, test: test === undefined ? null : test.replaceAll('\\"', '"') }));
}

/** What is named and not there, in words. */
function missingOf(named: readonly Named[], read: (file: string) => string | null): readonly string[] {
  return named.flatMap(({ file, test }) => {
    const text = read(file);
    if (text === null) return [`there is no ${file}`];
    // A name with an apostrophe may stand between quotes that need it escaped.
    return test === null || text.replaceAll("\\'", "'").includes(test) ? [] : [`${file} has no test "${test}"`];
  });
}

function rowsIn(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  return rows.map((line) => line.slice(1, -1).split(/(?<!\\)\|/));
}

describe('docs/seeds.md', () => {
  it('names files and tests that exist', () => {
    const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : null);
    expect(namedIn(page).filter(({ test }) => test !== null).length).toBeGreaterThan(50);
    expect(missingOf(namedIn(page), read)).toEqual([]);
  });

  it('has no empty cell, and as many cells in each row as its table', () => {
    for (const table of page.split(/\n(?!\|)/)) {
      const rows = rowsIn(table);
      for (const row of rows) {
        expect(row, row.join('|')).toHaveLength(rows[0]?.length ?? 0);
        for (const cell of row) expect(cell.trim(), row.join('|')).not.toBe('');
      }
    }
  });

  it('names code and a test for every requirement', () => {
    const asked = page.split(/\n(?!\|)/).flatMap((table) => {
      const [head, ...rows] = rowsIn(`${table}\n`);
      const [code, test] = ['code', 'test'].map((name) => head?.findIndex((cell) => cell.trim() === name) ?? -1) as [number, number];
      return code < 0 ? [] : rows.map((row) => [row[0] ?? '', row[code] ?? '', row[test] ?? ''] as const);
    });
    expect(asked.length).toBeGreaterThan(60);
    expect(asked.filter(([, code]) => !namedIn(code).some(({ file }) => file.startsWith('src/'))).map(([what]) => what)).toEqual([]);
    expect(asked.filter(([, , test]) => !namedIn(test).some(({ test: name }) => name !== null)).map(([what]) => what)).toEqual([]);
  });

  it('has a test for every case of each seed’s strategy, and names each of them', () => {
    const named = new Set(namedIn(page).map(({ file, test }) => `${file}: ${test}`));
    const unnamed = ['000', '001', '002', '003', '004'].flatMap((seed) => {
      const file = `test/seeds/seed-${seed}.test.ts`;
      const tests = [
        ...readFileSync(join(root, file), 'utf8').matchAll(/\bit(?:\.each\([\s\S]*?\))?\(\s*(['"`])((?:(?!\1)[^\\]|\\.)*)\1/g),
      ];
      expect(tests.length, file).toBeGreaterThan(5);
      return tests.map(([, , name = '']) => `${file}: ${name.replaceAll("\\'", "'")}`).filter((one) => !named.has(one));
    });
    expect(unnamed).toEqual([]);
  });

  it('speaks of flags that there are, or were', () => {
    const former = readFileSync(join(root, 'src', 'cli', 'usage.ts'), 'utf8');
    const help = `${parseArgv(['--help'], '1').print ?? ''}${former}`;
    const flags = new Set([...page.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag));
    const unknown = [...flags].filter((flag) => !new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(help));
    expect(flags.size).toBeGreaterThan(20);
    expect(unknown).toEqual([]);
  });

  it('is checked by rules that can fail', () => {
    const text = 'see `test/a.test.ts`: "does \\"it\\"" and `src/gone.ts`, `test/a.test.ts`: "another"';
    const read = (file: string) => (file === 'test/a.test.ts' ? 'it(\'does "it"\')' : null);
    expect(missingOf(namedIn(text), read)).toEqual(['there is no src/gone.ts', 'test/a.test.ts has no test "another"']);
  });
});
