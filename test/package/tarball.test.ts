/** Guards promise 7: what is published to others holds exactly what runs, and runs from wherever it lies. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newWorld } from '../process/world.ts';
import { unpackProgram } from './packed.ts';

const root = join(import.meta.dirname, '..', '..');
let folder: string;
let program: string;
let files: readonly string[];

beforeAll(async () => {
  // Builds `dist` of the sources as they are now.
  await newWorld();
  folder = mkdtempSync(join(tmpdir(), 'tarball-'));
  ({ program, files } = unpackProgram(folder));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: readonly string[]) {
  return spawnSync(process.execPath, [join(program, 'bin', 'scheduler.js'), ...args], { cwd: folder, encoding: 'utf8' });
}

describe('the tarball', () => {
  it('holds the program and its pages, and nothing else', () => {
    const allowed = /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|(?:bin|dist|flows|service|docs)\/.+)$/;
    expect(files.filter((path) => !allowed.test(path))).toEqual([]);
    expect(files.filter((path) => /(?:\.test\.|\.mp4$|\.db$|\.log$|\.jsonl$|^dist\/.*[^d]\.ts$)/.test(path))).toEqual([]);
  });

  it('holds every file that the program needs beside its code', () => {
    const needed = [
      'bin/scheduler.js',
      'bin/scheduler-phone.js',
      'dist/main.js',
      'flows/demo.yaml',
      'flows/flow.schema.json',
      'docs/operations.md',
    ];
    const service = [
      'service/systemd/posting-scheduler.service',
      'service/systemd/posting-scheduler.user.service',
      'service/windows/install.ps1',
    ];
    for (const path of [...needed, ...service]) expect(files).toContain(path);
  });

  it('names no host and asks for no script of ours at an install', () => {
    const text = readFileSync(join(program, 'package.json'), 'utf8');
    expect(text).not.toMatch(/https?:\/\//);
    const { scripts } = JSON.parse(text) as { readonly scripts: Record<string, string> };
    expect(Object.keys(scripts)).not.toEqual(expect.arrayContaining(['postinstall', 'install', 'preinstall']));
  });
});

describe('unpacked', () => {
  it('says how it is used', () => {
    const { status, stdout, stderr } = run('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const flag of ['--add-folder', '--install-service', '--doctor', '--backup', '--logs', '--edit']) expect(stdout).toContain(flag);
  });

  it('looks at an empty home without making one', () => {
    const home = join(folder, 'empty');
    expect(run('--home', home, '--status').status).toBe(0);
    expect(existsSync(home)).toBe(false);
  });

  it('publishes by a publisher of its own, and examines itself', () => {
    const home = mkdtempSync(join(folder, 'home-'));
    const module = join(root, 'test', 'publishers', 'modules', 'mine.mjs');
    execFileSync('sh', ['-c', 'cat > "$0"', join(home, 'scheduler.yaml')], { input: `timezone: UTC\npublisher: {module: ${module}}\n` });
    const ran = run(
      '--home',
      home,
      '--add-folder',
      join(root, 'test', 'fixtures', 'videos'),
      '--add-accounts',
      'alice',
      '--run',
      '--drain',
    );
    expect(ran.stdout).toContain('Published 1');
    const examined = run('--home', home, '--doctor', '--json');
    const { findings } = JSON.parse(examined.stdout) as { readonly findings: readonly { readonly what: string; readonly state: string }[] };
    expect(findings.filter(({ state }) => state === 'bad')).toEqual([]);
    expect(examined.status).toBe(0);
  });
});
