/** Guards the promise that two `npm run demo` or `npm test` at once do not break each other: one installs, the other waits. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const LOCK = pathToFileURL(join(import.meta.dirname, '..', '..', 'scripts', 'bootstrap', 'folder-lock.mjs')).href;

/** Takes the lock, writes in and out around a moment inside, and gives it back; `crash` leaves without giving back. */
const PROGRAM = `
  import { appendFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { takeFolderLock } from '${LOCK}';
  const [folder, log, how] = process.argv.slice(1);
  const release = await takeFolderLock(folder);
  appendFileSync(log, 'in ' + process.pid + '\\n');
  if (how === 'crash') process.kill(process.pid, 'SIGKILL');
  await sleep(20);
  appendFileSync(log, 'out ' + process.pid + '\\n');
  release();
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const args = (how: string) => ['--input-type=module', '-e', PROGRAM, join(folder, 'lock'), join(folder, 'log'), how];

async function contend(count: number): Promise<string[]> {
  const children = Array.from({ length: count }, () => spawn(process.execPath, args('stay'), { stdio: ['ignore', 'ignore', 'inherit'] }));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  expect(codes).toEqual(codes.map(() => 0));
  return readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
}

function expectTurns(lines: readonly string[]): void {
  for (let index = 0; index < lines.length; index += 2) {
    expect(lines[index + 1]).toBe(lines[index]?.replace('in', 'out'));
  }
}

it('lets six contenders in one after the other, and leaves nothing behind', async () => {
  const lines = await contend(6);
  expect(lines).toHaveLength(12);
  expectTurns(lines);
  expect(existsSync(join(folder, 'lock'))).toBe(false);
});

it('replaces a holder that was killed, for one successor at a time', async () => {
  expect(spawnSync(process.execPath, args('crash')).signal).toBe('SIGKILL');
  expect(existsSync(join(folder, 'lock'))).toBe(true);
  rmSync(join(folder, 'log'));
  expectTurns(await contend(4));
});

it('does not take a holder for dead, nor a reused pid for the holder', async () => {
  mkdirSync(join(folder, 'lock'));
  // This pid lives, but it is not the process that took the lock.
  writeFileSync(join(folder, 'lock', `owner-${process.pid}-1`), '');
  expectTurns(await contend(1));
});
