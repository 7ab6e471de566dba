/** Guards the tidy rules on the shape of files: each of them can fail. */
import { describe, expect, it } from 'vitest';
import * as shape from './shape.ts';
import { sourceFile } from './source-file.ts';

const lines = (count: number, line = 'x;') => Array.from({ length: count }, () => line).join('\n');

describe('filesOpenWithTheirPurpose', () => {
  it('finds a file without a header, and one with an essay', () => {
    expect(shape.filesOpenWithTheirPurpose([sourceFile('src/a.ts', "import a from 'a';\n")])).toHaveLength(1);
    expect(shape.filesOpenWithTheirPurpose([sourceFile('src/a.ts', `/**\n${lines(20, ' * x')}\n */\nx;`)])).toHaveLength(1);
  });

  it.each([
    '/** What it is. */\nx;',
    '// What it is.\n// More.\nx;',
    `#!/usr/bin/env node\n// What it is.\nx;`,
    `/**\n${lines(18, ' * x')}\n */\nx;`,
  ])('allows %j', (text) => {
    expect(shape.filesOpenWithTheirPurpose([sourceFile('src/a.ts', text)])).toEqual([]);
  });

  it('leaves other files alone', () => {
    expect(shape.filesOpenWithTheirPurpose([sourceFile('README.md', 'x'), sourceFile('test/fixtures/a.ts', 'x')])).toEqual([]);
  });
});

describe('filesAreShort', () => {
  it('finds line 401', () => {
    expect(shape.filesAreShort([sourceFile('src/a.ts', `${lines(401)}\n`)])).toHaveLength(1);
    expect(shape.filesAreShort([sourceFile('src/a.ts', `${lines(400)}\n`)])).toEqual([]);
  });
});

describe('functionsAreShort', () => {
  const body = (count: number, indent: string) => lines(count, `${indent}  x();`);

  it.each([
    ['a function', `export async function f(a: number): Promise<void> {\n${body(59, '')}\n}\n`],
    ['a function with parameters on lines of their own', `function f(\n  a: number,\n): void {\n${body(59, '')}\n}\n`],
    ['an arrow function', `export const f = (a: number) => {\n${body(59, '')}\n};\n`],
    ['a method', `class A {\n  private async f(a: number): Promise<void> {\n${body(59, '  ')}\n  }\n}\n`],
  ])('finds %s of more than 60 lines', (_what, text) => {
    expect(shape.functionsAreShort([sourceFile('src/a.ts', text)])).toHaveLength(1);
  });

  it('measures from the first line to the closing brace', () => {
    expect(shape.functionLengths(sourceFile('src/a.ts', `x();\nfunction f() {\n${body(58, '')}\n}\n`))).toEqual([{ line: 2, lines: 60 }]);
  });

  it('allows long classes, interfaces and chains of short functions', () => {
    const short = Array.from({ length: 30 }, (_, index) => `  f${index}(): void {\n    x();\n  }\n`).join('\n');
    expect(shape.functionsAreShort([sourceFile('src/a.ts', `class A {\n${short}}\n`)])).toEqual([]);
    expect(shape.functionsAreShort([sourceFile('src/a.ts', `interface A {\n${lines(80, '  f(): void;')}\n}\n`)])).toEqual([]);
  });
});

describe('namesSayWhatIsMeant', () => {
  it.each(['src/domain/retryPolicy.ts', 'src/utils/a.ts', 'src/job-helpers.ts', 'src/stores/manager.ts', 'src/Domain/a.ts'])(
    'finds %s',
    (path) => {
      expect(shape.namesSayWhatIsMeant([sourceFile(path, '')]).length).toBeGreaterThan(0);
    },
  );

  it.each(['interface IStore {}', 'class StoreImpl {}', 'class JobManager {}', 'type StoreUtils = 1;'])('finds %s', (text) => {
    expect(shape.namesSayWhatIsMeant([sourceFile('src/a.ts', text)])).toHaveLength(1);
  });

  it('allows what is meant', () => {
    expect(
      shape.namesSayWhatIsMeant([sourceFile('src/stores/sqlite-store.ts', 'interface Import {}\ninterface IdMap {}\nclass Ui {}')]),
    ).toEqual([]);
  });
});

describe('exportsAreNamed', () => {
  it.each(['export default f;', 'export { f as default };'])('finds %s', (text) => {
    expect(shape.exportsAreNamed([sourceFile('src/a.ts', text)])).toHaveLength(1);
  });

  it('allows prose and tests', () => {
    expect(
      shape.exportsAreNamed([
        sourceFile('src/a.ts', "// export default\nconst a = 'export default';"),
        sourceFile('vitest.config.ts', 'export default 1;'),
      ]),
    ).toEqual([]);
  });
});

describe('readingPathIsShort', () => {
  const path = (length: number) => shape.READING_PATH.map((name, index) => sourceFile(name, `${lines(index === 0 ? length : 100)}\n`));

  it('finds 900 lines, and a file that is gone', () => {
    expect(shape.readingPathIsShort(path(400))).toHaveLength(1);
    expect(shape.readingPathIsShort(path(399))).toEqual([]);
    expect(shape.readingPathIsShort(path(10).slice(1))).toHaveLength(1);
  });
});
