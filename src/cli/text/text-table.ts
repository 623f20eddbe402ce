/** Tables as printf makes them: cells padded to the widths of their columns; a cell that is too long moves the rest of its row. */

/** A width of 0 does not pad the cell. */
export function formatRow(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 0)).join(' ');
}

/** At least `min`; more when a cell of the column is longer. */
export function columnWidth(min: number, cells: readonly string[]): number {
  return cells.reduce((width, cell) => Math.max(width, cell.length), min);
}

/** Columns as wide as their widest cell, with a tab after each cell. */
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
