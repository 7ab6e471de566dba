/**
 * Looks at one video before it is queued: can it be played, and which bytes is
 * it. The one home of `mediainfo.js`, which (unlike ffprobe) sees that a file
 * was cut off in the middle. Never reads a whole video into memory.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { MediaInfo, MediaInfoResult } from 'mediainfo.js';

type Track = NonNullable<MediaInfoResult['media']>['track'][number];

/** One at a time inside: the analyser is one WASM instance and keeps state between calls. */
export class VideoChecker {
  #analyser: Promise<MediaInfo<'object'>> | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #buffer = new Uint8Array(0);

  /** Why the file cannot be published, in words; null = it is in order. Never throws. */
  async check(path: string): Promise<string | null> {
    let file: FileHandle;
    try {
      file = await open(path, 'r');
    } catch (error) {
      return `it cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`;
    }
    const result = this.#last.then(() => this.#analyse(file));
    this.#last = result.catch(() => undefined);
    try {
      return await result;
    } catch (error) {
      return `it cannot be read (${error instanceof Error ? error.message : String(error)})`;
    } finally {
      await file.close();
    }
  }

  /** Ends the analyser; the checker may not be used any more. */
  async close(): Promise<void> {
    await this.#last;
    (await this.#analyser)?.close();
  }

  async #analyse(file: FileHandle): Promise<string | null> {
    const { size } = await file.stat();
    if (size === 0) return 'it is empty';
    this.#analyser ??= import('mediainfo.js').then(({ default: create }) => create({ format: 'object' }));
    const analyser = await this.#analyser;
    const result = await analyser.analyzeData(size, async (length, offset) => {
      // One for all reads: the analyser copies what it gets before it asks for more.
      if (this.#buffer.length < length) this.#buffer = new Uint8Array(length);
      const { bytesRead } = await file.read(this.#buffer, 0, length, offset);
      return this.#buffer.subarray(0, bytesRead);
    });
    return problemOf(result.media?.track ?? []);
  }
}

function problemOf(tracks: readonly Track[]): string | null {
  const general = tracks.find((track) => track['@type'] === 'General');
  if (general === undefined || !('Format' in general) || general.Format === undefined) return 'it is not a video';
  const extra = (general.extra ?? {}) as Readonly<Record<string, unknown>>;
  if (extra.IsTruncated === 'Yes') return 'it is cut off: the file ends before the video does (copied or downloaded only in part?)';
  if (!tracks.some((track) => track['@type'] === 'Video')) return 'it has no video track';
  const duration = 'Duration' in general ? Number(general.Duration) : 0;
  return duration > 0 ? null : 'it has no duration';
}

/** sha256 of a file's bytes, 64 lower-case hex digits; streamed. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
