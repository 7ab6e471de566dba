/**
 * The phone's side of adb over TCP (adbd): handshake, streams, and the ways in
 * which a connection can fail.
 *
 * Hands each opened stream to a service by its name and knows nothing of what
 * the services do. Source: AOSP packages/modules/adb/protocol.txt.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type AdbCommand, type AdbMessage, encodeMessage, MessageReader } from './adb-messages.ts';
import { AdbStream } from './adb-stream.ts';

const VERSION = 0x01000001;
const MAX_PAYLOAD = 256 * 1024;
const AUTH_TOKEN = 1;
const BANNER =
  'device::ro.product.name=sim;ro.product.model=SimPhone;ro.product.device=sim;features=shell_v2,cmd,stat_v2,ls_v2,fixed_push_mkdir';

/** Answers what serves a stream of that name (`shell,v2:ls`, `sync:`, `tcp:6790`), or null to refuse it. */
export type OpenService = (name: string) => ((stream: AdbStream) => void) | null;

/** `silent`: accepts and never answers, on old connections too. `unauthorized`: never accepts the computer's key. */
export type TransportMode = 'normal' | 'silent' | 'unauthorized';

export class AdbTransport {
  readonly #openService: OpenService;
  readonly #connections = new Set<AdbConnection>();
  #server: Server | null = null;
  #port = 0;
  #mode: TransportMode = 'normal';

  constructor(openService: OpenService) {
    this.#openService = openService;
  }

  get port(): number {
    return this.#port;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Listens on 127.0.0.1; `port` 0 takes a free one, and a later call takes the same again. */
  async listen(port = this.#port): Promise<void> {
    if (this.#server) return;
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address && typeof address === 'object') this.#port = address.port;
  }

  /** Refuses new connections and ends the old ones. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    this.drop();
    await closed;
  }

  /** Ends all connections; new ones are accepted. */
  drop(): void {
    for (const connection of this.#connections) connection.end();
  }

  setMode(mode: TransportMode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    // A key is asked for at the start of a connection only, and a muted one cannot take up where it stopped.
    if (mode !== 'silent') this.drop();
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    const connection = new AdbConnection(socket, this.#openService, () => this.#mode);
    this.#connections.add(connection);
    socket.on('close', () => this.#connections.delete(connection));
  }
}

class AdbConnection {
  readonly #socket: Socket;
  readonly #openService: OpenService;
  readonly #mode: () => TransportMode;
  readonly #reader = new MessageReader();
  readonly #streams = new Map<number, AdbStream>();
  #nextId = 1;
  #maxPayload = MAX_PAYLOAD;

  constructor(socket: Socket, openService: OpenService, mode: () => TransportMode) {
    this.#socket = socket;
    this.#openService = openService;
    this.#mode = mode;
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const stream of this.#streams.values()) stream.closeByPeer();
      this.#streams.clear();
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#mode() === 'silent') return;
    let messages: AdbMessage[];
    try {
      messages = this.#reader.read(chunk);
    } catch {
      this.#socket.destroy();
      return;
    }
    for (const message of messages) this.#handle(message);
  }

  #handle(message: AdbMessage): void {
    switch (message.command) {
      case 'CNXN':
        this.#maxPayload = Math.min(MAX_PAYLOAD, message.arg1);
        this.#greet();
        return;
      case 'AUTH':
        // Neither the signature nor the key is ever accepted: a person would have to.
        if (message.arg0 === 2) this.#greet();
        return;
      case 'OPEN':
        this.#open(message);
        return;
      case 'OKAY':
        this.#streams.get(message.arg1)?.acknowledge();
        return;
      case 'WRTE':
        this.#streams.get(message.arg1)?.receive(message.payload);
        return;
      case 'CLSE':
        this.#streams.get(message.arg1)?.closeByPeer();
    }
  }

  #greet(): void {
    if (this.#mode() === 'unauthorized') this.#send('AUTH', AUTH_TOKEN, 0, Buffer.alloc(20, 7));
    else this.#send('CNXN', VERSION, MAX_PAYLOAD, Buffer.from(BANNER, 'utf8'));
  }

  #open(message: AdbMessage): void {
    const remoteId = message.arg0;
    const name = message.payload.toString('utf8').replace(/\0+$/, '');
    const serve = this.#openService(name);
    if (!serve) {
      this.#send('CLSE', 0, remoteId);
      return;
    }
    const localId = this.#nextId++;
    const stream = new AdbStream({ localId, remoteId, maxPayload: this.#maxPayload, send: (...args) => this.#send(...args) });
    this.#streams.set(localId, stream);
    stream.on('close', () => this.#streams.delete(localId));
    stream.on('error', () => undefined);
    // The computer takes no WRTE before this OKAY.
    this.#send('OKAY', localId, remoteId);
    serve(stream);
  }

  #send(command: AdbCommand, arg0: number, arg1: number, payload: Buffer = Buffer.alloc(0)): void {
    if (this.#socket.destroyed || this.#mode() === 'silent') return;
    this.#socket.write(encodeMessage({ command, arg0, arg1, payload }));
  }
}
