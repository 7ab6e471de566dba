/** Guards promise 1 across users: whoever works on this host sees which phone is in use. */
import { globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { HostGuards } from '../../src/runtime/host-guards.ts';

it('opens the guard of a phone to all users, whatever the umask was', () => {
  const parent = mkdtempSync(join(tmpdir(), 'guards-'));
  const folder = join(parent, 'shared');
  const guards = new HostGuards(folder, { home: '/home/a', pid: 1 });
  try {
    expect(guards.take('phone-1')).toBeNull();
    const [database] = globSync(join(folder, '*.db'));
    expect(statSync(database as string).mode & 0o777).toBe(0o666);
    expect(statSync(folder).mode & 0o1777).toBe(0o1777);
  } finally {
    guards.releaseAll();
    rmSync(parent, { recursive: true });
  }
});
