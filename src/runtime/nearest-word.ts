/** Which word somebody probably meant: for "did you mean" in messages. Knows nothing of what the words stand for. */

/** How far from what was meant a word may be and still be taken for a slip of it. */
function slip(word: string): number {
  return Math.max(2, Math.floor(word.length / 3));
}

/** The known word at the smallest edit distance, when that is small enough to be a slip; null = none. */
export function nearestWord(word: string, known: readonly string[], most = slip(word)): string | null {
  let best: string | null = null;
  let least = most + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's, row by row, with one step for two letters that changed places (Damerau's "optimal string alignment"). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const changed = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : changed;
      next.push(Math.min(changed, swapped, at(row, j) + 1, at(next, j - 1) + 1));
    }
    [before, row] = [row, next];
  }
  return at(row, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] as number;
}
