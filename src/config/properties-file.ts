/**
 * Parses a properties file by the rules of java.util.Properties: comments, continued lines, escapes. When a key occurs twice,
 * the last value counts.
 */

const escapes: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f' };

function unescape(text: string): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|[\s\S])/g, (_all, what: string) => {
    if (what.length === 5) return String.fromCharCode(Number.parseInt(what.slice(1), 16));
    return escapes[what] ?? what;
  });
}

/** A key with its value, and where the file sets it. */
export interface PropertyLine {
  readonly key: string;
  readonly value: string;
  /** The number of the line, beginning with 1, on which the key stands. */
  readonly line: number;
}

interface LogicalLine {
  readonly text: string;
  readonly line: number;
}

/** Returns the lines of the file with continued lines joined, and without comments and leading blanks. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  let open: LogicalLine | null = null;
  // Editors on Windows write a byte order mark before the first line.
  const naturals = text.replace(/^\uFEFF/, '').split(/\r\n|[\r\n]/);
  for (const [index, natural] of naturals.entries()) {
    const line = natural.replace(/^[ \t\f]+/, '');
    if (open === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const trailing = /\\*$/.exec(line)?.[0].length ?? 0;
    const whole: LogicalLine = { text: (open?.text ?? '') + line, line: open?.line ?? index + 1 };
    if (trailing % 2 === 1) open = { ...whole, text: whole.text.slice(0, -1) };
    else {
      lines.push(whole);
      open = null;
    }
  }
  if (open !== null) lines.push(open);
  return lines;
}

/** Returns all keys with their values, in the order of the lines. A key that is set twice is returned twice. */
export function propertyLines(text: string): PropertyLine[] {
  return logicalLines(text).map(({ text: whole, line }) => {
    const parts = /^((?:\\[\s\S]|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*([\s\S]*)$/.exec(whole);
    return { key: unescape(parts?.[1] ?? whole), value: unescape(parts?.[2] ?? ''), line };
  });
}

/** Returns keys and values, in the order in which the keys first appear. */
export function parseProperties(text: string): Map<string, string> {
  return new Map(propertyLines(text).map(({ key, value }) => [key, value]));
}
