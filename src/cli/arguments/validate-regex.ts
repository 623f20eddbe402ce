/**
 * Whether a regular expression is valid for the consumer protocol (RE2): syntax that RE2 lacks is detected here, the rest is
 * checked by JavaScript's engine.
 */

function mistake(pattern: string): string | null {
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const mark = pattern[at] as string;
    if (mark === '\\') {
      at++;
      if (at >= pattern.length) return 'trailing backslash at end of expression';
      if (/[1-9]/.test(pattern[at] as string)) return 'invalid escape sequence';
    } else if (mark === '[') {
      const end = classEnd(pattern, at);
      if (end < 0) return 'missing closing ]';
      at = end;
    } else if (mark === '(') {
      if (/^\?(?:=|!|<=|<!|>)/.test(pattern.slice(at + 1))) return 'invalid or unsupported Perl syntax';
      depth++;
    } else if (mark === ')') {
      depth--;
      if (depth < 0) return 'unexpected )';
    } else if (/[*+?]/.test(mark) && (at === 0 || /[(|]/.test(pattern[at - 1] as string))) {
      if (!(mark === '?' && pattern[at - 1] === '(')) return 'missing argument to repetition operator';
    }
  }
  return depth > 0 ? 'missing closing )' : null;
}

/** The end of the character class that begins at `at`, or -1. */
function classEnd(pattern: string, at: number): number {
  let end = at + 1;
  if (pattern[end] === '^') end++;
  if (pattern[end] === ']') end++;
  for (; end < pattern.length; end++) {
    if (pattern[end] === '\\') end++;
    else if (pattern[end] === ']') return end;
  }
  return -1;
}

/** The sentence that tells whether `pattern` is valid. */
export function validateRegex(pattern: string): string {
  let wrong = mistake(pattern);
  if (wrong === null) {
    try {
      new RegExp(
        pattern
          .replaceAll('(?P<', '(?<')
          .replace(/\(\?[imsU-]+([:)])/g, (_all, end: string) => (end === ')' ? '' : '(?:')),
      );
    } catch {
      wrong = 'invalid expression';
    }
  }
  return `The regular expression \`${pattern}\` is ${wrong === null ? 'valid' : `invalid: ${wrong}`}.`;
}
