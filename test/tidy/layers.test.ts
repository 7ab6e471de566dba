/** Guards the tidy rules on imports: each of them can fail, and passes what is allowed. */
import { describe, expect, it } from 'vitest';
import { domainIsPure, importsFollowTheLayers, packagesHaveOneHome } from './layers.ts';
import { sourceFile } from './source-file.ts';

function imports(path: string, ...specifiers: string[]) {
  return sourceFile(path, specifiers.map((specifier) => `import type { X } from '${specifier}';\n`).join(''));
}

describe('importsFollowTheLayers', () => {
  it.each([
    ['src/domain/job.ts', '../runtime/clock.ts'],
    ['src/domain/job.ts', '../stores/store.ts'],
    ['src/runtime/logger.ts', '../scheduler/worker.ts'],
    ['src/stores/sqlite.ts', '../devices/device.ts'],
    ['src/appium/wdio-ui.ts', '../devices/adb.ts'],
    ['src/flows/run-flow.ts', '../devices/device.ts'],
    ['src/publishers/appium-publisher.ts', '../flows/run-flow.ts'],
    ['src/scheduler/worker.ts', '../stores/sqlite.ts'],
    ['src/scheduler/worker.ts', '../config.ts'],
    ['src/cli/status.ts', '../stores/store.ts'],
    ['src/control/server.ts', '../cli/options.ts'],
    ['src/errors.ts', './runtime/clock.ts'],
    ['src/config.ts', './stores/store.ts'],
    ['src/brand-new/file.ts', '../domain/job.ts'],
    ['src/domain/job.ts', '../../test/tidy/layers.ts'],
  ])('%s may not import %s', (path, specifier) => {
    expect(importsFollowTheLayers([imports(path, specifier)])).toHaveLength(1);
  });

  it.each([
    ['src/domain/job.ts', './failure.ts'],
    ['src/domain/job.ts', '../errors.ts'],
    ['src/errors.ts', './domain/failure.ts'],
    ['src/config-file.ts', './config.ts'],
    ['src/devices/simulated/phone.ts', '../device.ts'],
    ['src/publishers/appium-publisher.ts', '../flows/flow.ts'],
    ['src/scheduler/worker.ts', '../stores/store.ts'],
    ['src/cli/main-help.ts', '../control/client.ts'],
    ['src/compose.ts', './stores/sqlite.ts'],
  ])('%s may import %s', (path, specifier) => {
    expect(importsFollowTheLayers([imports(path, specifier)])).toEqual([]);
  });

  it('sees dynamic imports and re-exports, and ignores those in comments', () => {
    const file = sourceFile(
      'src/domain/a.ts',
      "// from '../cli/a.ts'\nexport { b } from '../cli/b.ts';\nconst c = import('../cli/c.ts');\n",
    );
    expect(importsFollowTheLayers([file])).toEqual([
      'src/domain/a.ts:2: imports ../cli/b.ts, but domain may not import cli',
      'src/domain/a.ts:3: imports ../cli/c.ts, but domain may not import cli',
    ]);
  });
});

describe('domainIsPure', () => {
  it.each([
    "import { readFileSync } from 'node:fs';",
    "import { parse } from 'yaml';",
    'export async function f() {}',
    'const p: Promise<void> = x;',
    'const pid = process.pid;',
  ])('finds %s', (text) => {
    expect(domainIsPure([sourceFile('src/domain/a.ts', text)])).toHaveLength(1);
  });

  it('allows luxon, prose and other folders', () => {
    expect(domainIsPure([sourceFile('src/domain/a.ts', "import { DateTime } from 'luxon';\n// await the process.\n")])).toEqual([]);
    expect(domainIsPure([sourceFile('src/runtime/a.ts', 'export async function f() {}')])).toEqual([]);
  });
});

describe('packagesHaveOneHome', () => {
  it('finds a second home', () => {
    expect(packagesHaveOneHome([imports('src/a.ts', 'yaml'), imports('src/b.ts', 'yaml')])).toHaveLength(1);
    expect(packagesHaveOneHome([imports('src/a.ts', '@scope/name/sub'), imports('src/b.ts', '@scope/name')])).toHaveLength(1);
  });

  it('finds a third home of better-sqlite3, which has two', () => {
    const two = [imports('src/a.ts', 'better-sqlite3'), imports('src/b.ts', 'better-sqlite3')];
    expect(packagesHaveOneHome(two)).toEqual([]);
    expect(packagesHaveOneHome([...two, imports('src/c.ts', 'better-sqlite3')])).toHaveLength(1);
  });

  it("leaves Node's own modules, relative files and tests alone", () => {
    const files = [
      imports('src/a.ts', 'node:fs', './c.ts'),
      imports('src/b.ts', 'node:fs', './c.ts'),
      imports('test/a.ts', 'yaml'),
      imports('src/d.ts', 'yaml'),
    ];
    expect(packagesHaveOneHome(files)).toEqual([]);
  });
});
