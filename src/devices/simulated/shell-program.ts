/**
 * What every program of the phone's shell is: arguments in, text and an exit code out.
 */
import type { Readable } from 'node:stream';
import type { Clock } from '../../runtime/clock.ts';
import type { Phone } from './phone.ts';
import type { Uia2Server } from './uia2-server.ts';

/** What a command talks to. */
export interface ShellIo {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** What the computer sends; only `exec:` streams have bytes for a command. */
  readonly stdin: Readable;
  /** Aborts when the computer has closed the stream. */
  readonly closed: AbortSignal;
}

export interface ShellContext {
  readonly phone: Phone;
  readonly uia2: Uia2Server;
  readonly clock: Clock;
}

/** @returns the exit code */
export type ShellProgram = (args: readonly string[], io: ShellIo, context: ShellContext) => number | Promise<number>;

/** Resolves when the computer has closed the stream. */
export function untilClosed(io: ShellIo): Promise<void> {
  return new Promise((resolve) => {
    if (io.closed.aborted) resolve();
    else io.closed.addEventListener('abort', () => resolve(), { once: true });
  });
}
