/**
 * A configuration that can be read again while the scheduler runs. Accounts,
 * their policies and the retry policy follow the file at once; what was wired at
 * the start (phones, Appium, publishers, workers) needs a new start, and is
 * named. A file that is wrong changes nothing.
 */
import type { Config } from './config.ts';

export interface LiveConfig {
  /** Always the newest; what follows the file must be read from it anew each time. */
  readonly config: Config;
  /** Answers the settings that changed but need a new start. @throws SchedulerError BAD_CONFIG */
  reload(): Promise<readonly string[]>;
}

const FOLLOWING = ['accounts', 'defaults'] as const satisfies readonly (keyof Config)[];
/** Says where values came from; nothing by itself. */
const NOTES: readonly (keyof Config)[] = ['said', 'file'];

export function liveConfig(first: Config, read: () => Promise<Config>): LiveConfig {
  let current = first;
  const following = FOLLOWING.map((key) => [key, { enumerable: true, get: () => current[key] }] as const);
  const config = Object.defineProperties({ ...first }, Object.fromEntries(following)) as Config;
  return {
    config,
    reload: async () => {
      const next = await read();
      const wired = (Object.keys(first) as (keyof Config)[]).filter(
        (key) => !NOTES.includes(key) && !(FOLLOWING as readonly string[]).includes(key),
      );
      const changed: string[] = wired.filter((key) => JSON.stringify(first[key]) !== JSON.stringify(next[key]));
      if (publishersOf(next) !== publishersOf(first)) changed.push('accounts: publisher');
      current = next;
      return changed;
    },
  };
}

function publishersOf({ accounts }: Config): string {
  return JSON.stringify(accounts.flatMap(({ name, publisher }) => (publisher === null ? [] : [[name, publisher]])));
}
