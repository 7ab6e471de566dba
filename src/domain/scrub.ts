/** Takes secrets out of a line before it is written anywhere. Knows what secrets look like, not where they come from. */

const HIDDEN = '[redacted]';

/** What is called so is a secret, whatever it is. */
export const SECRET_NAME = /token|passw(?:or)?d|pwd|secret|credentials?|authorization|api[-_]?key|cookie/i;
const NAME = SECRET_NAME.source;

const JSON_FIELD = new RegExp(String.raw`("[^"]{0,40}(?:${NAME})":\s*)"(?:[^"\\]|\\.)*"`, 'gi');
/** The same in text that was quoted into JSON once more. */
const QUOTED_FIELD = new RegExp(String.raw`(\\"[^"\\]{0,40}(?:${NAME})\\":\s*)\\"[^"\\]*\\"`, 'gi');
const GLOGIN = /(\bglogin\s+)(?!to\b)[^\s"\\']+/gi;
const BEARER = /(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}/gi;
const ASSIGNED = new RegExp(String.raw`((?:${NAME})\s{0,2}=\s{0,2})[^\s"'\\&,;]+`, 'gi');
const URL_USER = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"]{1,100}:)[^\s/@"]{1,200}(?=@)/gi;

/**
 * A function that replaces secrets in a line of text or JSON.
 *
 * @param values secrets known by their value; those shorter than four characters would hide half of the log and are not looked for
 */
export function scrubber(values: readonly string[]): (line: string) => string {
  const known = values.filter((value) => value.length >= 4).flatMap((value) => [JSON.stringify(value).slice(1, -1), value]);
  return (line) => {
    let clean = line;
    for (const value of known) clean = clean.replaceAll(value, HIDDEN);
    return clean
      .replace(JSON_FIELD, `$1"${HIDDEN}"`)
      .replace(QUOTED_FIELD, `$1\\"${HIDDEN}\\"`)
      .replace(GLOGIN, `$1${HIDDEN}`)
      .replace(BEARER, `$1${HIDDEN}`)
      .replace(ASSIGNED, `$1${HIDDEN}`)
      .replace(URL_USER, `$1${HIDDEN}`);
  };
}
