/** The program as others get it: packed by npm, unpacked into a folder, with this tree's dependencies beside it. */
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../process/world.ts';

/** `dist` must be built. @returns the unpacked folder, and the paths in the package */
export function unpackProgram(folder: string): { readonly program: string; readonly files: readonly string[] } {
  const npm = (...args: readonly string[]) =>
    execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const [packed] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder)) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  execFileSync('tar', ['xzf', join(folder, packed.filename), '-C', folder]);
  const program = join(folder, 'package');
  symlinkSync(join(ROOT, 'node_modules'), join(program, 'node_modules'));
  return { program, files: packed.files.map(({ path }) => path) };
}
