/**
 * Simulated phones for tests of the built program on the real chain. They live
 * in the test's own process, so that a fault is set and a ledger read without
 * a wait; everything between them and the program is the real thing.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SimulatedPhone, startSimulatedPhone } from '../../src/devices/simulated/simulated-phone.ts';
import type { Chain } from '../phone/chain.ts';
import { newWorld, type World } from './world.ts';

export interface Rack {
  readonly world: World;
  readonly phones: readonly SimulatedPhone[];
  /** All posts of all phones. */
  posts(): readonly { readonly phone: string; readonly account: string; readonly sha256: string; readonly caption: string }[];
}

/**
 * One phone for each list of accounts, named phone-1 and so on, and a home that knows them.
 *
 * @param more lines of scheduler.yaml
 * @param chain whose Appium and adb server the home uses, as if somebody else ran them
 */
export async function openRack(accountsOf: readonly (readonly string[])[], more: readonly string[] = [], chain?: Chain): Promise<Rack> {
  const world = await newWorld(chain?.adbPort);
  const phones: SimulatedPhone[] = [];
  for (const [index, accounts] of accountsOf.entries()) {
    const name = `phone-${index + 1}`;
    const phone = await startSimulatedPhone({ name, accounts, folder: join(world.folder, name), uploadMs: 100 });
    world.hosts(() => phone.stop());
    phones.push(phone);
  }
  mkdirSync(world.home, { recursive: true });
  const accounts = accountsOf.flatMap((names, index) => names.map((name) => `  - {name: ${name}, device: phone-${index + 1}}`));
  const lines = [
    'timezone: UTC',
    'defaults: {app: demo, posts_per_day: 50, delay_between_posts: 0}',
    'retry: {initial_delay: 0.2s, jitter: 0}',
    'passes: {delay: 0.2s}',
    // No look comes within a test that does not ask for it: what a post became is judged by the phones' ledgers.
    ...(more.some((line) => line.startsWith('verify:')) ? [] : ['verify: {settle: 20m, gaps: [20m]}']),
    chain === undefined ? `appium: {base_port: ${world.appiumPort}, retry_every: 0.2s}` : `appium: {url: "${chain.appiumUrl}"}`,
    'accounts:',
    ...accounts,
    'devices:',
    '  usb: false',
    '  simulated:',
    ...phones.map((phone) => `    - {name: ${phone.name}, address: "${phone.adbAddress}"}`),
    ...more,
  ];
  writeFileSync(join(world.home, 'scheduler.yaml'), `${lines.join('\n')}\n`);
  return {
    world,
    phones,
    posts: () =>
      phones.flatMap((phone) => phone.ledger().map(({ account, sha256, caption }) => ({ phone: phone.name, account, sha256, caption }))),
  };
}
