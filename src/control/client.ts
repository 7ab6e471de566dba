/** The command line's voice: sends one order to the daemon of a home and waits for its reply. */
import { readFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { SchedulerError } from '../errors.ts';
import { type Clock, LimitExceeded, withLimit } from '../runtime/clock.ts';
import type { Command, Reply } from '../scheduler/commands.ts';
import { controlAddress } from './address.ts';
import { LineBuffer, readReply, requestLine } from './messages.ts';

export interface SendRequest {
  readonly home: string;
  readonly command: Command;
  readonly limitMs: number;
  readonly clock: Clock;
}

/** One order a connection, so any id will do. */
const ID = '1';

/**
 * @throws SchedulerError NO_DAEMON, CONTROL_TIMEOUT, CONTROL_LOST (it may have been carried out), CONTROL_MISFIT, REFUSED (another user's)
 */
export async function sendCommand(request: SendRequest): Promise<Reply> {
  const { home, command, limitMs, clock } = request;
  try {
    return await withLimit(clock, { ms: limitMs, reason: 'reply of the running scheduler' }, (signal) => exchange(home, command, signal));
  } catch (error) {
    if (!(error instanceof LimitExceeded)) throw error;
    throw new SchedulerError('CONTROL_TIMEOUT', { cause: error, details: { pid: await holderPid(home), limitMs } });
  }
}

/** True when a daemon of this home takes orders. */
export async function daemonListens(home: string): Promise<boolean> {
  try {
    const socket = await connect(home);
    socket.destroy();
    return true;
  } catch {
    return false;
  }
}

async function exchange(home: string, command: Command, signal: AbortSignal): Promise<Reply> {
  const socket = await connect(home);
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  try {
    return await converse(socket, command);
  } finally {
    socket.destroy();
  }
}

function connect(home: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(controlAddress(home));
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => reject(unreachable(home, error)));
  });
}

function converse(socket: Socket, command: Command): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const buffer = new LineBuffer();
    const lost = (cause?: unknown) => reject(new SchedulerError('CONTROL_LOST', { cause }));
    socket.removeAllListeners('error');
    socket.on('error', lost);
    socket.on('close', () => lost());
    socket.on('data', (chunk: Buffer) => {
      try {
        const line = buffer.push(chunk);
        if (line === null) return;
        const reply = readReply(line, ID);
        if (reply === null) reject(misfit());
        else resolve(reply);
      } catch (error) {
        reject(misfit(error));
      }
    });
    socket.write(requestLine(ID, command));
  });
}

function unreachable(home: string, cause: NodeJS.ErrnoException): SchedulerError {
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    const what = `the scheduler of ${home} is run by another user of this machine`;
    return new SchedulerError('REFUSED', { cause, details: { what, next: 'Give the order as that user.' } });
  }
  // No socket file, a dead one, or a pipe without an owner: nobody listens.
  return new SchedulerError('NO_DAEMON', { cause, details: { home } });
}

function misfit(cause?: unknown): SchedulerError {
  return new SchedulerError('CONTROL_MISFIT', { cause, details: { what: 'its reply is not understood' } });
}

async function holderPid(home: string): Promise<string> {
  try {
    const lock = JSON.parse(await readFile(join(home, 'scheduler.lock'), 'utf8')) as { readonly pid?: unknown };
    return typeof lock.pid === 'number' ? String(lock.pid) : 'unknown';
  } catch {
    return 'unknown';
  }
}
