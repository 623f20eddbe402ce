/**
 * Regular expressions that clients send, in RE2's syntax, as in Kafka. They run on RE2, whose time is linear in the text and in
 * the size of the expression; JavaScript's own engine may take hours for a short one. Linear time is still too long for an
 * expression of a megabyte, or for one that is short but compiles to a large program, such as `(a?){1000}` written a hundred
 * times. Therefore the compiled size is bounded.
 */
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';

/** The largest `regexSize` that is accepted. With it, matching a name of 249 characters takes some ten milliseconds at most. */
export const regexSizeMax = 4096;
/** What a Unicode class such as `\pL` counts. It compiles to up to some hundred ranges. */
const unicodeClassSize = 32;

export class RegexError extends Error {}

export interface Regex {
  /** The approximate number of instructions of the compiled expression. */
  readonly size: number;
  /** Whether the expression matches the whole text. */
  matches(text: string): boolean;
}

/** Throws `RegexError` when the expression is invalid or too large. */
export function compileRegex(pattern: string): Regex {
  const size = regexSize(pattern);
  if (size > regexSizeMax)
    throw new RegexError(`it is too large (${size}, and ${regexSizeMax} is the limit)`);
  try {
    const compiled = RE2JS.compile(pattern);
    return { size, matches: (text) => compiled.matches(text) };
  } catch (error) {
    // The description alone is what Kafka's error messages contain.
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
 * Estimates the compiled size of `pattern`, without compiling it: the number of its characters, where a repeated group counts
 * as often as it is repeated. The true size is at most a small factor larger.
 */
export function regexSize(pattern: string): number {
  if (pattern.length > regexSizeMax) return pattern.length;
  /** The sizes of the groups that are open at this position, the outermost first. */
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
      // `last` becomes the size with repetitions, because the result may itself be repeated, as in `a{10}{10}`.
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
