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

/** @param columns heading and width of each; a longer value is cut */
export function renderTable(columns: readonly (readonly [heading: string, width: number])[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: columns.map(([heading]) => heading),
    colWidths: columns.map(([, width]) => width),
    chars: { ...NONE, ...INNER },
    // Its own colours would go into pipes too.
    style: { head: [], border: [], compact: true, 'padding-left': 1, 'padding-right': 0 },
    wordWrap: false,
  });
  table.push(...rows.map((row) => [...row]));
  // Cells are padded to their width; nobody needs the blanks at the end of a line.
  return table.toString().replace(/ +$/gm, '');
}
