/**
 * APPIUM_HOME: the folder in which Appium looks for its drivers and writes its
 * cache. Appium refuses one that it cannot write to, and a service's program
 * folder is read-only; then a small folder in the scheduler's home stands in
 * for it, whose `node_modules` points at the installed packages.
 */
import { accessSync, constants, mkdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SchedulerError } from '../errors.ts';

const PACKAGES = ['appium', 'appium-uiautomator2-driver'] as const;

export interface AppiumHomeRequest {
  /** The program's own folder. */
  readonly root: string;
  /** The scheduler's home; always writable. */
  readonly home: string;
  /** Finds an installed package; the program's own way by default. */
  readonly resolve?: (path: string) => string;
}

/**
 * The program's folder where that can be written to and holds the driver itself, else a stand-in.
 *
 * @throws SchedulerError APPIUM_NOT_FOUND when a package is not installed
 */
export function appiumHome({ root, home, resolve = createRequire(import.meta.url).resolve }: AppiumHomeRequest): string {
  if (PACKAGES.every((name) => isWritable(join(root, 'node_modules', name))) && isWritable(root)) return root;
  const folder = join(home, '.appium');
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  const dependencies: Record<string, string> = {};
  for (const name of PACKAGES) {
    pointTo(join(folder, 'node_modules', name), installed(name, resolve));
    dependencies[name] = '*';
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name: 'appium-home', private: true, dependencies }, null, 2)}\n`);
  return folder;
}

function installed(name: string, resolve: (path: string) => string): string {
  try {
    return dirname(resolve(`${name}/package.json`));
  } catch (error) {
    throw new SchedulerError('APPIUM_NOT_FOUND', { cause: error, details: { text: `there is no package ${name}` } });
  }
}

/** Without touching a link that is right already: another life may be reading it. */
function pointTo(link: string, target: string): void {
  try {
    if (readlinkSync(link) === target) return;
  } catch {
    // There is none yet.
  }
  rmSync(link, { recursive: true, force: true });
  // A junction needs no administrator on Windows; elsewhere the type says nothing.
  symlinkSync(target, link, 'junction');
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
