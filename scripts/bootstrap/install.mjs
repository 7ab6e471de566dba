// Finds out what is missing for this checkout to run, and installs it:
// dependencies, Node 24 (it comes with them), adb, and the built program.
// Each step is skipped when nothing is to be done. Runs under bare Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { build, isBuilt } from './build.mjs';
import { quietRun } from './quiet-run.mjs';

/** What stops us, in one line that says what to do. */
export class Missing extends Error {}

const NODE_MINIMUM = [24, 11];
const SDK_FOLDERS = ['/usr/lib/android-sdk'];

/** True when node_modules holds exactly what package-lock.json asks for. */
function isInstalled(root) {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const found = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8')).packages;
    const same = Object.entries(found).every(([path, entry]) => wanted[path]?.version === entry.version);
    const complete = Object.entries(wanted).every(
      ([path, entry]) => path === '' || path in found || entry.optional || entry.devOptional || entry.peer,
    );
    return same && complete && existsSync(join(root, 'node_modules', '.bin', 'node'));
  } catch {
    return false;
  }
}

/** The Node that runs the program: the one that came with the dependencies, else this one if it is new enough. */
function programNode(root) {
  const bundled = join(root, 'node_modules', '.bin', 'node');
  for (const candidate of [bundled, process.execPath]) {
    const answer = spawnSync(candidate, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    const [major = 0, minor = 0] = (answer.stdout ?? '').split('.').map(Number);
    if (major > NODE_MINIMUM[0] || (major === NODE_MINIMUM[0] && minor >= NODE_MINIMUM[1])) return candidate;
  }
  return null;
}

/** Where adb is, or null. */
function findAdb(env = process.env) {
  const name = process.platform === 'win32' ? 'adb.exe' : 'adb';
  const sdks = [env.ANDROID_HOME, env.ANDROID_SDK_ROOT, ...SDK_FOLDERS].filter(Boolean).map((sdk) => join(sdk, 'platform-tools'));
  const folders = [...sdks, ...(env.PATH ?? '').split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

async function installDependencies(root, folder) {
  // The npm that runs this script, by this Node: no search in PATH, no shell.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('js') ? [process.execPath, [npm]] : ['npm', []];
  const log = join(folder, 'install.log');
  writeFileSync(log, '');
  const job = { title: 'installing dependencies (npm ci)', command, args: [...first, 'ci', '--include=dev'], log, cwd: root };
  if (!(await quietRun(job))) throw new Missing('the dependencies could not be installed; run: npm ci');
}

async function installAdb(folder) {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync('/usr/bin/apt-get')) {
    throw new Missing('adb is missing; install it, on Debian by: sudo apt-get install -y --no-install-recommends adb');
  }
  const log = join(folder, 'adb.log');
  writeFileSync(log, '');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const steps = [['update'], ['install', '-y', '--no-install-recommends', 'adb']];
  for (const args of steps) {
    const done = await quietRun({ title: `installing adb (apt-get ${args[0]})`, command: 'apt-get', args, log, cwd: folder, env });
    if (!done) throw new Missing('adb could not be installed; run: apt-get update && apt-get install -y --no-install-recommends adb');
  }
  if (findAdb() === null) throw new Missing('adb was installed but cannot be found; put its folder into PATH or set ANDROID_HOME');
}

/**
 * Brings the checkout to where the program runs.
 * @param {string} root the checkout
 * @param {string} folder where logs are kept
 * @param {boolean} built whether `dist` must be there as well
 * @returns {Promise<string>} the Node to run it with
 * @throws Missing with one line that says what to do
 */
export async function ensureReady(root, folder, built) {
  mkdirSync(folder, { recursive: true });
  if (!isInstalled(root)) await installDependencies(root, folder);
  const node = programNode(root);
  if (node === null)
    throw new Missing('Node 24.11 or newer is missing and its package did not install; run: npm rebuild node --foreground-scripts');
  if (findAdb() === null) await installAdb(folder);
  if (built && !isBuilt(root)) {
    const problem = build(root);
    if (problem !== null) throw new Missing(`the program could not be built; run: npm run build\n${problem}`);
  }
  return node;
}
