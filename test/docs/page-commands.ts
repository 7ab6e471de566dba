/** The commands that the pages for users and contributors show: which there are, and how a shell would split them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
export const readPage = (page: string) => readFileSync(join(ROOT, page), 'utf8');

const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
].filter((name) => name.endsWith('.md'));
const COMMAND = /^(?:scheduler(?:-phone)? -|npm (?:run|test|install)\b|npx |node )/;

/** Each command once, with the pages that show it. Boxes marked `bash` are scripts and not taken apart. */
export function pageCommands(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const page of PAGES) {
    for (const command of new Set(commandsOf(readPage(page)))) found.set(command, [...(found.get(command) ?? []), page]);
  }
  return found;
}

/** Lines of boxes and words in backticks, without comments and without the words of a shell. */
function commandsOf(text: string): readonly string[] {
  const boxes = [...text.matchAll(/```\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').split('\n'));
  const lines = text.replace(/```[\s\S]*?```/g, '').split('\n');
  const inline = lines.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''));
  const commands = [...boxes, ...inline].map((line) =>
    line
      .replace(/^sudo /, '')
      .replace(/\s+#.*$/, '')
      .trim(),
  );
  return commands.filter((line) => COMMAND.test(line) && !/[│◀]/.test(line));
}

/** As a shell splits it; only single quotes are used in the docs. */
export function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}
