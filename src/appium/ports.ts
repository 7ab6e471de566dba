/**
 * Which local ports are free.
 *
 * A port that somebody else listens on is left alone: the next free one is
 * taken. Nothing here ends a process.
 */
import { type AddressInfo, createServer } from 'node:net';
import { SchedulerError } from '../errors.ts';

const HOST = '127.0.0.1';
/** So many ports above the wished one are tried; more taken ones mean that something else is wrong. */
const SPAN = 20;

/** True when nobody listens there now. Somebody may a moment later: the listener's own error is the last word. */
export async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: HOST, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Some free port, of those that the system gives out. */
export async function anyFree(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen({ port: 0, host: HOST, exclusive: true }, () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * The first free port from `from` on.
 *
 * @param taken called for each port that is not free, in order
 * @throws SchedulerError APPIUM_PORT_FOREIGN when none of the next 20 is free
 */
export async function firstFree(from: number, taken: (port: number) => Promise<void>): Promise<number> {
  for (let port = from; port < from + SPAN && port < 65_536; port++) {
    if (await isFree(port)) return port;
    await taken(port);
  }
  throw new SchedulerError('APPIUM_PORT_FOREIGN', { details: { port: `${from}-${from + SPAN - 1}`, pid: 'several' } });
}
