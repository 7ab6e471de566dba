/**
 * The shape of files: how they open, how long they and their functions are,
 * what they and their types are called.
 */
import { dirname } from 'node:path';
import type { Finding, Rule, SourceFile } from './source-file.ts';
import { stem } from './source-file.ts';

const OWN_CODE = /^(?:src|test|bench|scripts|bin)\/.*\.[cm]?[jt]s$/;
const FILE_LINES = 400;
const FUNCTION_LINES = 60;
const HEADER_LINES = 20;
const READING_PATH_LINES = 900;

export const READING_PATH: readonly string[] = [
  'src/main.ts',
  'src/compose.ts',
  'src/scheduler/posting-scheduler.ts',
  'src/scheduler/worker.ts',
  'src/scheduler/attempt.ts',
  'src/domain/job.ts',
];

function ownCode(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => OWN_CODE.test(path) && !path.includes('/fixtures/'));
}

function countLines(text: string): number {
  return text.replace(/\n$/, '').split('\n').length;
}

/** Lines of the comment with which the file opens; 0 when it opens with code. */
function headerLines(text: string): number {
  const body = text.replace(/^#!.*\n/, '');
  const block = /^\/\*[\s\S]*?\*\//.exec(body) ?? /^(?:\/\/.*(?:\n|$))+/.exec(body);
  return block ? countLines(block[0].trimEnd()) : 0;
}

export const filesOpenWithTheirPurpose: Rule = (files) =>
  ownCode(files).flatMap((file): Finding[] => {
    const lines = headerLines(file.text);
    if (lines === 0) return [`${file.path}:1: opens without a comment that says what it is responsible for`];
    return lines > HEADER_LINES ? [`${file.path}:1: its opening comment has ${lines} lines, at most ${HEADER_LINES}`] : [];
  });

export const filesAreShort: Rule = (files) =>
  ownCode(files).flatMap((file): Finding[] => {
    const lines = countLines(file.text);
    return lines > FILE_LINES ? [`${file.path}: ${lines} lines, at most ${FILE_LINES}: split it by responsibility`] : [];
  });

const OPENS_BODY = /(?:\)(?:: [^=]*)?|=>) \{$/;
const NOT_A_FUNCTION = /^ *(?:\} )?(?:if|for|while|switch|catch|else|do|try)\b/;

/** Where the functions of one file begin and how long they are; the formatter makes indentation reliable. */
export function functionLengths(file: SourceFile): { readonly line: number; readonly lines: number }[] {
  const lines = file.code.split('\n');
  const found: { line: number; lines: number }[] = [];
  for (const [opened, line] of lines.entries()) {
    if (!OPENS_BODY.test(line)) continue;
    const indent = /^ */.exec(line)?.[0] ?? '';
    const isHead = (text: string) => text.startsWith(indent) && /^[\w#(<[*]/.test(text.slice(indent.length));
    // Parameters on lines of their own: the head is further up.
    const start = isHead(line) ? opened : lines.slice(0, opened).findLastIndex(isHead);
    const end = lines.findIndex((text, index) => index > opened && text.startsWith(`${indent}}`));
    if (start === -1 || end === -1 || NOT_A_FUNCTION.test(lines[start] ?? '') || NOT_A_FUNCTION.test(line)) continue;
    found.push({ line: start + 1, lines: end - start + 1 });
  }
  return found;
}

export const functionsAreShort: Rule = (files) =>
  files
    .filter(({ path }) => /^src\/.*\.ts$/.test(path))
    .flatMap((file) =>
      functionLengths(file)
        .filter(({ lines }) => lines > FUNCTION_LINES)
        .map(({ line, lines }) => `${file.path}:${line}: a function of ${lines} lines, at most ${FUNCTION_LINES}`),
    );

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const VAGUE = /(?:^|-)(?:utils?|helpers?|common|managers?|misc)(?:-|$)/;
const VAGUE_TYPE = /\b(?:class|interface|type)\s+(I[A-Z][a-z]\w*|\w*(?:Impl|Utils?|Helpers?|Manager))\b/;

export const namesSayWhatIsMeant: Rule = (files) => {
  const findings: Finding[] = [];
  for (const file of ownCode(files)) {
    const parts = [...dirname(file.path).split('/'), stem(file.path)];
    for (const part of parts) {
      if (!KEBAB.test(part)) findings.push(`${file.path}: "${part}" is not kebab-case`);
      if (VAGUE.test(part)) findings.push(`${file.path}: "${part}" does not say what is in it`);
    }
    for (const [index, line] of file.code.split('\n').entries()) {
      const name = VAGUE_TYPE.exec(line)?.[1];
      if (name !== undefined) findings.push(`${file.path}:${index + 1}: the name ${name} does not say what it is`);
    }
  }
  return findings;
};

export const exportsAreNamed: Rule = (files) =>
  files
    .filter(({ path }) => /^src\/.*\.ts$/.test(path) && !path.endsWith('.d.ts'))
    .flatMap((file) =>
      file.code
        .split('\n')
        .flatMap((line, index): Finding[] =>
          /\bexport default\b|\bas default\b/.test(line) ? [`${file.path}:${index + 1}: a default export; export it by name`] : [],
        ),
    );

/** The way a newcomer reads stays short enough for fifteen minutes. */
export const readingPathIsShort: Rule = (files) => {
  const texts = READING_PATH.map((path) => files.find((file) => file.path === path)?.text ?? null);
  const missing = READING_PATH.filter((_, index) => texts[index] === null);
  if (missing.length > 0) return missing.map((path) => `${path}: is on the reading path of docs/architecture.md, but not there`);
  const lengths = texts.map((text) => countLines(text ?? ''));
  const total = lengths.reduce((sum, lines) => sum + lines, 0);
  return total < READING_PATH_LINES
    ? []
    : [`the reading path has ${total} lines (${lengths.join(' + ')}), it stays under ${READING_PATH_LINES}`];
};
