/**
 * Blanks comments, and if wanted the contents of strings, of TypeScript text,
 * so that rules can search code without being fooled by prose. Line breaks and
 * columns stay where they are. A scanner, not a parser: it knows strings,
 * templates with code inside, comments and regular expressions, nothing more.
 */

interface Scanner {
  readonly text: string;
  readonly keepStrings: boolean;
  at: number;
  out: string;
  /** The last character of code that was not blank, for telling a division from a regular expression. */
  previous: string;
}

export function blankComments(text: string): string {
  return scan(text, true);
}

export function blankCommentsAndStrings(text: string): string {
  return scan(text, false);
}

function scan(text: string, keepStrings: boolean): string {
  const scanner: Scanner = { text, keepStrings, at: 0, out: '', previous: '' };
  scanCode(scanner, false);
  return scanner.out;
}

/** Code up to the end, or up to the brace that closes a template's `${`. */
function scanCode(s: Scanner, inTemplate: boolean): void {
  let depth = 0;
  while (s.at < s.text.length) {
    const char = s.text[s.at] ?? '';
    const two = s.text.slice(s.at, s.at + 2);
    if (two === '//') blankTo(s, endOr(s.text.indexOf('\n', s.at), s.text.length));
    else if (two === '/*') blankTo(s, endOr(s.text.indexOf('*/', s.at + 2) + 2, s.text.length, 1));
    else if (char === '"' || char === "'") scanQuoted(s, char);
    else if (char === '`') scanTemplate(s);
    else if (char === '/' && startsRegex(s)) scanRegex(s);
    else {
      if (char === '{') depth += 1;
      if (char === '}') {
        if (inTemplate && depth === 0) return;
        depth -= 1;
      }
      take(s);
    }
  }
}

function endOr(index: number, otherwise: number, missing = -1): number {
  return index === missing ? otherwise : index;
}

function take(s: Scanner): void {
  const char = s.text[s.at] ?? '';
  s.out += char;
  if (char.trim() !== '') s.previous = char;
  s.at += 1;
}

function blankTo(s: Scanner, end: number): void {
  s.out += s.text.slice(s.at, end).replace(/[^\n]/g, ' ');
  s.at = end;
}

function content(s: Scanner, length: number): void {
  if (s.keepStrings) s.out += s.text.slice(s.at, s.at + length);
  else s.out += s.text.slice(s.at, s.at + length).replace(/[^\n]/g, ' ');
  s.at += length;
}

function scanQuoted(s: Scanner, quote: string): void {
  take(s);
  while (s.at < s.text.length && s.text[s.at] !== quote && s.text[s.at] !== '\n') content(s, s.text[s.at] === '\\' ? 2 : 1);
  if (s.text[s.at] === quote) take(s);
}

function scanTemplate(s: Scanner): void {
  take(s);
  while (s.at < s.text.length && s.text[s.at] !== '`') {
    if (s.text.startsWith('${', s.at)) {
      take(s);
      take(s);
      scanCode(s, true);
      if (s.at < s.text.length) take(s);
    } else content(s, s.text[s.at] === '\\' ? 2 : 1);
  }
  if (s.at < s.text.length) take(s);
}

function startsRegex(s: Scanner): boolean {
  if (s.previous === '' || '(,=:[!&|?{};+-*%~^<>'.includes(s.previous)) return true;
  return /\b(?:return|typeof|case|in|of|await)\s*$/.test(s.out);
}

function scanRegex(s: Scanner): void {
  take(s);
  let inClass = false;
  while (s.at < s.text.length && s.text[s.at] !== '\n') {
    const char = s.text[s.at];
    if (char === '/' && !inClass) break;
    if (char === '[') inClass = true;
    if (char === ']') inClass = false;
    content(s, char === '\\' ? 2 : 1);
  }
  if (s.text[s.at] === '/') take(s);
}
