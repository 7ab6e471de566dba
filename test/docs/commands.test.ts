/** Guards promise 7: every command in the docs is one, and the way from nothing to the first post really leads there. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseArgv } from '../../src/cli/options.ts';
import { freePort, newWorld } from '../process/world.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (page: string) => readFileSync(join(root, page), 'utf8');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => join('docs', name))].filter((name) => name.endsWith('.md'));

/** `scheduler …` in boxes and in backticks, without comments, words of a shell, and what follows a pipe. */
function commandsOf(page: string): readonly string[] {
  const text = read(page);
  const boxes = [...text.matchAll(/```(?:bash)?\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').split('\n'));
  const inline = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  const commands = [...boxes, ...inline].map((line) => line.replace(/^sudo /, '').replace(/\s+#.*$/, ''));
  return commands.filter((line) => /^scheduler --/.test(line)).map((line) => line.split(/ [|>] /)[0]?.trim() ?? '');
}

/** As a shell splits it; only single quotes are used in the docs. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '').slice(1);
}

const commands = pages.flatMap((page) => [...new Set(commandsOf(page))].map((command) => [page, command] as const));

it('there are commands to look at', () => {
  expect(commands.length).toBeGreaterThan(30);
});

it.each(commands)('%s: %s', (_page, command) => {
  expect(() => parseArgv(wordsOf(command), '0')).not.toThrow();
});

it('docs/getting-started.md leads to a published video', async () => {
  const world = await newWorld();
  const folder = mkdtempSync(join(tmpdir(), 'started-'));
  try {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    for (const name of ['scheduler', 'scheduler-phone']) {
      writeFileSync(join(bin, name), `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'bin', `${name}.js`)}" "$@"\n`);
      chmodSync(join(bin, name), 0o755);
    }
    cpSync(join(root, 'demo', 'videos'), join(folder, 'posting', 'videos'), { recursive: true });
    const boxes = [...read('docs/getting-started.md').matchAll(/```bash\n([\s\S]*?)```/g)].map((match) => match[1] ?? '');
    expect(boxes.length).toBeGreaterThanOrEqual(5);
    const script = boxes.join('\n').replaceAll('5600', String(await freePort()));
    const ended = `trap 'kill %1 2>/dev/null; wait' EXIT\nset -e\n${script}`;
    const env = { ...world.env, PATH: `${bin}:${world.env.PATH}` };
    const { status, stdout, stderr } = spawnSync('bash', ['-c', ended], { cwd: folder, env, encoding: 'utf8', timeout: 100_000 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Published 3');
    expect(stdout).toContain('already known');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
