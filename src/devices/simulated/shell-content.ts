/**
 * The phone's `content` command: query, delete and call on the media store.
 *
 * Rows are printed as Android prints them (`Row: 0 _id=1, _data=...`). A `--where`
 * that is more than column = value joined by AND is an error here.
 */

import type { Phone } from './phone.ts';
import type { MediaRow } from './phone-files.ts';
import type { ShellIo, ShellProgram } from './shell-program.ts';

const COLUMNS: Readonly<Record<string, (row: MediaRow) => string>> = {
  _id: (row) => String(row.id),
  _data: (row) => row.path,
  _display_name: (row) => row.name,
  _size: (row) => String(row.bytes),
  date_added: (row) => String(row.addedSeconds),
  mime_type: () => 'video/mp4',
};

/** Makes the gallery see a path, or forget it when it is gone. */
export function scanMedia(phone: Phone, path: string, nowMs: number): MediaRow | null {
  if (phone.faults.take('scan_lost')) return null;
  return phone.files.scan(path, Math.floor(nowMs / 1000));
}

export const CONTENT_COMMAND: ShellProgram = (args, io, { phone, clock }) => {
  const [verb = ''] = args;
  const option = (name: string): string | null => (args.includes(name) ? (args[args.indexOf(name) + 1] ?? '') : null);
  const uri = option('--uri') ?? '';
  if (!uri.startsWith('content://media')) return fail(io, `[ERROR] Could not find provider: ${uri}`);
  if (verb === 'call') return call(io, phone, { method: option('--method') ?? '', path: option('--arg') ?? '', nowMs: clock.now() });
  const matches = rowFilter(uri, option('--where'));
  if (!matches) return fail(io, `[ERROR] near "${option('--where')}": syntax error (SQLITE_ERROR)`);
  if (verb === 'query') return query(io, phone.files.media().filter(matches), option('--projection'));
  if (verb === 'delete') {
    for (const row of phone.files.media().filter(matches)) phone.files.remove(row.path, false);
    phone.files.forget(matches);
    return 0;
  }
  return fail(io, `[ERROR] Unsupported command: ${verb}`);
};

function fail(io: ShellIo, message: string): number {
  io.err(`${message}\n`);
  return 1;
}

function call(io: ShellIo, phone: Phone, request: { readonly method: string; readonly path: string; readonly nowMs: number }): number {
  if (request.method === 'scan_volume') {
    if (!phone.faults.take('scan_lost')) phone.files.scanAll(Math.floor(request.nowMs / 1000));
    io.out('Result: Bundle[{uri=null}]\n');
    return 0;
  }
  if (request.method !== 'scan_file') return fail(io, `[ERROR] Unsupported method: ${request.method}`);
  const row = scanMedia(phone, request.path, request.nowMs);
  io.out(row ? `Result: Bundle[{uri=content://media/external_primary/video/media/${row.id}}]\n` : 'Result: Bundle[{uri=null}]\n');
  return 0;
}

function query(io: ShellIo, rows: readonly MediaRow[], projection: string | null): number {
  const columns = projection === null || projection === '' ? Object.keys(COLUMNS) : projection.split(':');
  const unknown = columns.find((column) => !(column in COLUMNS));
  if (unknown !== undefined) return fail(io, `[ERROR] Invalid column ${unknown}`);
  if (rows.length === 0) io.out('No result found.\n');
  for (const [at, row] of rows.entries())
    io.out(`Row: ${at} ${columns.map((column) => `${column}=${COLUMNS[column]?.(row)}`).join(', ')}\n`);
  return 0;
}

/** Which rows a uri and a where clause mean; null when the clause is not understood. */
function rowFilter(uri: string, where: string | null): ((row: MediaRow) => boolean) | null {
  const id = /\/(\d+)$/.exec(uri)?.[1];
  const tests: ((row: MediaRow) => boolean)[] = id === undefined ? [] : [(row) => String(row.id) === id];
  if (where !== null && where.trim() !== '') {
    const term = /\s*(\w+)\s*(=|LIKE)\s*(?:'((?:[^']|'')*)'|"([^"]*)"|(\d+))\s*(AND\b|$)/iy;
    let at = 0;
    while (at < where.length) {
      term.lastIndex = at;
      const match = term.exec(where);
      const read = COLUMNS[match?.[1] ?? ''];
      if (!match || !read) return null;
      const value = match[3]?.replaceAll("''", "'") ?? match[4] ?? match[5] ?? '';
      tests.push(match[2] === '=' ? (row) => read(row) === value : (row) => like(read(row), value));
      at = term.lastIndex;
    }
  }
  return (row) => tests.every((test) => test(row));
}

function like(actual: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '[\\s\\S]*')
    .replaceAll('_', '[\\s\\S]');
  return new RegExp(`^${source}$`, 'i').test(actual);
}
