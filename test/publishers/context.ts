/** An attempt's side of the contract, for tests: remembers what a publisher did. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { PublishContext, PublishJob } from '../../src/publishers/publisher.ts';

export interface Attempt {
  readonly ctx: PublishContext;
  readonly abort: AbortController;
  readonly phases: string[];
  readonly log: string[];
  readonly versions: string[];
  readonly evidence: Map<string, Uint8Array>;
  commits: number;
  onCommit: () => void | Promise<void>;
}

export function attempt(options: Readonly<Record<string, unknown>> = {}): Attempt {
  const abort = new AbortController();
  const it: Attempt = {
    abort,
    phases: [],
    log: [],
    versions: [],
    evidence: new Map(),
    commits: 0,
    onCommit: () => undefined,
    ctx: {
      signal: abort.signal,
      log: { info: (text) => void it.log.push(text), warn: (text) => void it.log.push(`warn ${text}`) },
      phase: (name) => void it.phases.push(name),
      commit: async () => {
        it.commits += 1;
        await it.onCommit();
      },
      appVersion: (version) => void it.versions.push(version),
      evidence: async (name, bytes) => void it.evidence.set(name, bytes),
      options,
    },
  };
  return it;
}

/** @param path an existing file */
export function jobOf(path: string, change: Partial<PublishJob> = {}): PublishJob {
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
  return {
    id: 'j1',
    account: 'alice',
    app: 'demo',
    device: 'phone-1',
    video: { path, sha256 },
    caption: 'Grüße 👋\n日本',
    post_key: `alice:${sha256}:0`,
    attempt: 1,
    max_attempts: 3,
    ...change,
  };
}
