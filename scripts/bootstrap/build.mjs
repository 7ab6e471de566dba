// Builds `dist` out of `src`, when `src` is newer.
//
// tsc writes into a folder beside it which then takes its place, so that files
// of removed sources do not linger and a running program sees one or the other.
// Runs under bare Node 20 (the compiler is a native program).
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** True when `dist` holds the outcome of the present sources. */
export function isBuilt(root) {
  const stamp = join(root, 'dist', '.built');
  if (!existsSync(stamp)) return false;
  const builtMs = statSync(stamp).mtimeMs;
  const configs = ['tsconfig.json', 'tsconfig.build.json'].map((name) => join(root, name));
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true }).map((entry) =>
    join(entry.parentPath ?? entry.path, entry.name),
  );
  return [...configs, join(root, 'src'), ...sources].every((path) => statSync(path).mtimeMs <= builtMs);
}

/** The compiler, or null where only the program's own dependencies are installed. */
export function compilerOf(root) {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  return existsSync(compiler) ? compiler : null;
}

/**
 * @returns {string | null} null when it was built, else what the compiler said
 */
export function build(root) {
  const startedMs = Date.now();
  const fresh = join(root, `dist.new.${process.pid}`);
  const old = join(root, `dist.old.${process.pid}`);
  try {
    const run = spawnSync(process.execPath, [compilerOf(root) ?? '', '-p', 'tsconfig.build.json', '--outDir', fresh], {
      cwd: root,
      encoding: 'utf8',
    });
    if (run.status !== 0) return `${run.error?.message ?? ''}${run.stdout}${run.stderr}`.trim();
    // A file that changed while it was compiled is newer than the stamp, and so is built again next time.
    writeFileSync(join(fresh, '.built'), `${new Date(startedMs).toISOString()}\n`);
    utimesSync(join(fresh, '.built'), startedMs / 1000, startedMs / 1000);
    if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
    renameSync(fresh, join(root, 'dist'));
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}
