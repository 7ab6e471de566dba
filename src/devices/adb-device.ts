/**
 * A phone that answers over adb: asked whether it lives, given videos.
 *
 * A video is on the phone when its bytes hash there to the queued ones *and* the
 * gallery lists it; a file that no picker shows is of no use. Knows no app.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SchedulerError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Adb, AdbTarget } from './adb.ts';
import type { ConnectedDevice } from './device.ts';
import { ASK_IDENTITY, deviceIdentity } from './device-identity.ts';

/**
 * An album of our own: pickers list it by this name, people see what is ours, and it does not mix with the camera's
 * own. Not DCIM/Camera: phones back that up and sort by capture time, which a posted video does not have.
 */
const FOLDER = '/sdcard/Movies/posting-scheduler';
const VIDEOS = 'content://media/external/video/media';
const PING_LIMIT_MS = 5_000;
/** Slow storage hashes some 20 MB/s, a bad wireless network carries 0.5 MB/s. */
const SLOWEST_BYTES_PER_MS = 500;
const BASE_LIMIT_MS = 30_000;
const LISTED_WITHIN_MS = 5_000;
const LISTED_POLL_MS = 250;

interface Video {
  readonly path: string;
  readonly sha256: string;
  readonly name: string;
}

export interface AdbConnectedDeviceOptions {
  readonly id: string;
  readonly serial: string;
  readonly adb: Adb;
  readonly clock: Clock;
}

export class AdbConnectedDevice implements ConnectedDevice {
  readonly id: string;
  readonly serial: string;
  readonly adbPort: number;
  readonly #adb: Adb;
  readonly #clock: Clock;
  readonly #target: AdbTarget;

  constructor(options: AdbConnectedDeviceOptions) {
    this.id = options.id;
    this.serial = options.serial;
    this.adbPort = options.adb.port;
    this.#adb = options.adb;
    this.#clock = options.clock;
    this.#target = { serial: options.serial, device: options.id };
  }

  async ping(signal: AbortSignal): Promise<void> {
    const answer = await this.#shell(['echo', 'pong'], signal, PING_LIMIT_MS);
    if (answer.trim() !== 'pong')
      throw new SchedulerError('DEVICE_OFFLINE', { details: { device: this.id, text: `it answered "${answer.trim().slice(0, 200)}"` } });
  }

  async identity(signal: AbortSignal): Promise<string | null> {
    try {
      return deviceIdentity(await this.#adb.run(['shell', ASK_IDENTITY], { signal, target: this.#target, limitMs: PING_LIMIT_MS }));
    } catch (error) {
      // Whoever does not answer here says so again, with its own error, when it is to do something.
      if (!(error instanceof SchedulerError) || signal.aborted) throw error;
      return null;
    }
  }

  async pushVideo(video: Video, signal: AbortSignal): Promise<string> {
    const local = resolve(video.path);
    const bytes = await sizeOf(local);
    const limitMs = BASE_LIMIT_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS);
    const remote = `${FOLDER}/${fileName(video.name)}`;
    await this.#shell(['mkdir', '-p', FOLDER], signal);
    try {
      await this.#adb.run(['push', local, remote], { signal, target: this.#target, limitMs });
      await this.#compare({ ...video, path: local }, remote, limitMs, signal);
      await this.#showInGallery(remote, bytes, signal);
    } catch (error) {
      await this.#discard(remote, error, signal);
      throw error;
    }
    return remote;
  }

  async removeVideo(pathOrName: string, signal: AbortSignal): Promise<void> {
    const remotePath = pathOrName.includes('/') ? pathOrName : `${FOLDER}/${fileName(pathOrName)}`;
    const name = remotePath.slice(FOLDER.length + 1);
    if (remotePath !== `${FOLDER}/${fileName(name)}`) throw new Error(`${remotePath} is not a file that pushVideo put there`);
    await this.#shell(['rm', '-f', remotePath], signal);
    await this.#shell(['content', 'delete', '--uri', VIDEOS, '--where', `_display_name='${name}'`], signal);
  }

  async appVersion(name: string, signal: AbortSignal): Promise<string | null> {
    const told = await this.#shell(['dumpsys', 'package', name], signal, PING_LIMIT_MS);
    return /^\s*versionName=(\S{1,40})/m.exec(told)?.[1] ?? null;
  }

  async #compare(video: Video, remote: string, limitMs: number, signal: AbortSignal): Promise<void> {
    const answer = await this.#shell(['sha256sum', remote], signal, limitMs);
    const there = /^\\?([0-9a-f]{64})\b/.exec(answer)?.[1];
    if (there === video.sha256) return;
    // adb 29 exits 0 with an empty answer when the line drops during a shell command (seen).
    if (answer.trim() === '') throw new SchedulerError('DEVICE_OFFLINE', { details: { device: this.id, text: 'it answered nothing' } });
    // The phone may be right and the file another one by now: that is nobody's infrastructure.
    const changed = (await sha256Of(video.path)) !== video.sha256;
    throw new SchedulerError(changed ? 'VIDEO_CHANGED' : 'PUSH_CORRUPTED', { details: { path: video.path, device: this.id, there } });
  }

  /** Three ways, since each Android version has its own; each is believed only when the gallery lists the video. */
  async #showInGallery(remote: string, bytes: number, signal: AbortSignal): Promise<void> {
    const ways: readonly (readonly string[])[] = [
      ['content', 'call', '--uri', 'content://media', '--method', 'scan_file', '--arg', remote],
      ['am', 'broadcast', '-a', 'android.intent.action.MEDIA_SCANNER_SCAN_FILE', '-d', `file://${remote}`],
      ['content', 'call', '--uri', 'content://media', '--method', 'scan_volume', '--arg', 'external_primary'],
    ];
    for (const way of ways) {
      try {
        await this.#shell(way, signal);
      } catch (error) {
        // This Android does not know the way; the next one may do.
        if (!(error instanceof SchedulerError) || error.code !== 'ADB_FAILED') throw error;
      }
      if (await this.#listed(remote, bytes, signal)) return;
    }
    const text = `the gallery does not list ${remote}`;
    throw new SchedulerError('ADB_FAILED', { details: { command: 'media scan', serial: this.serial, text } });
  }

  async #listed(remote: string, bytes: number, signal: AbortSignal): Promise<boolean> {
    const name = remote.slice(FOLDER.length + 1);
    const query = ['content', 'query', '--uri', VIDEOS, '--projection', '_id:_size', '--where', `_display_name='${name}'`];
    const until = this.#clock.monotonic() + LISTED_WITHIN_MS;
    for (;;) {
      const rows = await this.#shell(query, signal);
      // An older row of that name, from a push that was cut, has another size.
      if (new RegExp(`\\b_size=${bytes}\\s*$`, 'm').test(rows)) return true;
      if (this.#clock.monotonic() >= until) return false;
      if (!(await this.#clock.sleep(LISTED_POLL_MS, 'gallery', signal))) throw signal.reason;
    }
  }

  /** Leaves nothing half on a phone that still answers. The first error is the one that counts. */
  async #discard(remote: string, error: unknown, signal: AbortSignal): Promise<void> {
    const unreachable = error instanceof SchedulerError && (error.code === 'ADB_TIMEOUT' || error.code === 'DEVICE_OFFLINE');
    if (unreachable || signal.aborted) return;
    await this.removeVideo(remote, signal).catch(() => undefined);
  }

  async #shell(args: readonly string[], signal: AbortSignal, limitMs: number = BASE_LIMIT_MS): Promise<string> {
    return this.#adb.shell(args, { signal, target: this.#target, limitMs });
  }
}

/** A name that needs no quoting anywhere, in shell, SQL or a picker. */
function fileName(name: string): string {
  const plain = name
    .replace(/\.mp4$/i, '')
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\.+/, '_');
  return `${plain === '' ? '_' : plain}.mp4`;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    throw new SchedulerError('VIDEO_MISSING', {
      cause: error,
      details: { path, text: error instanceof Error ? error.message : String(error) },
    });
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
