/**
 * A wrong command line, in one sentence that says what to write instead.
 *
 * The predecessors' flags are known here, because their users' scripts and
 * fingers still have them.
 */

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

/** @param message commander's own, which starts with `error: ` and may end in a suggestion on a second line */
export function explainUsage(message: string): string {
  const text = message
    .replace(/^error:\s*/, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ');
  const unknown = /unknown option '(--?[^'=\s]+)/.exec(text)?.[1];
  if (unknown !== undefined) {
    const former = FORMER[unknown];
    if (former !== undefined) return `there is no flag ${unknown} (any more); ${former}`;
    const suggestion = /Did you mean (?:one of )?(.+)\?\)/.exec(text)?.[1];
    return `there is no flag ${unknown}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
  }
  if (/too many arguments/.test(text))
    return 'a word stands where a flag was expected; put values behind their flag, and names with spaces in quotes';
  return text;
}
