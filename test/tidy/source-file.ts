/**
 * A file as the tidy rules see it: its text, its code without comments and
 * string contents, and what it imports. Reading the tree is here too; the rules
 * themselves are pure functions over these values and must not touch a disk.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { blankComments, blankCommentsAndStrings } from './scan-code.ts';

export interface Import {
  readonly line: number;
  /** As written: `../domain/job.ts`, `node:fs`, `yaml`. */
  readonly specifier: string;
  /** Path in the repository of a relative import; null for a package. */
  readonly target: string | null;
  /** Name of a third-party package; null for relative imports and Node's own modules. */
  readonly packageName: string | null;
}

export interface SourceFile {
  /** Path in the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Same lines and columns as the text; comments and the contents of strings are blanks. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** One broken rule: `src/a.ts:12: says what, and what to do instead`. */
export type Finding = string;

export type Rule = (files: readonly SourceFile[]) => readonly Finding[];

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\(\s*|\bimport\.meta\.resolve\(\s*)['"]([^'"\n]+)['"]/g;

export function sourceFile(path: string, text: string): SourceFile {
  const isCode = /\.[cm]?[jt]s$/.test(path);
  return { path, text, code: isCode ? blankCommentsAndStrings(text) : '', imports: isCode ? importsOf(path, text) : [] };
}

function importsOf(path: string, text: string): Import[] {
  const bare = blankComments(text);
  return [...bare.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? '';
    const isRelative = specifier.startsWith('.');
    const target = isRelative ? posix.normalize(posix.join(dirname(path), specifier)) : null;
    const isPackage = !isRelative && !specifier.startsWith('node:') && !specifier.startsWith('/');
    const parts = specifier.split('/');
    const packageName = isPackage ? parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/') : null;
    return { line: lineAt(bare, match.index), specifier, target, packageName };
  });
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** The file's name without folder and extensions: `run-flow` of `src/flows/run-flow.ts`. */
export function stem(path: string): string {
  return basename(path).replace(/\..*$/, '');
}

/** Every text file of the checkout that git tracks or would track. */
export function readTree(root: string): SourceFile[] {
  const listing = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
  const files: SourceFile[] = [];
  for (const path of listing
    .split('\0')
    .filter((name) => name !== '')
    .sort()) {
    const text = readText(join(root, path));
    if (text !== null) files.push(sourceFile(path, text));
  }
  return files;
}

/** null for a binary file, and for one that was removed but is still listed. */
function readText(path: string): string | null {
  try {
    const bytes = readFileSync(path);
    return bytes.includes(0) ? null : bytes.toString('utf8');
  } catch {
    return null;
  }
}
