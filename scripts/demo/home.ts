/**
 * The rehearsal's home folder and the videos that are to go out. The home is
 * kept between runs; of its scheduler.yaml only the phones' addresses are
 * rewritten, since a simulated phone gets new ports at every start.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { PhoneSetup } from './phones.ts';

export interface Video {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly caption: string;
}

/** What must arrive: the files' own bytes, and the captions as people wrote them. */
export function readVideos(folder: string): Video[] {
  const rows: { filename: string; caption: string }[] = parse(readFileSync(join(folder, 'captions.csv')), { columns: true });
  const captions = new Map(rows.map((row) => [row.filename, row.caption]));
  const files = readdirSync(folder).filter((name) => name.endsWith('.mp4'));
  return files.sort().map((file) => {
    const bytes = readFileSync(join(folder, file));
    const beside = join(folder, `${basename(file, '.mp4')}.txt`);
    const caption = captions.get(file) ?? readFileSync(beside, 'utf8');
    return { file, caption, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}

function firstYaml(phones: readonly (PhoneSetup & { readonly address: string })[]): string {
  const accounts = phones.flatMap((phone) => phone.accounts.map((name) => `  - {name: ${name}, device: ${phone.name}}`));
  return [
    '# The home of the rehearsal. Change what you like; only the addresses are rewritten at each run.',
    'timezone: UTC',
    'defaults: {app: demo, posts_per_day: 3, delay_between_posts: 0.1s}',
    'retry: {initial_delay: 1s}',
    'passes: {delay: 1s}',
    'accounts:',
    ...accounts,
    'devices:',
    '  usb: false',
    '  simulated:',
    ...phones.map((phone) => `    - {name: ${phone.name}, address: "${phone.address}"}`),
    '',
  ].join('\n');
}

/** Makes the home, or tells an existing one where its phones are now. */
export function prepareHome(home: string, phones: readonly (PhoneSetup & { readonly address: string })[]): void {
  mkdirSync(home, { recursive: true });
  const file = join(home, 'scheduler.yaml');
  if (!existsSync(file)) {
    writeFileSync(file, firstYaml(phones));
    return;
  }
  let text = readFileSync(file, 'utf8');
  for (const phone of phones) {
    text = text.replace(new RegExp(`(name: ${phone.name}, address: )"[^"]*"`), (_, before: string) => `${before}"${phone.address}"`);
  }
  writeFileSync(file, text);
}
