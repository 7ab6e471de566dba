/**
 * What of a configuration cannot work, seen without a start and without a phone:
 * apps that have no flow, phones that it names nowhere. Part of compose.ts, and
 * as free to name concrete classes.
 */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { lookFirst } from './cli/first-look.ts';
import type { Options } from './cli/options.ts';
import type { Terminal } from './cli/terminal.ts';
import { accountPolicy, accountPublisher, type Config } from './config.ts';
import { badConfig } from './config-file.ts';
import { flowsIn, troubleOf } from './flows/load-flow.ts';

interface Trouble {
  readonly what: string;
  /** scheduler.yaml says so; otherwise it is a default that nobody chose. */
  readonly written: boolean;
}

/** One sentence for each app and phone by which one of these accounts would wait. @param root the program's own folder */
export function setupTroubles(config: Config, root: string, names: readonly string[]): readonly Trouble[] {
  const folders = [join(config.home, 'flows'), join(root, 'flows')];
  const flows = flowsIn(folders);
  const troubles = new Map<string, Trouble>();
  for (const name of names) {
    if (accountPublisher(config, name).kind !== 'appium') continue;
    const { app, device } = accountPolicy(config, name);
    const wrongApp = troubleOf(() => flows(app));
    const written = app !== config.defaults.app || config.said['defaults.app'] !== undefined;
    if (wrongApp !== null) troubles.set(app, { what: `${wrongApp} (there is one for ${appsIn(folders).join(', ')})`, written });
    if (device !== null && !mayBeThere(device, config))
      troubles.set(`${name} ${device}`, { what: noSuchPhone(name, device, config), written: true });
  }
  return [...troubles.values()];
}

/** Before anything is created: what is wrong with the order, and what the videos would wait for. @throws what lookFirst throws, BAD_CONFIG */
export async function lookAtOrder(config: Config, root: string, options: Options, terminal: Pick<Terminal, 'write'>): Promise<void> {
  const { add } = options;
  await lookFirst(options, existsSync(config.store) ? null : config.accounts.map(({ name }) => name));
  const named = [...add.accounts, ...(add.boundTo === null ? [] : [add.boundTo])];
  const ofTheFile = add.folders.length === 0 ? [] : config.accounts.map(({ name }) => name);
  const troubles = setupTroubles(config, root, named.length > 0 ? named : ofTheFile);
  const written = troubles.find((trouble) => trouble.written);
  if (written !== undefined) throw badConfig(basename(config.file ?? 'scheduler.yaml'), written.what);
  for (const { what } of troubles) terminal.write(`WARNING: ${what}; until then nothing is posted.\n`);
}

function appsIn(folders: readonly string[]): readonly string[] {
  const files = folders.flatMap((folder) => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  });
  return [...new Set(files.filter((file) => file.endsWith('.yaml')).map((file) => basename(file, '.yaml')))].sort();
}

/** A phone on USB is known by its serial, which nobody can judge from here. */
function mayBeThere(device: string, { devices }: Config): boolean {
  const isNamed = [...devices.network, ...devices.simulated].some(({ name, address }) => name === device || address === device);
  return isNamed || (devices.usb && !device.includes(':'));
}

function noSuchPhone(account: string, device: string, { devices }: Config): string {
  const names = [...devices.network, ...devices.simulated].map(({ name }) => name);
  const there = names.length === 0 ? 'it names none' : `it names ${names.join(', ')}`;
  const usb = devices.usb ? '' : ', and phones on USB are switched off';
  return `the phone "${device}" of ${account} is not among its devices (${there}${usb})`;
}
