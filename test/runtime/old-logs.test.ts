/** Guards promise 7: logs stay bounded across restarts, by count and by age, each log for itself. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../src/runtime/logger.ts';
import { removeOldLogs } from '../../src/runtime/old-logs.ts';

let dir: string;
const daily = () => join(dir, 'daily');
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22);
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'old-logs-'));
  mkdirSync(daily());
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function there(...names: readonly string[]): void {
  for (const name of names) writeFileSync(join(daily(), name), '{}\n');
}

it('keeps the newest, the tenth of a day being newer than the second', () => {
  there(
    'scheduler.2026-11-22.10.log',
    'scheduler.2026-11-22.2.log',
    'scheduler.2026-11-21.1.log',
    'worker_1.2026-11-01.1.log',
    'notes.txt',
  );
  removeOldLogs(daily(), 'scheduler', { files: 1, ms: 99 * DAY, nowMs: NOW });
  expect(readdirSync(daily()).sort()).toEqual(['notes.txt', 'scheduler.2026-11-22.10.log', 'worker_1.2026-11-01.1.log']);
});

it('keeps none that is too old, however few there are', () => {
  there('scheduler.2026-11-01.1.log', 'scheduler.2026-11-20.1.log');
  removeOldLogs(daily(), 'scheduler', { files: 14, ms: 14 * DAY, nowMs: NOW });
  expect(readdirSync(daily())).toEqual(['scheduler.2026-11-20.1.log']);
});

it('is done at every start, so that restarts pile nothing up', async () => {
  there(...Array.from({ length: 20 }, (_, n) => `scheduler.2020-01-${String(n + 1).padStart(2, '0')}.1.log`));
  const logger = await createLogger({ dir, level: 'info', pretty: false, keepFiles: 3 });
  logger.info('here');
  await logger.close();
  expect(readdirSync(daily())).toHaveLength(1);
});
