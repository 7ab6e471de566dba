/**
 * Finds our own caption in somebody else's text. People write "banned" and
 * "timeout" into captions, and drivers repeat what was typed: that is evidence
 * of nothing. Knows nothing of what texts mean.
 */

/** What stands in its place. */
const MARK = '<caption>';
/** A text may have cut the caption: so many of its first characters are the caption, or all if there are fewer. */
const KEY = 24;
const LEAST = 4;
/** A page source writes the lines of a caption one by one; a short line may be a word of anybody's. */
const LEAST_OF_LINE = 12;
const LINES = 40;
const LOOKED_AT = 10_000;

/** The text with the caption, whole or cut, and its lines replaced by `<caption>`. Takes time by the length of the text alone. */
export function withoutCaption(text: string, caption: string): string {
  const lines = caption.slice(0, LOOKED_AT).split(/\r?\n/, LINES);
  return lines.reduce((rest, line) => replaced(rest, line, LEAST_OF_LINE), replaced(text, caption, LEAST));
}

function replaced(text: string, part: string, least: number): string {
  if (part.length < least) return text;
  const key = part.slice(0, KEY);
  const kept: string[] = [];
  let from = 0;
  for (let at = text.indexOf(key); at !== -1; at = text.indexOf(key, from)) {
    kept.push(text.slice(from, at));
    from = at + key.length;
    while (from < text.length && from - at < part.length && text[from] === part[from - at]) from += 1;
  }
  return [...kept, text.slice(from)].join(MARK);
}
