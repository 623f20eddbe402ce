/**
 * Formats tables as Java's printf does: each cell is padded to the width of its column. A longer cell moves the rest of its
 * row.
 */

/** Returns one row. A cell whose column has the width 0 is not padded. */
export function formatRow(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 0)).join(' ');
}

/** Returns the width of the longest cell, or `min` if that is more. */
export function columnWidth(min: number, cells: readonly string[]): number {
  return cells.reduce((width, cell) => Math.max(width, cell.length), min);
}

/** Returns a table in which each column is as wide as its longest cell, with a tab after each cell. */
export function tabbedTable(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const all = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, at) =>
    columnWidth(
      0,
      all.map((row) => row[at] ?? ''),
    ),
  );
  return all
    .map((row) => `${row.map((cell, at) => `${cell.padEnd(widths[at] ?? 0)}\t`).join('')}\n`)
    .join('');
}
