/**
 * When is Appium restarted? Counts failed checks and answers what to do. Pure:
 * the checks and the restart are the guard's.
 */

export interface AppiumLimits {
  readonly failuresBeforeRestart: number;
  /** Pause between two failed checks. */
  readonly retryEveryMs: number;
  /** The longest pause before a restart. */
  readonly restartPauseMs: number;
}

export interface AppiumHealthState {
  /** Failed checks in a row. */
  readonly failures: number;
  /** Restarts since it was last sound. */
  readonly restarts: number;
  readonly healthySinceMs: number | null;
}

export const HEALTHY: AppiumHealthState = { failures: 0, restarts: 0, healthySinceMs: null };

export interface Observation {
  readonly state: AppiumHealthState;
  /** go: use it. wait: wait `waitMs` and check again. restart: wait `waitMs`, then restart. */
  readonly action: 'go' | 'wait' | 'restart';
  readonly waitMs: number;
  /** What the log says, in the seeds' words. */
  readonly lines: readonly string[];
}

const FIRST_PAUSE_MS = 1_000;
/** Health that lasted this long ends the back-off. */
const SOUND_AFTER_MS = 60_000;

/**
 * One more check. A server that is `gone` is restarted at once, one that only fails after `failuresBeforeRestart`
 * checks; the first restart without a pause, later ones after 1 s, 2 s, 4 s … up to `restartPauseMs`.
 *
 * @param now epoch milliseconds
 */
export function observe(
  state: AppiumHealthState,
  health: { readonly healthy: boolean; readonly gone: boolean },
  now: number,
  limits: AppiumLimits,
): Observation {
  if (health.healthy) return { state: recovered(state, now), action: 'go', waitMs: 0, lines: [] };
  const failures = state.failures + 1;
  const failed = `[APPIUM] Health check failed (${failures}/${limits.failuresBeforeRestart})`;
  if (!health.gone && failures < limits.failuresBeforeRestart) {
    return { state: { ...state, failures, healthySinceMs: null }, action: 'wait', waitMs: limits.retryEveryMs, lines: [failed] };
  }
  const { restarts } = state;
  return {
    state: { failures: 0, restarts: restarts + 1, healthySinceMs: null },
    action: 'restart',
    waitMs: restarts === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (restarts - 1), limits.restartPauseMs),
    lines: [failed, '[APPIUM] Attempting auto-restart...'],
  };
}

function recovered(state: AppiumHealthState, now: number): AppiumHealthState {
  const healthySinceMs = state.healthySinceMs ?? now;
  return { failures: 0, restarts: now - healthySinceMs >= SOUND_AFTER_MS ? 0 : state.restarts, healthySinceMs };
}
