/**
 * Reads a command line as the phone's shell does: words, quotes, escapes,
 * `&&`, `||`, `;` and redirections.
 *
 * Knows no command. What it does not support (pipes, variables, sub-shells) is an error, never a guess.
 */

export interface ShellCommand {
  readonly argv: readonly string[];
  /** When it runs, judged by the exit code of the command before it. */
  readonly when: 'always' | 'success' | 'failure';
  /** The file that stdout goes to, `/dev/null` included. */
  readonly stdoutTo: { readonly path: string; readonly append: boolean } | null;
  readonly stderrTo: 'stderr' | 'stdout' | 'nowhere';
}

export class ShellSyntaxError extends Error {}

type Token = { readonly kind: 'word'; readonly text: string } | { readonly kind: 'operator'; readonly text: string };

const OPERATORS = ['2>&1', '&&', '||', '2>', '>>', '1>', '>', ';', '\n', '|', '&', '<', '(', ')'];

/** @throws ShellSyntaxError */
export function parseShellLine(line: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let when: ShellCommand['when'] = 'always';
  let draft = emptyDraft();
  const finish = (operator: string): void => {
    if (draft.argv.length > 0) commands.push({ ...draft, when });
    else if (operator === '&&' || operator === '||') throw new ShellSyntaxError(`syntax error: unexpected '${operator}'`);
    draft = emptyDraft();
    when = operator === '&&' ? 'success' : operator === '||' ? 'failure' : 'always';
  };
  const tokens = tokenize(line);
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.kind === 'word') {
      draft.argv.push(token.text);
      continue;
    }
    switch (token.text) {
      case '&&':
      case '||':
      case ';':
      case '\n':
        finish(token.text);
        break;
      case '2>&1':
        draft.stderrTo = 'stdout';
        break;
      case '>':
      case '1>':
      case '>>':
      case '2>': {
        const target = tokens[++index];
        if (target?.kind !== 'word') throw new ShellSyntaxError(`syntax error: nothing after '${token.text}'`);
        if (token.text === '2>') draft.stderrTo = 'nowhere';
        else draft.stdoutTo = { path: target.text, append: token.text === '>>' };
        break;
      }
      default:
        throw new ShellSyntaxError(`syntax error: '${token.text}' is not supported by the simulated phone`);
    }
  }
  finish(';');
  return commands;
}

function emptyDraft(): { argv: string[]; stdoutTo: ShellCommand['stdoutTo']; stderrTo: ShellCommand['stderrTo'] } {
  return { argv: [], stdoutTo: null, stderrTo: 'stderr' };
}

function tokenize(line: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < line.length) {
    const char = line[at] as string;
    if (char === ' ' || char === '\t' || char === '\r') {
      at++;
      continue;
    }
    const operator = OPERATORS.find((candidate) => line.startsWith(candidate, at));
    if (operator) {
      tokens.push({ kind: 'operator', text: operator });
      at += operator.length;
      continue;
    }
    const word = readWord(line, at);
    tokens.push({ kind: 'word', text: word.text });
    at = word.end;
  }
  return tokens;
}

function readWord(line: string, start: number): { readonly text: string; readonly end: number } {
  let text = '';
  let at = start;
  while (at < line.length) {
    const char = line[at] as string;
    if (char === "'") {
      const end = line.indexOf("'", at + 1);
      if (end === -1) throw new ShellSyntaxError('syntax error: no closing quote');
      text += line.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      const inner = readDoubleQuoted(line, at + 1);
      text += inner.text;
      at = inner.end;
    } else if (char === '\\') {
      // A backslash before a line end joins the lines.
      if (line[at + 1] !== '\n') text += line[at + 1] ?? '';
      at += 2;
    } else if (/[\s;&|<>()]/.test(char)) {
      break;
    } else {
      text += char;
      at++;
    }
  }
  return { text, end: at };
}

function readDoubleQuoted(line: string, start: number): { readonly text: string; readonly end: number } {
  let text = '';
  for (let at = start; at < line.length; at++) {
    const char = line[at] as string;
    if (char === '"') return { text, end: at + 1 };
    if (char === '\\' && /["\\$`\n]/.test(line[at + 1] ?? '')) {
      at++;
      if (line[at] !== '\n') text += line[at];
    } else {
      text += char;
    }
  }
  throw new ShellSyntaxError('syntax error: no closing quote');
}
