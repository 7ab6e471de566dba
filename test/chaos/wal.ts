/**
 * As much of SQLite's WAL format as a test of power loss needs
 * (https://www.sqlite.org/fileformat2.html#walformat): where its last
 * committed frame ends, and which pages it holds. Checksums are SQLite's own
 * business; frames of an earlier round are known by their salts.
 */

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

export interface WalEnd {
  /** Names the round of the WAL; empty = there is none yet. */
  readonly salts: string;
  /** Where its last committed frame ends. */
  readonly offset: number;
}

export interface WalFrame {
  readonly page: number;
  readonly isCommit: boolean;
  readonly endsAt: number;
}

/** Fills the buffer from a position of the file; answers how many bytes there were. */
export type ReadAt = (bytes: Buffer, position: number) => number;

/** @param from an earlier answer, to go on from */
export function endOfWal(read: ReadAt, from: WalEnd): WalEnd {
  const header = headerOf(read);
  if (header === null) return { salts: '', offset: 0 };
  const start = from.salts === header.salts ? from.offset : HEADER_BYTES;
  let offset = start;
  for (const frame of frames(read, header, start)) if (frame.isCommit) offset = frame.endsAt;
  return { salts: header.salts, offset };
}

/** Every frame of the present round, whether its transaction was committed or not. */
export function framesOf(wal: Buffer): { readonly salts: string; readonly pageBytes: number; readonly frames: readonly WalFrame[] } | null {
  const read: ReadAt = (bytes, position) => (position < wal.length ? wal.copy(bytes, 0, position) : 0);
  const header = headerOf(read);
  return header === null ? null : { ...header, frames: [...frames(read, header, HEADER_BYTES)] };
}

function headerOf(read: ReadAt): { readonly salts: string; readonly pageBytes: number } | null {
  const bytes = Buffer.alloc(HEADER_BYTES);
  if (read(bytes, 0) < HEADER_BYTES) return null;
  return { salts: bytes.toString('hex', 16, 24), pageBytes: bytes.readUInt32BE(8) };
}

function* frames(read: ReadAt, header: { readonly salts: string; readonly pageBytes: number }, start: number): Generator<WalFrame> {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  const length = FRAME_HEADER_BYTES + header.pageBytes;
  for (let position = start; read(bytes, position) === FRAME_HEADER_BYTES; position += length) {
    if (bytes.toString('hex', 8, 16) !== header.salts) return;
    yield { page: bytes.readUInt32BE(0), isCommit: bytes.readUInt32BE(4) !== 0, endsAt: position + length };
  }
}
