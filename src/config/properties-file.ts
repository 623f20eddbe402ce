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

/** Returns the lines of the file with continued lines joined, and without comments and leading blanks. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open: string | null = null;
  for (const natural of text.split(/\r\n|[\r\n]/)) {
    const line = natural.replace(/^[ \t\f]+/, '');
    if (open === null && (line === '' || line.startsWith('#') || line.startsWith('!'))) continue;
    const trailing = /\\*$/.exec(line)?.[0].length ?? 0;
    const whole: string = (open ?? '') + line;
    if (trailing % 2 === 1) open = whole.slice(0, -1);
    else {
      lines.push(whole);
      open = null;
    }
  }
  if (open !== null) lines.push(open);
  return lines;
}

/** Returns keys and values, in the order in which the keys first appear. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of logicalLines(text)) {
    const parts = /^((?:\\[\s\S]|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*([\s\S]*)$/.exec(line);
    properties.set(unescape(parts?.[1] ?? line), unescape(parts?.[2] ?? ''));
  }
  return properties;
}
