/** `--status`: once, as JSON or as a page, or again and again. Opens the store for each look and lets go of it again. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, parseIsoTime } from '../runtime/clock.ts';
import { buildStatus, type StatusPage, type StoreReader } from '../scheduler/status.ts';
import { warnOfConfig } from './config-trouble.ts';
import { readLockView } from './lock-view.ts';
import { Redraw, type Terminal } from './terminal.ts';

export interface ShowStatusRequest {
  readonly home: string;
  /** Path or URL, for showing. */
  readonly store: string;
  /** null when there is no store yet. */
  readonly openReader: () => Promise<StoreReader | null>;
  readonly json: boolean;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Throws what is wrong with scheduler.yaml; absent = it is not looked at. */
  readonly checkConfig?: () => Promise<unknown>;
  /** Absent = the settings the daemon last ran with. */
  readonly config?: unknown;
}

const WATCH_EVERY_MS = 1_000;

export async function showStatus(request: ShowStatusRequest): Promise<void> {
  const page = await look(request);
  if (request.json) {
    request.terminal.write(`${JSON.stringify(page.status, null, 2)}\n`);
    return;
  }
  // Programs ask for JSON, and need not wait until the tables are loaded.
  const { renderStatus } = await import('./render-status.ts');
  request.terminal.write(renderStatus(page, request.terminal));
  // After the answer, which must not wait for it; and not again for what the running scheduler has read.
  if (!hasChanged(join(request.home, 'scheduler.yaml'), page.status.running ? page.status.lock.started : null)) return;
  if (request.checkConfig !== undefined) await warnOfConfig(request.terminal, request.checkConfig);
}

/** Until `signal` aborts. In a pipe a new page follows only when something changed. */
export async function watchStatus(request: ShowStatusRequest, signal: AbortSignal): Promise<void> {
  const { renderStatus } = await import('./render-status.ts');
  const redraw = new Redraw(request.terminal);
  let last = '';
  while (!signal.aborted) {
    const page = await look(request);
    const text = renderStatus(page, request.terminal);
    const changed = request.terminal.isTty ? text : JSON.stringify([page.status.jobs, page.status.running, page.status.paused]);
    if (changed !== last) redraw.show(text);
    last = changed;
    if (!(await request.clock.sleep(WATCH_EVERY_MS, 'next look at the status', signal))) return;
  }
}

/** @param since ISO; null = ever */
function hasChanged(file: string, since: string | null): boolean {
  const changedMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY;
  return changedMs > (since === null ? 0 : (parseIsoTime(since) ?? 0));
}

async function look({ home, store, openReader, clock, ...rest }: ShowStatusRequest): Promise<StatusPage> {
  const reader = await openReader();
  try {
    const nowMs = clock.now();
    const config = rest.config === undefined ? {} : { config: rest.config };
    return await buildStatus({ reader, home, store, lock: await readLockView(home, nowMs), nowMs, ...config });
  } finally {
    await reader?.close();
  }
}
