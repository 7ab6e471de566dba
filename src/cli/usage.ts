/**
 * A wrong command line, in one sentence that says what to write instead.
 *
 * The predecessors' flags are known here, because their users' scripts and
 * fingers still have them.
 */
import { nearestWord } from '../runtime/nearest-word.ts';

const FORMER: Readonly<Record<string, string>> = {
  '--retry-all': 'use --retry all',
  '--force': 'a dead or hung holder is replaced by the next start, and a living one must never be pushed aside: use --run, or --stop first',
  '--force-reseed': 'nothing can wipe the record of a post: use --add-folder for new videos, with --again for a wanted repeat',
  '--reset-day': "the day is the account's local date, and nothing can wipe the record of a post: the next one begins by itself",
  '--campaign': 'use --import FOLDER, which takes its accounts, captions, videos and progress',
  '-c': 'use --import FOLDER, which takes its accounts, captions, videos and progress',
  '--list-campaigns': 'a campaign is a folder, imported by --import FOLDER: use --status and --plan for what came of it',
  '--device': 'an account has its phone: write `accounts: [{name: …, device: geelark:NAME}]` in scheduler.yaml',
  '-d': 'an account has its phone: write `accounts: [{name: …, device: geelark:NAME}]` in scheduler.yaml',
  '--ai-only': 'the steps in an app are data: correct flows/APP.yaml where a screen has changed',
  '--no-ai-fallback': 'the steps in an app are data, and nothing is guessed: leave the flag out',
  '--worker-id': 'workers are loops of one process: use --workers N',
  '--num-workers': 'workers are loops of one process: use --workers N',
  '--progress-file': 'the queue is a database: use --import FILE.csv and --export FILE.csv',
};

const WORD_SHOWN = 40;

export interface WrongLine {
  /** Commander's own, which starts with `error: ` and may end in a suggestion on a second line. */
  readonly message: string;
  readonly argv: readonly string[];
  /** Every flag there is, by its long name, and whether something may stand behind it. */
  readonly flags: ReadonlyMap<string, boolean>;
}

export function explainUsage({ message, argv, flags }: WrongLine): string {
  const text = message
    .replace(/^error:\s*/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
  const unknown = /unknown option '(--?[^'=\s]+)/.exec(text)?.[1];
  if (unknown !== undefined) return unknownFlag(unknown, flags);
  if (/too many arguments/.test(text)) return strayWord(argv, flags);
  const [, flag, word, why] = /^option '(--[a-z-]+).*?' argument '(.*)' is invalid\. (.*)$/.exec(text) ?? [];
  if (flag !== undefined) return `${flag} does not take "${cut(word ?? '')}": ${why}`;
  const [, bare, wanted] = /^option '(--[a-z-]+) <(.*)>' argument missing$/.exec(text) ?? [];
  return bare === undefined ? text : `${bare} needs something behind it: ${bare} ${wanted?.toUpperCase()}`;
}

function cut(word: string): string {
  return word.length <= WORD_SHOWN ? word : `${word.slice(0, WORD_SHOWN)}…`;
}

function unknownFlag(flag: string, flags: WrongLine['flags']): string {
  // What commander does not know is a known flag only when it was written with a value: --json=1.
  if (flags.has(flag)) return `${flag} takes no value: write ${flag} alone`;
  const former = FORMER[flag];
  if (former !== undefined) return `there is no flag ${flag} (any more); ${former}`;
  const meant = nearestWord(flag.replace(/^-+/, ''), namesOf(flags));
  return `there is no flag ${flag}${meant === null ? '' : `; did you mean --${meant}?`}`;
}

/** The first word that no flag before it can have meant for itself. */
function strayWord(argv: readonly string[], flags: WrongLine['flags']): string {
  const stray = argv.find((word, index) => !word.startsWith('-') && flags.get(argv[index - 1] ?? '') !== true);
  if (stray === undefined) return 'a word stands where a flag was expected; put values with spaces in quotes';
  const meant = nearestWord(stray.replace(/^[\u2010-\u2015\u2212]+/, ''), namesOf(flags));
  const instead = meant === null ? 'put a value behind its flag, and one with spaces in quotes' : `did you mean --${meant}?`;
  return `"${stray}" stands where a flag was expected; ${instead}`;
}

function namesOf(flags: WrongLine['flags']): readonly string[] {
  return [...flags.keys()].map((flag) => flag.replace(/^--/, ''));
}
