/**
 * The identity of a post: which account, which bytes, which ordered repeat.
 *
 * The database holds a unique index over it, so it must never depend on a file
 * name, a path or a caption: renaming a video must not publish it again.
 */

/** `account` + sha256 of the video bytes (64 lower-case hex digits) + repeat number (0 unless a person said `--again`). */
export function postKey(account: string, sha256: string, repeat: number): string {
  return `${account}:${sha256}:${repeat}`;
}
