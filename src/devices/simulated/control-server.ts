/**
 * The simulated phone's control port, for people and tests: what was published,
 * what shows, which requests came, and the fault switches.
 *
 * On 127.0.0.1 only. Not a part of the phone as a scheduler sees it: nothing of
 * the product reads it to decide anything.
 *
 *   GET /ledger    all posts, oldest first      GET /state     screen, accounts, session, files
 *   GET /requests  UI requests with counts      GET /faults    switches that are set
 *   POST /faults   sets one: {"name": ...}      DELETE /faults[?name=NAME]  clears
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { FAULTS, type Fault, type FaultName, parseFault } from './faults.ts';

export interface ControlSource {
  ledger(): unknown;
  state(): unknown;
  requests(): unknown;
  faults(): unknown;
  setFault(fault: Fault): void;
  clearFaults(name?: FaultName): void;
}

export class ControlServer {
  readonly #source: ControlSource;
  readonly #server: Server;

  constructor(source: ControlSource) {
    this.#source = source;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) =>
        answer(response, 400, { error: error instanceof Error ? error.message : String(error) }),
      );
    });
  }

  /** @returns its URL */
  async listen(port: number): Promise<string> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return `http://127.0.0.1:${address && typeof address === 'object' ? address.port : port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /ledger':
        return answer(response, 200, this.#source.ledger());
      case 'GET /state':
        return answer(response, 200, this.#source.state());
      case 'GET /requests':
        return answer(response, 200, this.#source.requests());
      case 'GET /faults':
        return answer(response, 200, this.#source.faults());
      case 'POST /faults': {
        let text = '';
        for await (const chunk of request) text += String(chunk);
        this.#source.setFault(parseFault(JSON.parse(text)));
        return answer(response, 200, this.#source.faults());
      }
      case 'DELETE /faults': {
        const name = url.searchParams.get('name');
        if (name !== null && !(name in FAULTS)) throw new Error(`unknown fault "${name}"`);
        this.#source.clearFaults((name as FaultName | null) ?? undefined);
        return answer(response, 200, this.#source.faults());
      }
      default:
        return answer(response, 404, { error: `there is no ${request.method} ${url.pathname}` });
    }
  }
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(value, null, 2)}\n`);
}
