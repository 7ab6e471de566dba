/** Guards the tidy rules on calls with one home: each of them can fail. */
import { describe, expect, it } from 'vitest';
import { callsHaveOneHome, testsAreHonest } from './homes.ts';
import { sourceFile } from './source-file.ts';

describe('callsHaveOneHome', () => {
  it.each([
    'const a = Date.now();',
    'const a = new Date();',
    'const a = performance.now();',
    'const a = DateTime.now();',
    'setTimeout(f, 1);',
    'setInterval(f, 1);',
    "import { setTimeout as delay } from 'node:timers/promises';",
    'fetch(url, { signal: AbortSignal.timeout(5) });',
    'const a = Math.random();',
    'const a = randomUUID();',
    'const a = process.env.HOME;',
    'process.exit(1);',
    'process.exitCode = 1;',
    "console.error('x');",
    'const a = `${Date.now()}`;',
  ])('finds %s', (text) => {
    expect(callsHaveOneHome([sourceFile('src/scheduler/a.ts', `${text}\n`)]).length).toBeGreaterThan(0);
  });

  it.each([
    ['src/runtime/clock.ts', 'const a = Date.now();'],
    ['src/runtime/random.ts', 'const a = Math.random();'],
    ['src/runtime/environment.ts', 'return process.env;'],
    ['src/main.ts', 'process.exit(1);'],
    ['src/devices/simulated/phone-cli.ts', 'process.exitCode = 1;'],
    ['src/domain/a.ts', "// Date.now() is not known here\nconst a = 'console.log';"],
    ['src/domain/a.ts', 'const a = new DateRange(); const b = dueDate.nowhere;'],
    ['test/a.test.ts', 'const a = Date.now();'],
  ])('allows it in %s: %s', (path, text) => {
    expect(callsHaveOneHome([sourceFile(path, text)])).toEqual([]);
  });
});

describe('testsAreHonest', () => {
  it.each(["vi.mock('x');", "it.only('x', f);", "describe('x', { retry: 2 }, f);"])('finds %s', (text) => {
    expect(testsAreHonest([sourceFile('test/a.test.ts', text)])).toHaveLength(1);
  });

  it('allows the rest', () => {
    expect(testsAreHonest([sourceFile('test/a.test.ts', "it('retry: 2', f); const fake = vi.fn(); // vi.mock(")])).toEqual([]);
  });
});
