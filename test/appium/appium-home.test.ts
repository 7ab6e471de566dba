/** Guards promise 7 of the service: Appium finds its driver, and room to write, wherever the program was installed. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { appiumHome } from '../../src/appium/appium-home.ts';

let folder: string;
let root: string;
let home: string;
const DRIVER = 'appium-uiautomator2-driver';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'appium-home-'));
  root = join(folder, 'program');
  home = join(folder, 'home');
  for (const name of ['appium', DRIVER]) mkdirSync(join(root, 'node_modules', name), { recursive: true });
  mkdirSync(home);
});
afterEach(() => {
  chmodSync(root, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

it('is the program folder where that holds the driver and can be written to', () => {
  expect(appiumHome({ root, home })).toBe(root);
  expect(existsSync(join(home, '.appium'))).toBe(false);
});

it('is a stand-in in the home where the packages lie elsewhere, the same at every start', () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  const first = appiumHome({ root, home });
  expect(first).toBe(join(home, '.appium'));
  const link = join(first, 'node_modules', DRIVER);
  expect(existsSync(join(link, 'package.json'))).toBe(true);
  expect(JSON.parse(readFileSync(join(first, 'package.json'), 'utf8')).dependencies).toEqual({ appium: '*', [DRIVER]: '*' });
  const before = statSync(link).ino;
  expect(appiumHome({ root, home })).toBe(first);
  expect(statSync(link).ino).toBe(before);
});

it('points anew after the program was moved', () => {
  const at = (version: string) => ({ root: join(folder, 'nowhere'), home, resolve: (path: string) => join(folder, version, path) });
  appiumHome(at('old'));
  const moved = appiumHome(at('new'));
  expect(readlinkSync(join(moved, 'node_modules', 'appium'))).toBe(join(folder, 'new', 'appium'));
});

it('says so when a package is missing', () => {
  const resolve = () => {
    throw new Error('not found');
  };
  expect(() => appiumHome({ root: join(folder, 'nowhere'), home, resolve })).toThrow(/not installed: there is no package appium/);
});
