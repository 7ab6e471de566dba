/** The control socket as a part of the daemon: opened once the lock is held, closed before it is given back. */
import type { Part } from '../scheduler/house.ts';
import { type ControlServerParts, startControlServer } from './server.ts';

export function controlPart(parts: ControlServerParts): Part {
  let server: { readonly close: () => Promise<void> } | null = null;
  return {
    name: 'Control socket',
    start: async () => {
      server = await startControlServer(parts);
    },
    stop: async () => server?.close(),
  };
}
