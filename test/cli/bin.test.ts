/** Guards design section 9, exit code 2: too old a Node gets one line that says what to do, never a crash inside a native package. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let program: string;
beforeEach(() => {
  program = mkdtempSync(join(tmpdir(), 'bin-'));
  mkdirSync(join(program, 'bin'));
  mkdirSync(join(program, 'dist'));
  cpSync(join(import.meta.dirname, '..', '..', 'bin', 'scheduler.js'), join(program, 'bin', 'scheduler.js'));
  writeFileSync(join(program, 'package.json'), '{"type": "module"}');
  writeFileSync(join(program, 'dist', 'main.js'), 'process.stdout.write("main was loaded\\n"); process.exitCode = 7;\n');
});
afterEach(() => rmSync(program, { recursive: true }));

/** Runs the bin with a Node that says it is of `version`. */
function start(version: string) {
  const pretend = join(program, 'pretend.cjs');
  writeFileSync(pretend, `Object.defineProperty(process.versions, 'node', { value: '${version}' });`);
  return spawnSync(process.execPath, ['--require', pretend, join(program, 'bin', 'scheduler.js')], { encoding: 'utf8', timeout: 20_000 });
}

describe('bin/scheduler.js', () => {
  it.each(['20.20.2', '22.23.4', '24.10.9'])('says to Node %s what to do, and loads nothing', (version) => {
    const { status, stdout, stderr } = start(version);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(
      new RegExp(`^scheduler needs Node 24\\.11 or newer, this is ${version.replaceAll('.', '\\.')}: install it .+\\n$`),
    );
  });

  it.each(['24.11.0', '25.0.0'])('goes on with Node %s, and leaves the exit code to main', (version) => {
    expect(start(version)).toMatchObject({ status: 7, stdout: 'main was loaded\n', stderr: '' });
  });
});
