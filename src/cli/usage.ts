/**
 * A wrong command line, in one sentence that says what to write instead.
 *
 * The predecessors' flags are known here, because their users' scripts and
 * fingers still have them.
 */

const FORMER: Readonly<Record<string, string>> = {
  '--retry-all': '--retry all',
  '--retry-all-failed': '--retry all',
  '--stop-all': '--stop',
  '--force': '--run (a dead or hung holder is replaced by itself)',
  '--force-reseed': '--add-folder DIR --again',
  '--campaign': '--import FOLDER',
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
    if (former !== undefined) return `there is no flag ${unknown} (any more); use ${former}`;
    const suggestion = /Did you mean (?:one of )?(.+)\?\)/.exec(text)?.[1];
    return `there is no flag ${unknown}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
  }
  if (/too many arguments/.test(text))
    return 'a word stands where a flag was expected; put values behind their flag, and names with spaces in quotes';
  return text;
}
