/** Wires what a person can switch in a running scheduler: pauses, reload. Part of compose.ts, and as free to name concrete classes. */

import { setupTroubles } from './compose-setup.ts';
import { accountPolicy } from './config.ts';
import type { LiveConfig } from './config-live.ts';
import type { Clock } from './runtime/clock.ts';
import { environment } from './runtime/environment.ts';
import type { Logger } from './runtime/logger.ts';
import type { DaemonSwitches } from './scheduler/desk.ts';
import { BY_PERSON, PAUSED, type Pause } from './scheduler/pause.ts';
import { pausedPhones } from './scheduler/pausing.ts';
import type { Rests } from './scheduler/rests.ts';
import { applyRoster } from './scheduler/roster.ts';
import type { Unsettled } from './scheduler/unsettled.ts';
import type { Wake } from './scheduler/wake.ts';
import type { Store } from './stores/store.ts';

export interface SwitchesParts {
  readonly live: LiveConfig;
  /** The program's own folder. */
  readonly root: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly pause: Pause;
  readonly rests: Rests;
  readonly wake: Wake;
  /** What rests because it failed gets another chance. */
  readonly breakers: { reset(): Promise<void> };
  /** What `--status` reads. Never throws. */
  readonly board: { write(): Promise<void> };
  readonly phones: { list(): readonly { readonly id: string }[] };
  readonly unsettled: Pick<Unsettled, 'has'>;
  readonly stop: () => void;
}

export function composeSwitches(parts: SwitchesParts): Required<DaemonSwitches> {
  const { store, pause, rests, wake, breakers, board, phones, unsettled, stop } = parts;
  const phonesPaused = async () => {
    rests.pause(await pausedPhones(store));
    wake.notify();
  };
  return {
    stop,
    // Answered only when it is recorded: whoever was told "Paused" relies on it, whatever happens to this process next.
    pause: async () => {
      pause.begin(BY_PERSON);
      await store.setValue(PAUSED, true);
    },
    resume: async () => {
      await store.setValue(PAUSED, false);
      await breakers.reset();
      pause.end();
      await board.write();
    },
    publishing: (job) => unsettled.has(job, 0),
    phones: () => phones.list().map(({ id }) => id),
    phonesPaused,
    reload: () => reload(parts),
  };
}

/** Brings back the pauses that a person ordered in an earlier life. */
export async function restorePauses({ store, pause, rests }: Pick<SwitchesParts, 'store' | 'pause' | 'rests'>): Promise<void> {
  if ((await store.value(PAUSED)) === true) pause.begin(BY_PERSON);
  rests.pause(await pausedPhones(store));
}

/** Under a service manager SIGHUP means: read the configuration again. On a terminal it means that the terminal was closed. */
export function hangupReloads(reloadNow: () => Promise<string>, logger: Logger): (() => void) | undefined {
  if (environment().NOTIFY_SOCKET === undefined) return undefined;
  return () =>
    void reloadNow().catch((err: unknown) => logger.error({ err }, 'The configuration could not be read again; the former one stays'));
}

async function reload({ live, root, store, clock, logger, wake }: SwitchesParts): Promise<string> {
  const changed = await live.reload();
  const { config } = live;
  const named = config.accounts.map(({ name }) => name);
  await applyRoster({ store, nowMs: clock.now(), named, policyOf: (name) => accountPolicy(config, name) });
  wake.notify();
  const later = changed.length === 0 ? '' : ` These need a new start: ${changed.join(', ')}.`;
  const text = `Read ${config.file ?? 'no scheduler.yaml (there is none)'} again: ${named.length} account${named.length === 1 ? '' : 's'} named.${later}`;
  logger.info({ needNewStart: changed }, text);
  const troubles = setupTroubles(config, root, named).map(({ what }) => `\nWARNING: ${what}; until then it posts nothing.`);
  return `${text}${troubles.join('')}`;
}
