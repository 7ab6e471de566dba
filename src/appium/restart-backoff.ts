/**
 * How long to wait before Appium is started again. Pure.
 *
 * The figures were measured on crash loops of the real server: a single crash
 * costs no wait, a loop soon costs next to nothing. When to restart at all is
 * the guard's decision, not this file's.
 */

const BASE_MS = 1_000;
const CAP_MS = 60_000;
/** A server that stood this long was sound; what happened before it is forgotten. */
const SOUND_AFTER_MS = 60_000;

/**
 * How many starts in a row ended soon, this end included.
 *
 * @param before the count so far
 * @param readyForMs how long the server that just ended had been ready, milliseconds; null = it never was
 */
export function shortLives(before: number, readyForMs: number | null): number {
  return readyForMs !== null && readyForMs >= SOUND_AFTER_MS ? 0 : before + 1;
}

/**
 * Milliseconds to wait before the next start: 0 at first, then 1 s, doubled up to 60 s, each ±20 %.
 *
 * @param lives starts in a row that ended soon (`shortLives`)
 * @param fraction uniform in [0, 1)
 */
export function restartDelayMs(lives: number, fraction: number): number {
  if (lives <= 1) return 0;
  const full = Math.min(BASE_MS * 2 ** (lives - 2), CAP_MS);
  return Math.round(full * (0.8 + 0.4 * fraction));
}
