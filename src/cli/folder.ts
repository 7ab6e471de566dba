/**
 * What lies in a folder of videos: the .mp4 files, the caption files beside
 * them, and the sub-folder each one lies in. Looks only; opens no video.
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join, relative, sep } from 'node:path';
import { SchedulerError } from '../errors.ts';

export interface FoundVideo {
  /** Absolute path. */
  readonly path: string;
  /** Path below the folder, with `/`. */
  readonly name: string;
  readonly stem: string;
  /** Names of the sub-folders it lies in, outermost first. */
  readonly parents: readonly string[];
  /** The .txt beside it; null = there is none. */
  readonly textFile: string | null;
}

export interface FolderContent {
  readonly videos: readonly FoundVideo[];
  /** Absolute paths. */
  readonly csvFiles: readonly string[];
  /** Videos of kinds that are not published, such as .mov. */
  readonly otherVideos: number;
}

const OTHER_VIDEOS = new Set(['.mov', '.avi', '.mkv', '.webm', '.m4v']);

/**
 * @param folder absolute path
 * @throws SchedulerError BAD_USAGE when it is missing, no folder, unreadable, or has no .mp4
 */
export async function readFolder(folder: string): Promise<FolderContent> {
  const files = await list(folder);
  const texts = new Set(files.filter((file) => kind(file) === '.txt'));
  const videos = files.filter((file) => kind(file) === '.mp4').map((path) => describe(folder, path, texts));
  const otherVideos = files.filter((file) => OTHER_VIDEOS.has(kind(file))).length;
  if (videos.length === 0) {
    const hint = otherVideos > 0 ? `; it has ${otherVideos} of other kinds, convert them to .mp4 first` : '';
    throw usage(`the folder ${folder} holds no .mp4 video, neither directly nor in a sub-folder${hint}`);
  }
  return { videos, csvFiles: files.filter((file) => kind(file) === '.csv'), otherVideos };
}

async function list(folder: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw usage(`there is no folder ${folder}`, error);
    if (code === 'ENOTDIR') throw usage(`${folder} is a file; --add-folder takes the folder it lies in`, error);
    throw usage(`the folder ${folder} cannot be read (${code ?? String(error)})`, error);
  }
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    // Hidden ones are copies that macOS and download tools leave behind (`._clip.mp4`).
    if (
      relative(folder, path)
        .split(sep)
        .some((part) => part.startsWith('.'))
    )
      continue;
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) files.push(path);
  }
  return files.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function describe(folder: string, path: string, texts: ReadonlySet<string>): FoundVideo {
  const name = relative(folder, path).split(sep).join('/');
  const textFile = `${path.slice(0, -extname(path).length)}.txt`;
  return {
    path,
    name,
    stem: basename(path, extname(path)),
    parents: name.split('/').slice(0, -1),
    textFile: texts.has(textFile) ? textFile : null,
  };
}

function kind(path: string): string {
  return extname(path).toLowerCase();
}

function usage(what: string, cause?: unknown): SchedulerError {
  return new SchedulerError('BAD_USAGE', { cause, details: { what } });
}
