/** A plain table for terminals and pipes alike: the one home of `cli-table3`, which knows how wide CJK and emoji are. */
import Table from 'cli-table3';

const NONE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
};
const INNER = { left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: ' ' };
/** A column is not made narrower than this, even when the lines are too long then. */
const LEAST_WIDTH = 6;

export type Columns = readonly (readonly [heading: string, least: number])[];

/**
 * @param columns heading and usual width of each; a longer value widens it
 * @param most columns of the terminal: when all do not fit, the widest are cut; Infinity in a pipe, where nothing is
 */
export function renderTable(columns: Columns, rows: readonly (readonly string[])[], most: number): string {
  const needed = [...tableOf(columns, rows, null).widths];
  const usual = needed.map((width, index) => Math.max(width, columns[index]?.[1] ?? 0));
  const widths = lineOf(usual) <= most ? usual : needed;
  while (lineOf(widths) > most && Math.max(...widths) > LEAST_WIDTH) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] as number) - 1;
  }
  // Cells are padded to their width; nobody needs the blanks at the end of a line.
  return tableOf(columns, rows, widths).text.replace(/ +$/gm, '');
}

function lineOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + 1, -1);
}

/** @param widths null = as wide as its values need */
function tableOf(columns: Columns, rows: readonly (readonly string[])[], widths: readonly number[] | null) {
  const table = new Table({
    head: columns.map(([heading]) => heading),
    colWidths: [...(widths ?? [])],
    chars: { ...NONE, ...INNER },
    // Its own colours would go into pipes too.
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 0 },
    wordWrap: false,
  });
  table.push(...rows.map((row) => row.map((value) => value.replace(/\s+/g, ' '))));
  const text = table.toString();
  // Laying it out fills in the widths that were not given.
  return { text, widths: (table as unknown as { readonly options: { readonly colWidths: readonly number[] } }).options.colWidths };
}
