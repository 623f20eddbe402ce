/** Writes the help of the Java library joptsimple: 80 columns, options on the left, descriptions on the right. */
import type { OptionRow, OptionTable } from './options.ts';

const widthMax = 80;
const gap = 2;

/**
 * Splits a line into the parts between which it may be broken. The rules are Java's: after blanks, hyphens and marks such as
 * the colon in `host:port`, and before an opening bracket; but not after a point, comma or hyphen before a digit, which is part
 * of a number.
 */
function words(line: string): string[] {
  const breaks = [
    /(?<=\s)(?=\S)/,
    /(?<=-)(?=[^\s\-\d('",.)\]])/,
    /(?<=[^\s\-/])(?=-[\d(])/,
    /(?<=(?:[.,](?!\d)|:)['"`,.\]]*)(?=[^\s'"`,.\]])/,
    /(?<=\d)(?=>)/,
    /(?<=[A-Za-z\d])(?=\()/,
  ];
  return line.split(new RegExp(breaks.map(({ source }) => source).join('|')));
}

function pieces(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const line of text.replace(/^\n+|\s+$/g, '').split('\n')) {
    let piece = '';
    for (const word of words(line)) {
      if (piece.length + word.length > width) {
        lines.push(piece.replace(/\s+$/, ''));
        piece = `  ${word}`;
      } else piece += word;
    }
    if (piece.length > 0) lines.push(piece);
  }
  return lines;
}

function left(name: string, row: OptionRow): string {
  const star = row.isRequired === true ? '* ' : '';
  if (row.argument === undefined && row.type === undefined) return `${star}--${name}`;
  const type = row.typeName ?? row.type ?? 'String';
  const inner = row.argument === undefined || row.argument === '' ? type : `${type}: ${row.argument}`;
  return `${star}--${name} ${row.isOptional === true ? `[${inner}]` : `<${inner}>`}`;
}

/** Returns the help for a table of options: two header lines, then the options sorted by name. */
export function optionsHelp(table: OptionTable): string {
  const rows = Object.entries(table)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, row]): [string, string] => {
      const fallback = row.default === undefined ? '' : ` (default: ${row.default})`;
      return [left(name, row), row.help + fallback];
    });
  const starred = Object.values(table).some(({ isRequired }) => isRequired === true);
  const title = starred ? 'Option (* = required)' : 'Option';
  const all: [string, string][] = [
    [title, 'Description'],
    ['-'.repeat(title.length), '-----------'],
    ...rows,
  ];
  const leftWidth = Math.min(Math.floor((widthMax - gap) / 2), Math.max(...all.map(([text]) => text.length)));
  const rightWidth = Math.min(widthMax - leftWidth - gap, Math.max(...all.map(([, text]) => text.length)));
  const lines: [string, string][] = [];
  for (const [option, help] of all) {
    const lefts = option.startsWith('---') ? [option] : pieces(option, leftWidth);
    const rights = help.startsWith('---') ? [help] : pieces(help, rightWidth);
    for (let at = 0; at < Math.max(lefts.length, rights.length); at++) {
      lines.push([lefts[at] ?? '', rights[at] ?? '']);
    }
  }
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => line[column as 0 | 1].length)));
  const [leftMax = 0, rightMax = 0] = widths;
  return lines
    .map(([option, help]) => `${option.padEnd(leftMax)}${' '.repeat(gap)}${help.padEnd(rightMax)}\n`)
    .join('');
}
