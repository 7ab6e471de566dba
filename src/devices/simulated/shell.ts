/**
 * The phone's shell: runs a parsed command line, command after command.
 *
 * The commands are in shell-files.ts and shell-android.ts; how output and exit
 * codes travel is the service's business.
 */
import { ANDROID_COMMANDS } from './shell-android.ts';
import { FILE_COMMANDS } from './shell-files.ts';
import { parseShellLine, type ShellCommand, ShellSyntaxError } from './shell-line.ts';
import type { ShellContext, ShellIo, ShellProgram } from './shell-program.ts';

const PROGRAMS: Readonly<Record<string, ShellProgram>> = { ...FILE_COMMANDS, ...ANDROID_COMMANDS };

/** @returns the exit code of the last command that ran */
export async function runShellLine(line: string, io: ShellIo, context: ShellContext): Promise<number> {
  let commands: ShellCommand[];
  try {
    commands = parseShellLine(line);
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error;
    io.err(`/system/bin/sh: ${error.message}\n`);
    return 1;
  }
  let code = 0;
  for (const command of commands) {
    if (io.closed.aborted) return 130;
    if ((command.when === 'success' && code !== 0) || (command.when === 'failure' && code === 0)) continue;
    code = await runCommand(command, io, context);
  }
  return code;
}

/** The name that fault switches use: `shell:sha256sum`. Null when there is none. */
export function programNames(line: string): string[] {
  try {
    return parseShellLine(line).map(({ argv }) => (argv[0] === 'exec' ? argv[1] : argv[0]) ?? '');
  } catch {
    return [];
  }
}

async function runCommand(command: ShellCommand, io: ShellIo, context: ShellContext): Promise<number> {
  const argv = command.argv[0] === 'exec' ? command.argv.slice(1) : command.argv;
  const [name = '', ...args] = argv;
  const program = PROGRAMS[name];
  let toFile = '';
  const target = command.stdoutTo;
  const keep = (text: string): void => {
    toFile += text;
  };
  const out = target ? keep : io.out;
  const err = command.stderrTo === 'nowhere' ? () => undefined : command.stderrTo === 'stdout' ? out : io.err;
  if (!program) {
    err(`/system/bin/sh: ${name}: inaccessible or not found\n`);
    return 127;
  }
  const code = await program(args, { ...io, out, err }, context);
  if (target && target.path !== '/dev/null') context.phone.files.write(target.path, toFile, target.append);
  return code;
}
