/**
 * The plain case of `--status`, read without the command line's library: a look
 * must take 150 ms in all, and half of the plain reading is loading that library.
 */

export interface QuickStatus {
  readonly home: string | null;
  readonly json: boolean;
}

/** null = not the plain case; options.ts reads it then. */
export function quickStatus(argv: readonly string[]): QuickStatus | null {
  let home: string | null = null;
  let json = false;
  let status = false;
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index];
    const next = argv[index + 1];
    if (word === '--status') status = true;
    else if (word === '--json') json = true;
    else if (word === '--home' && next && !next.startsWith('-')) {
      home = next;
      index += 1;
    } else return null;
  }
  return status ? { home, json } : null;
}
