/** Wires what the service manager is told (systemd). Part of compose.ts, and as free to name concrete classes. */
import type { Clock } from './runtime/clock.ts';
import { environment } from './runtime/environment.ts';
import type { Logger } from './runtime/logger.ts';
import { type Supervisor, serviceManager } from './runtime/service-notify.ts';
import type { AppiumGuard } from './scheduler/appium-guard.ts';
import type { Part } from './scheduler/house.ts';
import type { LiveBoard } from './scheduler/live-board.ts';
import type { Progress } from './scheduler/progress.ts';
import { serviceReporter } from './scheduler/service-reporter.ts';
import { statusLine } from './scheduler/status-line.ts';
import type { JobCounts, Store } from './stores/store.ts';

const HELD_ANEW_MS = 30_000;

export interface ServiceParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: Progress;
  readonly edges: { readonly guard: AppiumGuard; readonly publishers: { readonly needAppium: boolean } };
  readonly board: LiveBoard;
  readonly pause: { readonly reason: string | null };
  readonly stop: AbortSignal;
  /** Absent = whoever the environment names; null = nobody. */
  readonly manager?: Supervisor | null | undefined;
}

export function composeReporter({ edges, board, pause, manager = serviceManager(environment(), process.pid), ...own }: ServiceParts): Part {
  const { guard, publishers } = edges;
  const { store } = own;
  const held = heldAccounts(own);
  return serviceReporter({
    ...{ ...own, manager },
    firstCheck: (stop) => (publishers.needAppium ? guard.firstCheck(stop) : Promise.resolve()),
    line: async () => {
      const counts = await store.counts();
      return statusLine({
        ...{ counts, paused: pause.reason, working: board.working(), looks: board.looks().length, held: await held(counts) },
        appium: publishers.needAppium ? guard.status().problem : null,
      });
    },
  });
}

/** Accounts on hold, counted anew when jobs have changed, or now and then: to judge every account for each line costs more than the line. */
function heldAccounts({ store, clock }: Pick<ServiceParts, 'store' | 'clock'>): (counts: JobCounts) => Promise<number> {
  let known = { held: 0, of: '', atMs: Number.NEGATIVE_INFINITY };
  return async (counts) => {
    const of = JSON.stringify(counts);
    const atMs = clock.monotonic();
    if (of !== known.of || atMs - known.atMs >= HELD_ANEW_MS) {
      const held = (await store.accounts(clock.now())).filter(({ state }) => state === 'hold').length;
      known = { held, of, atMs };
    }
    return known.held;
  };
}
