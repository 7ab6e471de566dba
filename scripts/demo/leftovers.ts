/**
 * Keeps account of every process that descends from this one, so that the
 * rehearsal can prove that none is left. Two ways, because each has a hole: a
 * child may leave our tree (adb's server does), and a child may be started
 * with an environment of its own. Linux only: elsewhere nothing is claimed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const SAMPLE_MS = 200;

interface ProcessLine {
  readonly pid: number;
  readonly parent: number;
  /** With the pid it names one process for good. */
  readonly ticks: string;
  readonly isZombie: boolean;
}

function readProcess(pid: number): ProcessLine | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), ticks: fields[19] ?? '0', isZombie: fields[0] === 'Z' };
  } catch {
    return null;
  }
}

function allProcesses(): ProcessLine[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => readProcess(Number(pid))).filter((line) => line !== null);
}

function carries(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(marker);
  } catch {
    return false;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '?';
  }
}

export class ProcessWatch {
  readonly isPossible = existsSync('/proc/self/stat');
  readonly #marker: string;
  readonly #seen = new Map<string, ProcessLine>();
  #timer: NodeJS.Timeout | null = null;

  /** `marker` is the `NAME=value` that our children carry in their environment. */
  constructor(marker: string) {
    this.#marker = marker;
  }

  start(): void {
    if (!this.isPossible) return;
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
    this.#timer.unref();
  }

  /** How many different processes were seen so far. */
  get count(): number {
    return this.#seen.size;
  }

  #sample(): void {
    const processes = allProcesses();
    const ours = new Set<number>([process.pid]);
    // Parents may come after their children in the listing: go on until nothing is added.
    for (let before = 0; before !== ours.size; ) {
      before = ours.size;
      for (const line of processes) if (ours.has(line.parent)) ours.add(line.pid);
    }
    for (const line of processes) {
      if (line.pid === process.pid) continue;
      if (ours.has(line.pid) || carries(line.pid, this.#marker)) this.#seen.set(`${line.pid}-${line.ticks}`, line);
    }
  }

  /** The processes of ours, except these, that still run after `limitMs`, in words; empty = none. Ends the watch. */
  async left(limitMs: number, except: readonly number[]): Promise<string[]> {
    const endMs = performance.now() + limitMs;
    for (;;) {
      this.#sample();
      const alive = [...this.#seen.values()].filter((line) => {
        const now = readProcess(line.pid);
        return now !== null && now.ticks === line.ticks && !now.isZombie && !except.includes(line.pid);
      });
      if (alive.length === 0 || performance.now() > endMs) {
        if (this.#timer) clearInterval(this.#timer);
        return alive.map((line) => `PID ${line.pid}: ${commandOf(line.pid)}`);
      }
      await sleep(SAMPLE_MS);
    }
  }
}

/** True when something on this machine listens at the port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
