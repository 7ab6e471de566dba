/** What may stand behind a flag: names, whole numbers, durations, path mappings; and what to say when it may not. */
import { ACCOUNT_NAME_RULE, isAccountName } from '../domain/account.ts';
import { parseDuration } from '../domain/duration.ts';

/** What stands behind a flag is not meant for it, as a clause. The code is the one by which commander knows whose word it was. */
class FlagProblem extends Error {
  readonly code = 'commander.invalidArgument';
  readonly exitCode = 1;
}

export function keep(word: string): readonly string[] {
  return [word];
}

/** `a,b` and `@a`: people copy handles as the app shows them. */
export function names(word: string): readonly string[] {
  const found = word.split(/[\s,]+/).filter((name) => name !== '');
  if (found.length === 0) throw new FlagProblem('it names no account');
  return found.map(oneName);
}

/** Accounts that may be new: their names must be possible ones. */
export function newNames(word: string): readonly string[] {
  const found = names(word);
  if (!found.every(isAccountName)) throw new FlagProblem(`the name of an account ${ACCOUNT_NAME_RULE}`);
  return found;
}

/** An account that is there: an old home may know it by a name that could not be added any more. */
export function oneName(word: string): string {
  const name = word.trim().replace(/^@/, '');
  if (!/^[^\s,/\\:]+$/.test(name)) throw new FlagProblem('it is no name of an account');
  return name;
}

/** `alice` is an account, `phone:NAME` a phone; nothing behind the flag = all of it. */
export function pausable(word: string): { readonly account: string } | { readonly device: string } {
  return word.startsWith('phone:') ? { device: word.slice('phone:'.length) } : { account: word.replace(/^@/, '') };
}

export function mapping(word: string): readonly { from: string; to: string }[] {
  const at = word.indexOf('=');
  if (at <= 0 || at === word.length - 1) throw new FlagProblem('write it as FROM=TO');
  return [{ from: word.slice(0, at), to: word.slice(at + 1) }];
}

export function whole(least: number): (word: string) => number {
  return (word) => {
    const value = Number(word);
    if (!/^\d+$/.test(word) || !Number.isSafeInteger(value) || value < least) {
      throw new FlagProblem(`it must be a whole number, at least ${least}`);
    }
    return value;
  };
}

export function integer(word: string): number {
  if (!/^-?\d{1,9}$/.test(word)) throw new FlagProblem('it must be a whole number');
  return Number(word);
}

export function duration(word: string): number {
  const ms = parseDuration(word);
  if (ms === null) throw new FlagProblem('it must be a duration such as 30, 15s, 10m or 1h');
  return ms;
}
