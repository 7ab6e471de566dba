/**
 * adb's file service (`sync:`): stat, list, push and pull.
 *
 * Source: AOSP packages/modules/adb/SYNC.TXT and file_sync_protocol.h. Bytes go
 * straight between the stream and a file; a video is never held in memory.
 */

import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdirSync, readdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import type { AdbStream } from './adb-stream.ts';
import type { PhoneFiles } from './phone-files.ts';

const CHUNK_BYTES = 64 * 1024;
const NO_ENTRY = 2;

export interface SyncOptions {
  readonly files: PhoneFiles;
  /** Called at each push and pull, before it is answered. */
  readonly onTransfer: (kind: 'push' | 'pull', path: string) => void;
  /** What is wrong with the storage during this push. */
  readonly storageFault: () => 'full' | 'corrupt' | null;
}

/** Serves requests until the computer quits. */
export async function serveSync(stream: AdbStream, options: SyncOptions): Promise<void> {
  const input = new StreamInput(stream);
  for (;;) {
    const head = await input.take(8);
    if (!head) break;
    const command = head.toString('latin1', 0, 4);
    if (command === 'QUIT') break;
    const path = (await input.take(head.readUInt32LE(4)))?.toString('utf8');
    if (path === undefined) break;
    switch (command) {
      case 'STAT':
        stream.write(stat1(options.files, path));
        break;
      case 'STA2':
      case 'LST2':
        stream.write(stat2(options.files, path, command));
        break;
      case 'LIST':
      case 'LIS2':
        for (const entry of list(options.files, path, command)) stream.write(entry);
        break;
      case 'SEND':
        if (!(await receiveFile(stream, input, path, options))) return;
        break;
      case 'RECV':
        await sendFile(stream, path, options);
        break;
      default:
        stream.write(failure(`unknown command ${command}`));
        stream.end();
        return;
    }
  }
  stream.end();
}

/** Reads exact numbers of bytes from a stream. */
class StreamInput {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AdbStream) {
    this.#chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Null when the stream ends first. */
  async take(count: number): Promise<Buffer | null> {
    while (this.#rest.length < count) {
      const next = await this.#chunks.next().catch(() => ({ done: true as const, value: undefined }));
      if (next.done) return null;
      this.#rest = this.#rest.length === 0 ? next.value : Buffer.concat([this.#rest, next.value]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }
}

/** @returns false when the computer went away in the middle */
async function receiveFile(stream: AdbStream, input: StreamInput, pathAndMode: string, options: SyncOptions): Promise<boolean> {
  const path = pathAndMode.slice(0, pathAndMode.lastIndexOf(','));
  options.onTransfer('push', path);
  const fault = options.storageFault();
  const target = options.files.local(path);
  // Under another name until it is whole, so that a broken push is never taken for a video.
  const partial = `${target}.part`;
  mkdirSync(dirname(target), { recursive: true });
  const file = fault === 'full' ? null : createWriteStream(partial);
  let corrupt = fault === 'corrupt';
  for (;;) {
    const head = await input.take(8);
    const kind = head?.toString('latin1', 0, 4);
    const size = head?.readUInt32LE(4) ?? 0;
    if (kind === 'DONE') {
      await finish(file);
      if (fault === 'full') {
        stream.write(failure("couldn't write data: No space left on device"));
        return true;
      }
      utimesSync(partial, size, size);
      renameSync(partial, target);
      stream.write(reply('OKAY', 0));
      return true;
    }
    const data = kind === 'DATA' ? await input.take(size) : null;
    if (!data) {
      await finish(file);
      rmSync(partial, { force: true });
      stream.destroy();
      return false;
    }
    const bytes = corrupt ? flipFirstBit(data) : data;
    corrupt = false;
    if (file && !file.write(bytes)) await once(file, 'drain');
  }
}

async function finish(file: ReturnType<typeof createWriteStream> | null): Promise<void> {
  if (!file) return;
  file.end();
  await once(file, 'close');
}

function flipFirstBit(data: Buffer): Buffer {
  const copy = Buffer.from(data);
  copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}

async function sendFile(stream: AdbStream, path: string, options: SyncOptions): Promise<void> {
  options.onTransfer('pull', path);
  if (!options.files.exists(path) || options.files.isFolder(path)) {
    stream.write(failure('No such file or directory'));
    return;
  }
  for await (const chunk of createReadStream(options.files.local(path), { highWaterMark: CHUNK_BYTES })) {
    if (stream.destroyed) return;
    const data = chunk as Buffer;
    if (!stream.write(Buffer.concat([reply('DATA', data.length), data]))) await stream.untilWritten();
  }
  stream.write(reply('DONE', 0));
}

function reply(id: string, value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.write(id, 0, 'latin1');
  buffer.writeUInt32LE(value, 4);
  return buffer;
}

function failure(message: string): Buffer {
  const text = Buffer.from(message, 'utf8');
  return Buffer.concat([reply('FAIL', text.length), text]);
}

function stat1(files: PhoneFiles, path: string): Buffer {
  const entry = files.stat(path);
  const buffer = Buffer.alloc(16);
  buffer.write('STAT', 0, 'latin1');
  buffer.writeUInt32LE(entry?.mode ?? 0, 4);
  buffer.writeUInt32LE(entry?.size ?? 0, 8);
  buffer.writeUInt32LE(entry?.mtimeSeconds ?? 0, 12);
  return buffer;
}

/** 72 bytes: id, error, dev, inode, mode, links, uid, gid, size, access, change, creation time. */
function stat2(files: PhoneFiles, path: string, id: string): Buffer {
  const entry = files.stat(path);
  const buffer = Buffer.alloc(72);
  buffer.write(id, 0, 'latin1');
  if (!entry) {
    buffer.writeUInt32LE(NO_ENTRY, 4);
    return buffer;
  }
  buffer.writeUInt32LE(entry.mode, 24);
  buffer.writeUInt32LE(1, 28);
  buffer.writeBigUInt64LE(BigInt(entry.size), 40);
  for (const at of [48, 56, 64]) buffer.writeBigInt64LE(BigInt(entry.mtimeSeconds), at);
  return buffer;
}

/** DENT: mode, size, time, name length, name. DNT2: as STA2 with the name behind. Then DONE of the same shape. */
function* list(files: PhoneFiles, path: string, command: 'LIST' | 'LIS2'): Generator<Buffer> {
  const names = files.isFolder(path) ? readdirSync(files.local(path)) : [];
  for (const name of names) {
    const bytes = Buffer.from(name, 'utf8');
    const entry = posix.join(path, name);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    const head = command === 'LIST' ? stat1(files, entry) : stat2(files, entry, 'DNT2');
    if (command === 'LIST') head.write('DENT', 0, 'latin1');
    yield Buffer.concat([head, length, bytes]);
  }
  const done = Buffer.alloc(command === 'LIST' ? 20 : 76);
  done.write('DONE', 0, 'latin1');
  yield done;
}
