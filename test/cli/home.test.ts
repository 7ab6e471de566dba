/** Guards design section 9: the home is where it was said to be, and a look creates nothing. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkStore, type HomeQuestion, resolveHome } from '../../src/cli/home.ts';
import { parseArgv } from '../../src/cli/options.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'home-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function ask(question: Partial<HomeQuestion>) {
  return resolveHome({ home: null, fromEnvironment: undefined, workingFolder: folder, need: 'look', ...question });
}

describe('resolveHome', () => {
  it('is --home, else SCHEDULER_HOME, else the working folder', () => {
    expect(ask({ home: 'x', fromEnvironment: '/env' }).path).toBe(join(folder, 'x'));
    expect(ask({ fromEnvironment: '/env' }).path).toBe('/env');
    expect(ask({ fromEnvironment: '' }).path).toBe(folder);
  });

  it('looks anywhere, creates nothing, and takes no orders where nothing is', () => {
    expect(ask({})).toEqual({ path: folder, exists: false });
    expect(ask({ need: 'create' })).toEqual({ path: folder, exists: false });
    expect(() => ask({ need: 'order' })).toThrow(`${folder} is no scheduler home`);
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'scheduler.yaml'), '');
    expect(ask({ need: 'order' })).toEqual({ path: folder, exists: true });
  });
});

describe('a home that is to be made', () => {
  // Anywhere else there is no such folder, and root may write everywhere.
  it.runIf(process.platform === 'linux').each(['/proc/x', '/proc', '/sys/x/y', '/dev/fd/x'])(
    'is refused below the kernel’s own files: %s',
    (home) => {
      expect(() => ask({ home, need: 'create' })).toThrow(`no home can be at ${home}: nothing can be written into`);
      expect(ask({ home })).toEqual({ path: home, exists: false });
    },
  );

  it.runIf(process.getuid?.() !== 0)('is refused where this user may not write', () => {
    chmodSync(folder, 0o555);
    expect(() => ask({ home: 'a/b', need: 'create' })).toThrow(`nothing can be written into ${folder}`);
  });
});

describe('checkStore', () => {
  const check = (flags: readonly string[], store: string) => () => checkStore(parseArgv(flags, '1.0.0'), store);

  it('refuses a named store that is not there, but for what may begin one; the default one need not be there', () => {
    const store = join(folder, 'gone.db');
    for (const flags of [['--status'], ['--plan'], ['--events'], ['--pause', 'a'], ['--export', 'x.csv'], ['--check'], ['--doctor']]) {
      expect(check([...flags, '--store', store], store)).toThrow(`there is no database ${store}; name the right one by --store`);
      expect(check(flags, store)).not.toThrow();
    }
    expect(check(['--add-accounts', 'a', '--store', store], store)).not.toThrow();
    expect(check(['--run', '--store', store], store)).not.toThrow();
    expect(check(['--restore', 'b', '--store', store], store)).not.toThrow();
  });

  it('refuses a folder for a store, whoever named it', () => {
    for (const flags of [['--status'], ['--run'], ['--status', '--store', folder]])
      expect(check(flags, folder)).toThrow(`${folder} is a folder; the store must be a file in it`);
  });
});
