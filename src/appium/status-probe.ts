/**
 * One question to an Appium server: are you ready? It judges nothing else.
 *
 * An answer proves little: an orphan of an earlier life answers too. Whether
 * the listener is ours is asked elsewhere.
 */
import { get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { type Clock, LimitExceeded, withLimit } from '../runtime/clock.ts';

export interface StatusAnswer {
  readonly ready: boolean;
  /** Why not, in words; null when ready. */
  readonly problem: string | null;
  /** The port refuses: waiting for an answer is pointless. */
  readonly refused: boolean;
}

/**
 * GET /status within `limitMs`.
 *
 * @throws only the signal's reason
 */
export async function askStatus(url: string, limitMs: number, clock: Clock, signal: AbortSignal): Promise<StatusAnswer> {
  try {
    const body = await withLimit(clock, { ms: limitMs, reason: 'appium status', signal }, (inner) => fetchText(url, inner));
    const ready = isReady(body);
    return { ready, problem: ready ? null : `not ready: ${body.slice(0, 200)}`, refused: false };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LimitExceeded) return { ready: false, problem: `no answer within ${limitMs} ms`, refused: false };
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return { ready: false, problem: error instanceof Error ? error.message : String(error), refused: code === 'ECONNREFUSED' };
  }
}

function isReady(body: string): boolean {
  try {
    const { value } = JSON.parse(body) as { value?: { ready?: unknown } };
    return value?.ready === true;
  } catch {
    return false;
  }
}

function fetchText(url: string, signal: AbortSignal): Promise<string> {
  const target = new URL('status', url.endsWith('/') ? url : `${url}/`);
  const ask = target.protocol === 'https:' ? getSecurely : get;
  return new Promise((resolve, reject) => {
    // A connection of its own for each question: a kept one would hide that nobody accepts new ones.
    const request = ask(target, { agent: false, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(body)).on('error', reject);
    });
    request.on('error', reject);
  });
}
