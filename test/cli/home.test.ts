/** Guards design section 9: the home is where it was said to be, and a look creates nothing. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HomeQuestion, resolveHome } from '../../src/cli/home.ts';

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
