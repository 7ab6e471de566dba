/**
 * One stream of an adb connection, as a Duplex: what the computer writes is read
 * here, what is written here goes to the computer.
 *
 * Flow control is the protocol's own: one WRTE is under way in each direction,
 * the next follows the OKAY. Being a Duplex, a stream can be the socket of a
 * node:http server, which is how the UiAutomator2 server listens on the phone.
 */
import { Duplex } from 'node:stream';
import type { AdbCommand } from './adb-messages.ts';

export type SendMessage = (command: AdbCommand, arg0: number, arg1: number, payload?: Buffer) => void;

export class AdbStream extends Duplex {
  readonly #localId: number;
  readonly #remoteId: number;
  readonly #maxPayload: number;
  readonly #send: SendMessage;
  #acknowledged: (() => void) | null = null;
  #oweOkay = false;
  #closedByPeer = false;

  constructor(options: { readonly localId: number; readonly remoteId: number; readonly maxPayload: number; readonly send: SendMessage }) {
    super();
    this.#localId = options.localId;
    this.#remoteId = options.remoteId;
    this.#maxPayload = options.maxPayload;
    this.#send = options.send;
  }

  /** WRTE from the computer. The OKAY waits until the reader has room. */
  receive(payload: Buffer): void {
    if (this.push(payload)) this.#send('OKAY', this.#localId, this.#remoteId);
    else this.#oweOkay = true;
  }

  /** OKAY from the computer: the last WRTE has arrived. */
  acknowledge(): void {
    const next = this.#acknowledged;
    this.#acknowledged = null;
    next?.();
  }

  /** Resolves when there is room to write again, or nobody to write to. */
  untilWritten(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.off('drain', done);
        this.off('close', done);
        resolve();
      };
      this.on('drain', done);
      this.on('close', done);
    });
  }

  /** CLSE from the computer, or the end of the connection. */
  closeByPeer(): void {
    this.#closedByPeer = true;
    this.acknowledge();
    if (!this.readableEnded) this.push(null);
    this.destroy();
  }

  override _read(): void {
    if (!this.#oweOkay) return;
    this.#oweOkay = false;
    this.#send('OKAY', this.#localId, this.#remoteId);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const sendFrom = (offset: number): void => {
      if (this.#closedByPeer || offset >= chunk.length) {
        done();
        return;
      }
      const part = chunk.subarray(offset, offset + this.#maxPayload);
      this.#acknowledged = () => sendFrom(offset + part.length);
      this.#send('WRTE', this.#localId, this.#remoteId, part);
    };
    sendFrom(0);
  }

  // adb has no half-close: the end of what the phone says is the end of the stream.
  override _final(done: (error?: Error | null) => void): void {
    done();
    this.destroy();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#closedByPeer) this.#send('CLSE', this.#localId, this.#remoteId);
    this.#closedByPeer = true;
    this.acknowledge();
    done(error);
  }
}
