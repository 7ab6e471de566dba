/**
 * The messages of adb's device protocol: 24 bytes of header, then the payload.
 *
 * Knows the bytes only; who answers what is the connection's business.
 * Source: AOSP packages/modules/adb/protocol.txt.
 */

export type AdbCommand = 'CNXN' | 'AUTH' | 'OPEN' | 'OKAY' | 'WRTE' | 'CLSE';

export interface AdbMessage {
  readonly command: AdbCommand;
  readonly arg0: number;
  readonly arg1: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 24;
/** adb's own limit is 1 MiB; a longer length means that the bytes are not adb's. */
const PAYLOAD_LIMIT = 1024 * 1024;
const COMMANDS: readonly string[] = ['CNXN', 'AUTH', 'OPEN', 'OKAY', 'WRTE', 'CLSE'];

export function encodeMessage(message: AdbMessage): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.write(message.command, 0, 'latin1');
  head.writeUInt32LE(message.arg0 >>> 0, 4);
  head.writeUInt32LE(message.arg1 >>> 0, 8);
  head.writeUInt32LE(message.payload.length, 12);
  // The checksum at 16 stays 0: from protocol version 0x01000001 on nobody checks it.
  head.writeUInt32LE((head.readUInt32LE(0) ^ 0xffffffff) >>> 0, 20);
  return message.payload.length === 0 ? head : Buffer.concat([head, message.payload]);
}

/** Cuts a byte stream into messages. Chunks may end anywhere. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /** The messages that are complete with this chunk. @throws Error when the bytes are not adb's */
  read(chunk: Buffer): AdbMessage[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const messages: AdbMessage[] = [];
    for (;;) {
      const message = this.#next();
      if (!message) return messages;
      messages.push(message);
    }
  }

  #next(): AdbMessage | null {
    if (this.#bytes < HEADER_BYTES) return null;
    const head = this.#peek(HEADER_BYTES);
    const command = head.toString('latin1', 0, 4);
    const length = head.readUInt32LE(12);
    if (!COMMANDS.includes(command) || length > PAYLOAD_LIMIT) throw new Error(`not an adb message: ${JSON.stringify(command)}`);
    if (this.#bytes < HEADER_BYTES + length) return null;
    const whole = this.#take(HEADER_BYTES + length);
    return {
      command: command as AdbCommand,
      arg0: whole.readUInt32LE(4),
      arg1: whole.readUInt32LE(8),
      payload: whole.subarray(HEADER_BYTES),
    };
  }

  #peek(count: number): Buffer {
    const first = this.#chunks[0];
    if (first && first.length >= count) return first;
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }

  #take(count: number): Buffer {
    const first = this.#peek(count);
    this.#bytes -= count;
    if (first.length === count) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(count);
    return first.subarray(0, count);
  }
}
