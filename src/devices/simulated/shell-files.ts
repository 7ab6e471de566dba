/**
 * The phone's file commands: `[`, cat, df, echo, ls, mkdir, rm, sha256sum, stat
 * and the few builtins that adb clients use.
 *
 * Messages are those of Android's toybox.
 */
import { createReadStream, readdirSync } from 'node:fs';
import { basename, posix } from 'node:path';
import { isoTime } from '../../runtime/clock.ts';
import type { PhoneFiles } from './phone-files.ts';
import type { ShellIo, ShellProgram } from './shell-program.ts';

export const FILE_COMMANDS: Readonly<Record<string, ShellProgram>> = {
  true: () => 0,
  false: () => 1,
  ':': () => 0,
  // Variables are not supported; setting one harms nobody.
  export: () => 0,
  echo: (args, io) => {
    const bare = args[0] === '-n';
    io.out(args.slice(bare ? 1 : 0).join(' ') + (bare ? '' : '\n'));
    return 0;
  },
  sleep: async (args, io, { clock }) => {
    await clock.sleep(Number(args[0] ?? 0) * 1000, 'simulated sleep', io.closed);
    return 0;
  },
  id: (_args, io) => {
    io.out('uid=2000(shell) gid=2000(shell)\n');
    return 0;
  },
  date: (args, io, { clock }) => {
    io.out(args[0] === '+%s' ? `${Math.floor(clock.now() / 1000)}\n` : `${isoTime(clock.now())}\n`);
    return 0;
  },
  '[': (args, io, { phone }) => {
    if (args.at(-1) === ']') return test(args.slice(0, -1), phone.files);
    io.err('/system/bin/sh: [: missing ]\n');
    return 2;
  },
  test: (args, _io, { phone }) => test(args, phone.files),
  ls: (args, io, { phone }) => list(args, io, phone.files),
  mkdir: (args, io, { phone }) => {
    for (const path of operands(args)) {
      if (args.includes('-p') || !phone.files.exists(path)) phone.files.makeFolder(path);
      else return fail(io, `mkdir: '${path}': File exists`);
    }
    return 0;
  },
  rm: (args, io, { phone }) => {
    const flags = args.filter((arg) => /^-[a-z]+$/i.test(arg)).join('');
    for (const path of operands(args)) {
      if (!phone.files.exists(path)) {
        if (!flags.includes('f')) return fail(io, `rm: ${path}: No such file or directory`);
      } else if (phone.files.isFolder(path) && !/r/i.test(flags)) return fail(io, `rm: ${path}: is directory`);
      else phone.files.remove(path, true);
    }
    return 0;
  },
  cat: async (args, io, { phone }) => {
    for (const path of operands(args)) {
      if (!phone.files.exists(path)) return fail(io, `cat: ${path}: No such file or directory`);
      for await (const chunk of createReadStream(phone.files.local(path), 'utf8')) io.out(chunk as string);
    }
    return 0;
  },
  // The only link there is; every phone has a kernel of its own.
  readlink: (args, io) => {
    if (args[0] !== '/proc/self/ns/mnt') return 1;
    io.out('mnt:[4026531840]\n');
    return 0;
  },
  sha256sum: async (args, io, { phone }) => {
    for (const path of operands(args)) {
      if (!phone.files.exists(path) || phone.files.isFolder(path)) return fail(io, `sha256sum: ${path}: No such file or directory`);
      const sum = await phone.files.sha256(path);
      io.out(args.includes('-b') ? `${sum}\n` : `${sum}  ${path}\n`);
    }
    return 0;
  },
  stat: (args, io, { phone }) => stat(args, io, phone.files),
  df: (_args, io) => {
    io.out(
      'Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/fuse       54657024 9876543  44649409  19% /storage/emulated\n',
    );
    return 0;
  },
};

function fail(io: ShellIo, message: string): number {
  io.err(`${message}\n`);
  return 1;
}

/** Arguments that are no options; all after `--` are operands. */
function operands(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  if (end !== -1) return args.slice(end + 1);
  return args.filter((arg) => !/^-[A-Za-z]/.test(arg));
}

function test(args: readonly string[], files: PhoneFiles): number {
  if (args[0] === '!') return test(args.slice(1), files) === 0 ? 1 : 0;
  const [first = '', second, third] = args;
  let answer: boolean;
  if (args.length === 3) answer = second === '!=' ? first !== third : first === third;
  else if (first === '-e') answer = files.exists(second ?? '');
  else if (first === '-f') answer = files.exists(second ?? '') && !files.isFolder(second ?? '');
  else if (first === '-d') answer = files.isFolder(second ?? '');
  else if (first === '-s') answer = (files.stat(second ?? '')?.size ?? 0) > 0;
  else if (first === '-z') answer = (second ?? '') === '';
  else if (first === '-n') answer = (second ?? '') !== '';
  else answer = first !== '';
  return answer ? 0 : 1;
}

function list(args: readonly string[], io: ShellIo, files: PhoneFiles): number {
  const long = args.some((arg) => /^-[a-zA-Z]*l/.test(arg));
  const itself = args.some((arg) => /^-[a-zA-Z]*d/.test(arg));
  const paths = operands(args);
  let code = 0;
  for (const path of paths.length > 0 ? paths : ['/']) {
    if (!files.exists(path)) {
      code = fail(io, `ls: ${path}: No such file or directory`);
      continue;
    }
    const folder = files.isFolder(path) && !itself;
    const names = folder ? readdirSync(files.local(path)).sort() : [path];
    for (const name of names) io.out(`${long ? longEntry(name, files.stat(folder ? posix.join(path, name) : path)) : name}\n`);
  }
  return code;
}

function longEntry(name: string, entry: ReturnType<PhoneFiles['stat']>): string {
  const folder = ((entry?.mode ?? 0) & 0o170000) === 0o040000;
  const when = isoTime((entry?.mtimeSeconds ?? 0) * 1000)
    .slice(0, 16)
    .replace('T', ' ');
  return `${folder ? 'drwxrwx--x 2' : '-rw-rw---- 1'} root media_rw ${entry?.size ?? 0} ${when} ${name}`;
}

function stat(args: readonly string[], io: ShellIo, files: PhoneFiles): number {
  const flag = args.indexOf('-c');
  const format = flag === -1 ? '%n %s' : (args[flag + 1] ?? '');
  const paths = operands(flag === -1 ? args : args.filter((_, at) => at !== flag && at !== flag + 1));
  let code = 0;
  for (const path of paths) {
    const entry = files.stat(path);
    if (!entry) {
      code = fail(io, `stat: '${path}': No such file or directory`);
      continue;
    }
    const values: Readonly<Record<string, string>> = {
      n: path,
      N: basename(path),
      s: String(entry.size),
      Y: String(entry.mtimeSeconds),
      a: (entry.mode & 0o7777).toString(8),
      F: files.isFolder(path) ? 'directory' : 'regular file',
    };
    io.out(`${format.replace(/%([a-zA-Z])/g, (whole, letter: string) => values[letter] ?? whole)}\n`);
  }
  return code;
}
