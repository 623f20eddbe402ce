/** Tables as printf makes them: cells padded to the widths of their columns, a row too long for one pushes the rest. */

/** A width of 0 leaves the cell as it is. */
export function formatRow(widths: readonly number[], cells: readonly (string | number)[]): string {
  return cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 0)).join(' ');
}

/** At least `min`, more when a cell of the column needs it. */
export function columnWidth(min: number, cells: readonly string[]): number {
  return cells.reduce((width, cell) => Math.max(width, cell.length), min);
}
