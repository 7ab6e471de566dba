/**
 * One guard per thing of this host that only one home may use at a time, such
 * as a phone: a kernel lock in a folder that all users of the host share. It is
 * free the moment its holder dies, however it dies.
 *
 * The file beside each lock says who holds it, for people; it grants nothing.
 */
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { type KernelLock, takeKernelLock } from './kernel-lock.ts';

export interface GuardHolder {
  readonly home: string;
  readonly pid: number;
  /** By which name it has the thing, where one thing has several. */
  readonly as?: string | undefined;
}

/** Debian's folder for locks of all users; it is a tmpfs, so a restart of the host clears it. */
const SHARED = '/run/lock';
const FOR_ALL_USERS = 0o666;

/** Where the guards of this host are: the same for every user and every TMPDIR, where there is such a place. */
export function guardFolder(): string {
  try {
    accessSync(SHARED, constants.W_OK);
    return join(SHARED, 'posting-scheduler');
  } catch {
    return join(tmpdir(), 'posting-scheduler-guards');
  }
}

export class HostGuards {
  readonly #folder: string;
  readonly #me: GuardHolder;
  readonly #held = new Map<string, KernelLock>();

  constructor(folder: string, me: GuardHolder) {
    this.#folder = folder;
    this.#me = me;
  }

  /**
   * Null when it is ours now (or was already); otherwise who holds it, `unknown` when that cannot be read.
   *
   * @param as for people: by which name we have it
   * @throws SchedulerError STORE_FAILED when the folder cannot be used
   */
  take(name: string, as?: string): GuardHolder | 'unknown' | null {
    if (this.#held.has(name)) return null;
    const path = join(this.#folder, createHash('sha256').update(name).digest('hex').slice(0, 32));
    const lock = this.#lock(path);
    if (lock === null) return holderIn(`${path}.json`);
    this.#held.set(name, lock);
    try {
      writeFileSync(`${path}.json`, JSON.stringify({ name, ...this.#me, as }), { mode: FOR_ALL_USERS });
    } catch {
      // Another user's file: the lock counts, the name is only for people.
    }
    return null;
  }

  /** Gives one back, if it is ours. */
  release(name: string): void {
    this.#held.get(name)?.release();
    this.#held.delete(name);
  }

  /** Gives everything back. */
  releaseAll(): void {
    for (const lock of this.#held.values()) lock.release();
    this.#held.clear();
  }

  #lock(path: string): KernelLock | null {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o1777 });
      chmodQuietly(this.#folder, 0o1777);
      const lock = takeKernelLock(`${path}.db`);
      // Another user's home must be able to ask for the lock, not only to see that the file is there.
      chmodQuietly(`${path}.db`, FOR_ALL_USERS);
      return lock;
    } catch (cause) {
      if (cause instanceof SchedulerError) throw cause;
      throw new SchedulerError('STORE_FAILED', {
        cause,
        details: { text: `${this.#folder}: ${cause instanceof Error ? cause.message : cause}` },
      });
    }
  }
}

/** Only its owner may change a file's mode; whoever is not, finds it changed already. */
function chmodQuietly(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch {}
}

function holderIn(path: string): GuardHolder | 'unknown' {
  try {
    const { home, pid, as } = JSON.parse(readFileSync(path, 'utf8')) as GuardHolder;
    return typeof home === 'string' && typeof pid === 'number' ? { home, pid, as } : 'unknown';
  } catch {
    return 'unknown';
  }
}
