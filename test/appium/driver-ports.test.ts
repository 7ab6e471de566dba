/**
 * Guards promise 2: the late clean-up of one phone's session cannot cut another
 * phone's, because no two phones ever share a local port.
 */
import { createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { DriverPorts } from '../../src/appium/driver-ports.ts';

function listen(port: number): Promise<Server> {
  const server = createServer();
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

test('a phone keeps its port, and no other phone is given it', async () => {
  const ports = new DriverPorts();
  const alice = await ports.of('alice');
  const others = await Promise.all(Array.from({ length: 20 }, (_, at) => ports.of(`phone-${at}`)));
  expect(new Set([alice, ...others]).size).toBe(21);
  expect(await ports.of('alice')).toBe(alice);
});

test('a port that somebody listens on is left, and stays the phone’s own', async () => {
  const ports = new DriverPorts();
  const before = await ports.of('alice');
  const taken = await listen(before);
  const after = await ports.of('alice');
  expect(after).not.toBe(before);
  await new Promise((resolve) => taken.close(resolve));
  expect(await ports.of('alice')).toBe(after);
});
