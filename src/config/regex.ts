/**
 * Regular expressions of clients, in RE2's syntax as in Kafka. RE2 matches in time that is linear in text and expression, while
 * JavaScript's engine may take hours. Even linear time is too long for an expression of a megabyte, or for `(a?){1000}` a hundred
 * times, so the compiled size of an expression is bounded.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';

/** Bound of `regexSize`, with which a name of 249 characters is matched in at most some ten milliseconds. */
export const regexSizeMax = 4096;
/** Size of a Unicode class such as `\pL`, which has up to some hundred ranges. */
const unicodeClassSize = 32;

export class RegexError extends Error {}

export interface Regex {
  /** Approximate number of instructions of the compiled expression. */
  readonly size: number;
  /** Whether the whole text matches. */
  matches(text: string): boolean;
}

/** Throws `RegexError`. */
export function compileRegex(pattern: string): Regex {
  const size = regexSize(pattern);
  if (size > regexSizeMax)
    throw new RegexError(`it is too large (${size}, and ${regexSizeMax} is the limit)`);
  try {
    const compiled = RE2JS.compile(pattern);
    return { size, matches: (text) => compiled.matches(text) };
  } catch (error) {
    // Kafka's answers have the description only.
    if (error instanceof RE2JSSyntaxException) throw new RegexError(error.getDescription());
    if (error instanceof RE2JSException) throw new RegexError(error.message);
    throw error;
  }
}

const repetition = /\{(\d{1,4})(?:,(\d{0,4}))?\}/y;
const quoted = /\\Q([\s\S]*?)(?:\\E|$)/y;
const escaped = /\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|[\s\S])/uy;
const bracketed = /\[\^?\]?(?:\[:[^\]]*:\]|\\(?:[pP](?:\{[^}]*\}|.)|[\s\S])|[^\]\\])*\]?/uy;
const unicodeClass = /\\[pP]/g;

function matchAt(regex: RegExp, text: string, at: number): RegExpExecArray | null {
  regex.lastIndex = at;
  return regex.exec(text);
}

function withClasses(text: string): number {
  return text.length + (text.match(unicodeClass)?.length ?? 0) * unicodeClassSize;
}

/**
 * Upper bound, up to a small factor, of the compiled size of `pattern`: the number of its characters, with repeated groups counted
 * as often as they are repeated.
 */
export function regexSize(pattern: string): number {
  if (pattern.length > regexSizeMax) return pattern.length;
  /** Sizes of the open groups, the outermost first. */
  const open = [0];
  let last = 0;
  const add = (size: number): void => {
    last = size;
    open[open.length - 1] = (open.at(-1) ?? 0) + size;
  };
  for (let at = 0; at < pattern.length; ) {
    const next = pattern[at];
    let token: RegExpExecArray | null = null;
    if (next === '\\') {
      token = matchAt(quoted, pattern, at) ?? matchAt(escaped, pattern, at);
      add(withClasses(token?.[0] ?? next));
    } else if (next === '[') {
      token = matchAt(bracketed, pattern, at);
      add(withClasses(token?.[0] ?? next));
    } else if (next === '{' && (token = matchAt(repetition, pattern, at)) !== null) {
      const times = Math.max(1, Number(token[1]), Number(token[2] ?? 0));
      // It may be repeated once more, as in `a{10}{10}`.
      const whole = last * times;
      add(whole - last);
      last = whole;
    } else if (next === '(') open.push(1);
    else if (next === ')' && open.length > 1) add(open.pop() ?? 0);
    else add(1);
    at += token?.[0].length ?? 1;
    if (last > regexSizeMax) return last;
  }
  return open.reduce((sum, size) => sum + size, 0);
}
