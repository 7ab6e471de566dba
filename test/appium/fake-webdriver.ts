/**
 * A WebDriver server that records every request and answers clicks with a fault
 * of one's choice. It plays Appium towards the client; there is no phone.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** What happens to `POST …/click`. */
export type ClickFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'answer'; readonly status: number; readonly error: string; readonly message: string }
  | { readonly kind: 'text'; readonly status: number; readonly body: string }
  /** Carried out, and never answered. */
  | { readonly kind: 'silent' }
  /** Carried out, then the connection is reset. */
  | { readonly kind: 'reset' }
  /** Carried out, then half an answer. */
  | { readonly kind: 'cut' };

const ELEMENT_KEY = 'element-6066-11e4-a52e-4f735466cecf';

export class FakeWebDriver {
  readonly requests: string[] = [];
  readonly bodies: string[] = [];
  click: ClickFault = { kind: 'none' };
  /** Answers of `POST …/elements`, by value. */
  elements: Readonly<Record<string, readonly string[]>> = {};
  /** Requests to these wait until `release` is called with the same word. */
  readonly held = new Map<string, () => void>();
  hold: string | null = null;
  onRequest: (request: string) => void = () => undefined;
  #sessions = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  static async start(port = 0): Promise<FakeWebDriver> {
    const fake = new FakeWebDriver();
    // As long as Appium's own.
    fake.#server.keepAliveTimeout = 600_000;
    fake.#server.on('connection', (socket) => {
      fake.#sockets.add(socket);
      socket.on('close', () => fake.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => fake.#server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  count(part: string): number {
    return this.requests.filter((request) => request.includes(part)).length;
  }

  /** Stops listening and drops every connection: from now on it refuses. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const what = `${request.method} ${request.url}`;
    this.requests.push(what);
    this.bodies.push(body);
    this.onRequest(what);
    if (this.hold !== null && what.includes(this.hold)) {
      await new Promise<void>((resolve) => this.held.set(what, resolve));
    }
    if (what.endsWith('/click')) this.#click(request, response);
    else answer(response, 200, this.#value(what, body));
  }

  #value(what: string, body: string): unknown {
    if (what === 'POST /session') {
      const sessionId = `fake-${++this.#sessions}`;
      return { sessionId, capabilities: { platformName: 'Android', 'appium:automationName': 'UiAutomator2' } };
    }
    if (what.endsWith('/elements')) {
      const { value } = JSON.parse(body) as { value: string };
      return (this.elements[value] ?? []).map((id) => ({ [ELEMENT_KEY]: id }));
    }
    if (what.endsWith('/screenshot')) return Buffer.from('png').toString('base64');
    if (what.startsWith('GET')) return 'text';
    return null;
  }

  #click(request: IncomingMessage, response: ServerResponse): void {
    const fault = this.click;
    switch (fault.kind) {
      case 'none':
        answer(response, 200, null);
        return;
      case 'answer':
        answer(response, fault.status, { error: fault.error, message: fault.message, stacktrace: '' });
        return;
      case 'text':
        response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.body);
        return;
      case 'silent':
        return;
      case 'reset':
        request.socket.resetAndDestroy();
        return;
      case 'cut':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
        response.write('{"value":', () => request.socket.destroy());
    }
  }
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ value }));
}
