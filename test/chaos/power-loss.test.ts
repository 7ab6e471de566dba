/** Guards promises 1 and 2 against power cuts: whatever instant the machine stops at, the home opens, is whole, and nothing that is public may be tried again. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { powerLoss } from './power-loss.ts';

function place(): string {
  // What is on disk is reckoned, not felt: memory will do, and the tests do not wait for a disk.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'power-loss-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe.skipIf(process.platform !== 'linux')('a power cut at any instant', () => {
  it('leaves a home that opens, is whole, and tries nothing again that is public', { timeout: 60_000 }, async () => {
    const result = await powerLoss({ within: place(), copies: 150, seed: 1 });
    expect(result.findings).toEqual([]);
    // It was no idle machine that was cut off.
    expect(result.acts).toBeGreaterThan(1_000);
    expect(result.torn.wal).toBeGreaterThan(0);
    expect(result.torn.pages).toBeGreaterThan(30);
  });

  it('would be noticed to publish twice if the act came before its commit', { timeout: 60_000 }, async () => {
    const result = await powerLoss({ within: place(), copies: 30, seed: 2, mutation: 'acts-too-early' });
    expect(result.findings.join('\n')).toMatch(/is public, but (claimed|pending|retrying)/);
  });

  it('would be noticed to forget posts on a disk that only says that it has written; posted.jsonl is the second net', {
    timeout: 60_000,
  }, async () => {
    const result = await powerLoss({ within: place(), copies: 10, seed: 3, mutation: 'disk-lies' });
    expect(result.findings.join('\n')).toMatch(/is public, but (claimed|pending|retrying|gone); posted.jsonl knows it/);
  });
});
