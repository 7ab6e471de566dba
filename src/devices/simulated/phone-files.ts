/**
 * The phone's storage and its media store.
 *
 * Files lie in a folder of the computer, so that a video is never held in memory
 * and survives a restart of the phone. A file is no video of the gallery until it
 * was scanned, and leaves it only by a scan or a delete, as on Android.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface MediaRow {
  readonly id: number;
  /** The canonical path: `/storage/emulated/0/...`, never `/sdcard/...`. */
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  /** Epoch seconds, as the media store has it. */
  readonly addedSeconds: number;
}

interface MediaTable {
  readonly nextId: number;
  readonly rows: readonly MediaRow[];
}

const VIDEO = /\.(mp4|mov|m4v|webm|3gp|mkv)$/i;
/** `/sdcard` is a link on every Android phone; the media store knows the target only. */
const SHARED_STORAGE = '/storage/emulated/0';

export class PhoneFiles {
  readonly #root: string;
  readonly #tablePath: string;
  #table: MediaTable;

  constructor(folder: string) {
    this.#root = join(folder, 'files');
    this.#tablePath = join(folder, 'media.json');
    for (const path of ['/data/local/tmp', '/sdcard/DCIM', '/sdcard/Movies', '/sdcard/Download'])
      mkdirSync(this.local(path), { recursive: true });
    this.#table = existsSync(this.#tablePath)
      ? (JSON.parse(readFileSync(this.#tablePath, 'utf8')) as MediaTable)
      : { nextId: 1000, rows: [] };
  }

  /** The phone's own name for a path: absolute, links resolved, no `..`. */
  canonical(path: string): string {
    const absolute = posix.normalize(posix.join('/', path)).replace(/(.)\/$/, '$1');
    const match = /^\/(sdcard|mnt\/sdcard|storage\/self\/primary)(?=\/|$)/.exec(absolute);
    return match ? SHARED_STORAGE + absolute.slice(match[0].length) : absolute;
  }

  /** Where a phone's path lies on the computer; always inside the phone's folder. */
  local(path: string): string {
    return join(this.#root, this.canonical(path));
  }

  exists(path: string): boolean {
    return existsSync(this.local(path));
  }

  stat(path: string): { readonly mode: number; readonly size: number; readonly mtimeSeconds: number } | null {
    const stats = statSync(this.local(path), { throwIfNoEntry: false });
    if (!stats) return null;
    return {
      mode: stats.isDirectory() ? 0o40771 : 0o100660,
      size: stats.isDirectory() ? 3452 : stats.size,
      mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
    };
  }

  isFolder(path: string): boolean {
    return statSync(this.local(path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  makeFolder(path: string): void {
    mkdirSync(this.local(path), { recursive: true });
  }

  write(path: string, text: string, append = false): void {
    mkdirSync(dirname(this.local(path)), { recursive: true });
    writeFileSync(this.local(path), text, { flag: append ? 'a' : 'w' });
  }

  remove(path: string, recursive: boolean): void {
    rmSync(this.local(path), { recursive, force: true });
  }

  /** Lower-case hex. @throws Error when there is no such file */
  async sha256(path: string): Promise<string> {
    const hash = createHash('sha256');
    await pipeline(createReadStream(this.local(path)), hash);
    return hash.digest('hex');
  }

  /**
   * Makes the gallery agree with one path: a new video is added, a changed one replaced, a removed one forgotten.
   * @returns its row; null when there is no such video
   */
  scan(path: string, nowSeconds: number): MediaRow | null {
    const canonical = this.canonical(path);
    const stat = this.stat(canonical);
    const known = this.#table.rows.find((row) => row.path === canonical);
    if (!stat || this.isFolder(canonical) || !VIDEO.test(canonical)) {
      if (known) this.forget((row) => row === known);
      return null;
    }
    const row: MediaRow = {
      id: known?.id ?? this.#table.nextId,
      path: canonical,
      name: basename(canonical),
      bytes: stat.size,
      addedSeconds: known?.addedSeconds ?? nowSeconds,
    };
    this.#save({
      nextId: known ? this.#table.nextId : this.#table.nextId + 1,
      rows: known ? this.#table.rows.map((other) => (other === known ? row : other)) : [...this.#table.rows, row],
    });
    return row;
  }

  /** Makes the gallery agree with the whole shared storage. */
  scanAll(nowSeconds: number): void {
    const folder = this.local(SHARED_STORAGE);
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) this.scan(join(entry.parentPath, entry.name).slice(this.#root.length), nowSeconds);
    }
    for (const row of this.#table.rows) this.scan(row.path, nowSeconds);
  }

  /** Removes the rows, not the files. @returns how many */
  forget(which: (row: MediaRow) => boolean): number {
    const rows = this.#table.rows.filter((row) => !which(row));
    const gone = this.#table.rows.length - rows.length;
    if (gone > 0) this.#save({ nextId: this.#table.nextId, rows });
    return gone;
  }

  /** In the order of their ids; the newest is the last. */
  media(): readonly MediaRow[] {
    return this.#table.rows;
  }

  #save(table: MediaTable): void {
    this.#table = table;
    writeFileSync(this.#tablePath, JSON.stringify(table));
  }
}
