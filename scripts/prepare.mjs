// npm's `prepare`: builds `dist` after an install that brought the compiler.
//
// An install without it (`--omit=dev`) has nothing to build, and an install must
// not fail over a type error of a checkout in the middle of work: that is said
// here and stops `npm test` and `npm run build` (`--strict`), not `npm ci`.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const strict = process.argv.includes('--strict');

try {
  const { build, compilerOf, isBuilt } = await import('./bootstrap/build.mjs');
  let problem = null;
  if (compilerOf(root) === null) problem = strict ? 'TypeScript is not installed: run `npm ci`' : null;
  else if (!isBuilt(root)) problem = build(root);
  if (problem !== null) {
    process.stderr.write(`posting-scheduler was not built:\n${problem}\n`);
    if (strict) process.exitCode = 1;
  }
} catch (error) {
  process.stderr.write(`posting-scheduler was not built: ${error.message}\n`);
  if (strict) process.exitCode = 1;
}
