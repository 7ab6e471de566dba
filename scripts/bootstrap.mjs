// `npm run demo` and `npm test` begin here: install what is missing, then run
// the program asked for under Node 24. It runs under bare Node 20, so it uses
// nothing but Node itself, and it must not know what the programs do.
//
// Two started at once take turns at installing; the second finds it done.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { takeFolderLock } from './bootstrap/folder-lock.mjs';
import { ensureReady, Missing } from './bootstrap/install.mjs';

// The tests build for themselves: there it is a stage that can fail like any other.
// Two rehearsals at once would share one home and its phones, so the second waits.
const PROGRAMS = {
  demo: { script: 'scripts/demo.ts', built: true, alone: true },
  test: { script: 'scripts/test.ts', built: false, alone: false },
  chaos: { script: 'scripts/chaos.ts', built: true, alone: false },
  simulate: { script: 'scripts/simulate.ts', built: false, alone: false },
};
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, '.bootstrap');

/** Runs the program with our terminal; signals and exit code go through unchanged. */
async function run(node, script, args) {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  const child = spawn(node, [join(root, script), ...args], { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: path } });
  // A terminal sends Ctrl-C to the child itself; passing it on would make two, and two mean "at once".
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve) => {
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

const [name, ...args] = process.argv.slice(2);
const program = PROGRAMS[name];
if (!program) {
  process.stderr.write(`usage: node scripts/bootstrap.mjs ${Object.keys(PROGRAMS).join('|')}\n`);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const release = await takeFolderLock(join(folder, 'lock'), (pid) =>
  process.stderr.write(`waiting for PID ${pid}, which is installing …\n`),
);
let node;
try {
  node = await ensureReady(root, folder, program.built);
} catch (error) {
  if (!(error instanceof Missing)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
} finally {
  release();
}
if (node) {
  const waiting = (pid) => process.stderr.write(`waiting for PID ${pid}, which is running the ${name} …\n`);
  const done = program.alone ? await takeFolderLock(join(folder, `${name}.lock`), waiting) : () => {};
  process.exitCode = await run(node, program.script, args);
  done();
}
