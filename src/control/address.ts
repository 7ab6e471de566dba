/**
 * Where the control socket of a home is. Daemon and command line compute it
 * alike, from the home's real path alone.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** The kernel's field holds 108 bytes on Linux and 104 on macOS, the closing zero included. */
const LONGEST_BYTES = 103;

/**
 * `HOME/.control.sock`; where that is too long for the kernel, a hashed name in
 * the user's own folder below the OS's temporary one; on Windows a named pipe.
 *
 * @throws Error when that folder exists and belongs to somebody else
 */
export function controlAddress(home: string, platform: NodeJS.Platform = process.platform): string {
  const real = realHome(home);
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 24);
  if (platform === 'win32') return `\\\\.\\pipe\\posting-scheduler-${hash}`;
  const beside = join(real, '.control.sock');
  return Buffer.byteLength(beside) <= LONGEST_BYTES ? beside : join(ownFolder(), `${hash}.sock`);
}

function realHome(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    return home;
  }
}

/** In a folder that others may write to, another user could put a socket of his own at our name. */
function ownFolder(): string {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `posting-scheduler-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new Error(`${folder} is not this user's own folder (mode 0700)`);
  }
  return folder;
}
