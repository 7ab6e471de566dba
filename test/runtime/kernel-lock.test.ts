// Guards promise 3: the right to act in a home has one holder at a time, for as long as that one lives and no longer.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { takeKernelLock } from '../../src/runtime/kernel-lock.ts';
import { Child } from '../support/children.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'kernel-lock-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test('has one holder, also within a process', () => {
  const path = join(home, 'guard.db');
  const first = takeKernelLock(path);
  expect(takeKernelLock(path)).toBeNull();
  first?.release();
  first?.release();
  const second = takeKernelLock(path);
  expect(second).not.toBeNull();
  second?.release();
  expect(existsSync(path)).toBe(true);
});

test('survives the garbage collector when nobody keeps a reference', async () => {
  const path = join(home, 'guard.db');
  const module = new URL('../../src/runtime/kernel-lock.ts', import.meta.url).pathname;
  const script = `
    import { setImmediate } from 'node:timers/promises';
    import { takeKernelLock } from ${JSON.stringify(module)};
    takeKernelLock(${JSON.stringify(path)});
    for (let i = 0; i < 20; i += 1) { gc(); await setImmediate(); }
    console.log('COLLECTED');
    process.stdin.resume();`;
  const child = new Child(process.execPath, ['--expose-gc', '--input-type=module', '-e', script]);
  onTestFinished(() => child.kill());
  await child.says('COLLECTED');
  expect(takeKernelLock(path)).toBeNull();
});

test('a folder that is not there is an error, not a free home', () => {
  expect(() => takeKernelLock(join(home, 'missing', 'guard.db'))).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
});

test('a damaged file is named with the way out, and takes nothing from its holder', () => {
  const path = join(home, 'guard.db');
  const first = takeKernelLock(path);
  writeFileSync(path, 'garbage');
  expect(takeKernelLock(path)).toBeNull();
  first?.release();
  const damaged = {
    code: 'LOCK_DAMAGED',
    message: expect.stringContaining(path),
    next: expect.stringMatching(/end every scheduler .* remove it/),
  };
  expect(() => takeKernelLock(path)).toThrow(expect.objectContaining(damaged));
  rmSync(path);
  expect(takeKernelLock(path)).not.toBeNull();
});
