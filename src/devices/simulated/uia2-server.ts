/**
 * The UiAutomator2 server process of the phone: HTTP on the adb stream `tcp:6790`.
 *
 * Each adb stream is handed to a node:http server as its connection, so that there
 * is no second port. The faults of the server strike here, between a request, its
 * being carried out and its answer.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Fault, FaultName } from './faults.ts';
import type { Phone } from './phone.ts';
import { UIA2_PACKAGE } from './phone.ts';
import { type PreparedRequest, Uia2Commands, Uia2Error } from './uia2-commands.ts';

/** Faults that cut the computer off, so that nobody hears an answer. */
const CUTS: ReadonlySet<FaultName> = new Set(['drop', 'offline', 'silent', 'unauthorized', 'reboot', 'uia2_die', 'uia2_refuse']);

export interface RequestCount {
  readonly method: string;
  readonly path: string;
  /** `tap:Post` and the like. */
  readonly label: string;
  readonly count: number;
}

export class Uia2Server {
  readonly #phone: Phone;
  readonly #commands: Uia2Commands;
  readonly #http: Server;
  readonly #streams = new Set<Duplex>();
  readonly #counts = new Map<string, RequestCount>();
  #onEnd: (() => void) | null = null;

  constructor(phone: Phone, newId: () => string) {
    this.#phone = phone;
    this.#commands = new Uia2Commands(phone, newId);
    this.#http = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    // A session may rest for minutes between two requests.
    this.#http.keepAliveTimeout = 0;
  }

  get running(): boolean {
    return this.#onEnd !== null;
  }

  get sessionId(): string | null {
    return this.#commands.sessionId;
  }

  /** The instrumentation starts; `onEnd` runs when the process ends, however it does. */
  start(onEnd: () => void): void {
    this.end();
    this.#onEnd = onEnd;
    this.#phone.markRunning(UIA2_PACKAGE);
    if (this.#phone.faults.take('uia2_crash_at_start')) this.end();
  }

  /** Takes a connection to its port. @returns false when the port refuses */
  accept(stream: Duplex): boolean {
    if (!this.acceptsConnections()) return false;
    this.#streams.add(stream);
    stream.on('close', () => this.#streams.delete(stream));
    this.#http.emit('connection', stream);
    return true;
  }

  acceptsConnections(): boolean {
    const { faults } = this.#phone;
    return this.running && !faults.active('uia2_never_boots') && !faults.active('uia2_refuse');
  }

  /** Ends the connections; the process lives. */
  cut(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  /** Ends the process. */
  end(): void {
    const onEnd = this.#onEnd;
    this.#onEnd = null;
    this.#commands.reset();
    this.cut();
    this.#phone.running.delete(UIA2_PACKAGE);
    onEnd?.();
  }

  /** Every request that arrived, carried out or not. */
  requests(): readonly RequestCount[] {
    return [...this.#counts.values()];
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    const path = decodeURIComponent((request.url ?? '/').replace(/^\/wd\/hub/, ''));
    const method = request.method ?? 'GET';
    const prepared = this.#commands.prepare({ method, path, body });
    this.#count(method, prepared);
    const { faults } = this.#phone;
    const due = faults.due('ui', prepared.labels);
    if (this.#strike(due.filter((fault) => !fault.carried_out))) return;
    if (faults.take('uia2_hang')) return;
    const session = this.#commands.sessionId;
    const answer = carryOut(prepared);
    if (this.#strike(due.filter((fault) => fault.carried_out)) || faults.take('uia2_hang_after')) return;
    if (faults.take('uia2_answer_lost')) {
      request.socket.destroy();
      return;
    }
    const ended = method === 'DELETE' && answer.status === 200;
    if (ended) {
      // The process ends with its session, after the answer is out.
      response.setHeader('connection', 'close');
      request.socket.once('close', () => this.end());
    }
    const text = JSON.stringify({ sessionId: this.#commands.sessionId ?? session, value: answer.value });
    response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  }

  /** @returns true when nobody listens any more */
  #strike(faults: readonly Fault[]): boolean {
    this.#phone.faults.strike(faults);
    return faults.some(({ name }) => CUTS.has(name));
  }

  #count(method: string, { pattern, labels }: PreparedRequest): void {
    const label = labels[0] ?? '';
    const key = `${method} ${pattern} ${label}`;
    this.#counts.set(key, { method, path: pattern, label, count: (this.#counts.get(key)?.count ?? 0) + 1 });
  }
}

function carryOut(prepared: PreparedRequest): { readonly status: number; readonly value: unknown } {
  try {
    return { status: 200, value: prepared.run() };
  } catch (error) {
    if (!(error instanceof Uia2Error)) throw error;
    return { status: error.status, value: { error: error.w3c, message: error.message, stacktrace: '' } };
  }
}

async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return {};
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
