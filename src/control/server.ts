/**
 * The daemon's ear: a Unix socket (mode 0600) on which one order a connection
 * arrives and its reply goes back. Started only while the instance lock is
 * held, so a socket file that is already there belongs to the dead.
 */
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { SchedulerError } from '../errors.ts';
import { type Clock, withLimit } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { CommandHandler, Reply } from '../scheduler/commands.ts';
import { refusal } from '../scheduler/replies.ts';
import { controlAddress } from './address.ts';
import { LineBuffer, readRequest, replyLine } from './messages.ts';

export interface ControlServerParts {
  readonly home: string;
  readonly handler: CommandHandler;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A client that connects and says nothing is let go after this. */
const REQUEST_LIMIT_MS = 10_000;
/** At the end, replies under way get this long to leave. */
const CLOSE_LIMIT_MS = 3_000;

/** Resolves when orders can arrive. `close` lets replies under way leave first. */
export async function startControlServer(parts: ControlServerParts): Promise<{ readonly close: () => Promise<void> }> {
  const address = controlAddress(parts.home);
  const connections = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const served = serve(socket, parts).finally(() => connections.delete(socket));
    connections.set(socket, served);
  });
  const leave = await take(address, server);
  server.on('error', (error) => parts.logger.error({ err: error }, 'The control socket failed'));
  return {
    close: async () => {
      await leave();
      await close(server, connections, parts.clock);
    },
  };
}

/**
 * Listens at the address; answers how to give it up. At its end a server removes the name that it was bound to, whoever
 * has it by then: so ours is bound to another one first, or a holder that wakes and ends would take its successor's away.
 */
async function take(address: string, server: Server): Promise<() => Promise<void>> {
  if (address.startsWith('\\\\')) {
    await listen(server, address);
    return async () => {};
  }
  const first = address.replace(/sock$/, 'new');
  await rm(first, { force: true });
  await listen(server, first);
  await chmod(first, 0o600);
  const { ino } = await stat(first);
  await rename(first, address);
  return async () => {
    const there = await stat(address).catch(() => null);
    if (there?.ino === ino) await rm(address, { force: true });
  };
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function serve(socket: Socket, parts: ControlServerParts): Promise<void> {
  const { clock, logger } = parts;
  // A client that is gone needs no reply; without a listener its error would end the daemon.
  socket.on('error', (error) => logger.debug({ err: error }, 'A control client went away'));
  try {
    const line = await withLimit(clock, { ms: REQUEST_LIMIT_MS, reason: 'an order on the control socket' }, (signal) =>
      readLine(socket, signal),
    );
    if (line === null) return;
    const request = readRequest(line);
    const reply: Reply = request.ok ? await answer(parts, request.command) : misfit(request.problem);
    socket.end(replyLine(request.id, reply));
    await finished(socket, clock);
  } catch (error) {
    logger.warn({ err: error }, 'An order on the control socket could not be read');
  } finally {
    socket.destroy();
  }
}

async function answer({ handler, logger }: ControlServerParts, command: Parameters<CommandHandler>[0]): Promise<Reply> {
  logger.info({ command: command.do }, `Order received: ${command.do}`);
  try {
    return await handler(command);
  } catch (error) {
    return refusal(error);
  }
}

function misfit(what: string): Reply {
  return refusal(new SchedulerError('CONTROL_MISFIT', { details: { what } }));
}

/** One line; null when the client left without one. */
function readLine(socket: Socket, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const buffer = new LineBuffer();
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    socket.on('close', () => resolve(null));
    socket.on('data', (chunk: Buffer) => {
      try {
        const line = buffer.push(chunk);
        if (line === null) return;
        socket.pause();
        resolve(line);
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}

async function finished(socket: Socket, clock: Clock): Promise<void> {
  if (socket.destroyed) return;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  await withLimit(clock, { ms: CLOSE_LIMIT_MS, reason: 'a reply on the control socket' }, () => closed);
}

async function close(server: Server, connections: ReadonlyMap<Socket, Promise<void>>, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy();
  const served = Promise.allSettled([...connections.values()]);
  await withLimit(clock, { ms: CLOSE_LIMIT_MS, reason: 'last replies on the control socket' }, () => served).catch(() => undefined);
  for (const socket of connections.keys()) socket.destroy();
  await closed;
}
