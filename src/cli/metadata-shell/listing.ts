/** Formats the output of `ls`: names in as many columns as fit into the width of the terminal, filled column by column. */

/** The number of blanks between two columns. */
const gap = 2;
const columnWidthMin = 4;

export function listing(
  files: readonly string[],
  directories: readonly { readonly name: string; readonly children: readonly string[] }[],
  width: number | null,
): string[] {
  const lines = columns(files, width);
  const hasTitles = files.length > 0 || directories.length > 1;
  let isFirst = files.length === 0;
  for (const { name, children } of directories) {
    // For a directory without children nothing is printed, not even its name.
    if (hasTitles && children.length > 0) lines.push(...(isFirst ? [] : ['']), `${name}:`);
    isFirst = false;
    lines.push(...columns(children, width));
  }
  return lines;
}

function columns(names: readonly string[], width: number | null): string[] {
  const columnsMax = width === null ? 1 : Math.max(1, Math.floor(width / columnWidthMin));
  for (let count = columnsMax; count > 1; count--) {
    const perColumn = Math.ceil(names.length / count);
    const widths = widthsOf(names, perColumn);
    if (widths.length === count && sum(widths) <= (width ?? 0)) return rows(names, perColumn, widths);
  }
  return [...names];
}

/** Returns the width of each column, without columns that are empty. */
function widthsOf(names: readonly string[], perColumn: number): number[] {
  const widths: number[] = [];
  names.forEach((name, at) => {
    const column = Math.floor(at / perColumn);
    widths[column] = Math.max(widths[column] ?? 0, name.length + gap);
  });
  return widths;
}

function rows(names: readonly string[], perColumn: number, widths: readonly number[]): string[] {
  return Array.from({ length: perColumn }, (_, line) =>
    widths
      .map((width, column) => {
        const name = names[line + column * perColumn] ?? '';
        return column === widths.length - 1 || name === '' ? name : name.padEnd(width);
      })
      .join(''),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
