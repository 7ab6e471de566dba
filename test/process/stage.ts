/**
 * The other end of ledger.mjs: at each gate of an attempt the publisher asks
 * here, and a test decides when it goes on, or with which error. Tests wait for
 * a visit instead of sleeping.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** `before` the commit point; `refused` there; `committed`: after it, before the act; `acted`: the post is public, nothing is confirmed. */
export type Gate = 'before' | 'refused' | 'committed' | 'acted';

export interface Visit {
  readonly gate: Gate;
  readonly job: string;
  readonly account: string;
  readonly attempt: number;
  /** Of the daemon that the publisher runs in. */
  readonly pid: number;
  /** Of the error, at `refused`. */
  readonly code: string | null;
  /** Lets it go on, or makes it throw. Safe to call when nobody waits any more. */
  go(failure?: { readonly message: string; readonly hints?: Readonly<Record<string, unknown>> }): void;
  /** Lets it go on after it has blocked its whole process: from when the file is there until it is gone. */
  block(file: string): void;
}

export interface Stage {
  readonly url: string;
  readonly visits: readonly Visit[];
  /** From now on visits at the gate wait for the test. */
  hold(gate: Gate): void;
  /** Lets all go that wait at the gate, and all who come. */
  open(gate: Gate): void;
  /** The visit at the gate with this number (from 0), of those since the start; waits for it. */
  visit(gate: Gate, number?: number): Promise<Visit>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const visits: Visit[] = [];
  const held = new Set<Gate>();
  const watchers = new Set<() => void>();
  const server = createServer((request, response) => {
    void receive(request, response).then((visit) => {
      visits.push(visit);
      if (!held.has(visit.gate)) visit.go();
      for (const watcher of watchers) watcher();
      watchers.clear();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    visits,
    hold: (gate) => void held.add(gate),
    open: (gate) => {
      held.delete(gate);
      for (const visit of visits) if (visit.gate === gate) visit.go();
    },
    visit: async (gate, number = 0) => {
      for (;;) {
        const found = visits.filter((visit) => visit.gate === gate)[number];
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => watchers.add(resolve));
      }
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function receive(request: IncomingMessage, response: ServerResponse): Promise<Visit> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  const asked = JSON.parse(text) as Omit<Visit, 'gate' | 'go' | 'block'>;
  const answer = (order: object): void => {
    if (!response.writableEnded && !response.destroyed) response.end(JSON.stringify(order));
  };
  const gate = (request.url ?? '/').slice(1) as Gate;
  return {
    gate,
    ...asked,
    go: (failure = { message: '' }) => answer(failure.message === '' ? {} : failure),
    block: (file) => answer({ block: file }),
  };
}
