/** Guards promise 3 on Windows: a lock or a snapshot that somebody holds open for a moment is written a moment later. */
import { expect, it } from 'vitest';
import { replaceFile } from '../../src/runtime/replace-file.ts';

function refusing(codes: readonly string[]) {
  const left = [...codes];
  const pauses: number[] = [];
  const written: string[] = [];
  const parts = {
    clock: { sleep: async (ms: number) => pauses.push(ms) > 0 },
    write: async (_path: string, text: string) => {
      const code = left.shift();
      if (code !== undefined) throw Object.assign(new Error(code), { code });
      written.push(text);
    },
  };
  return { parts, pauses, written };
}

it('tries again while the file is held open', async () => {
  const { parts, pauses, written } = refusing(['EPERM', 'EBUSY', 'EACCES']);
  await replaceFile('/x', 'text', 0o600, parts);
  expect({ pauses, written }).toEqual({ pauses: [20, 50, 100], written: ['text'] });
});

it('gives up after more than a second, with what the file system said', async () => {
  const { parts, pauses } = refusing(Array.from({ length: 9 }, () => 'EPERM'));
  await expect(replaceFile('/x', 'text', 0o600, parts)).rejects.toMatchObject({ code: 'EPERM' });
  expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(1_000);
});

it('does not hide any other trouble', async () => {
  const { parts, pauses } = refusing(['ENOSPC']);
  await expect(replaceFile('/x', 'text', 0o600, parts)).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(pauses).toEqual([]);
});
