/**
 * Regular expressions that operators write for Kafka's tools, in the syntax of Java (java.util.regex.Pattern). RE2 compiles
 * nearly all of them. Look-around and back references, which RE2 lacks, are compiled by JavaScript's engine. Possessive
 * quantifiers, atomic groups, intersections of classes and Java's negated classes between brackets are refused. Never use this
 * file for expressions of clients, because JavaScript's engine may take hours for a malicious one; use `regex.ts` for them.
 */
import { compileRegex, RegexError } from './regex.ts';

export interface JavaPattern {
  /** Whether the expression matches the whole text. */
  matches(text: string): boolean;
}

/**
 * An expression is invalid. The message begins with the description of Java's `PatternSyntaxException` when `describe` knows
 * the mistake, otherwise with RE2's.
 */
export class PatternSyntaxError extends Error {
  override readonly name = 'PatternSyntaxError';
}

/** Classes that Java has and RE2 has not, each with its characters as they are written between brackets. */
const javaClasses: ReadonlyMap<string, string> = new Map([
  ['\\p{Lower}', 'a-z'],
  ['\\p{Upper}', 'A-Z'],
  ['\\p{ASCII}', '\\x00-\\x7F'],
  ['\\p{Alpha}', 'A-Za-z'],
  ['\\p{Digit}', '0-9'],
  ['\\p{Alnum}', '0-9A-Za-z'],
  ['\\p{Punct}', '!-\\/:-@\\[-`\\{-~'],
  ['\\p{Graph}', '!-~'],
  ['\\p{Print}', ' -~'],
  ['\\p{Blank}', ' \\t'],
  ['\\p{Cntrl}', '\\x00-\\x1F\\x7F'],
  ['\\p{XDigit}', '0-9A-Fa-f'],
  ['\\p{Space}', '\\s'],
  ['\\h', ' \\t\\xA0'],
]);
/** Matches RE2's error messages for look-around and back references. */
const missingInRe2 = /^invalid (?:or unsupported Perl syntax|named capture|escape sequence)/;
const token = /\\Q[\s\S]*?(?:\\E|$)|\\[pP]\{[^}]*\}|\\[\s\S]|[[\]]/g;

/**
 * Replaces Java's classes by their characters, and `\p{IsX}` by `\p{X}`. A negated class between brackets stays: there is no
 * way to write its characters there, and RE2 refuses it.
 */
function translate(pattern: string): string {
  let depth = 0;
  return pattern.replace(token, (one) => {
    if (one === '[') depth++;
    else if (one === ']') depth = Math.max(0, depth - 1);
    const positive = one.replace('\\P', '\\p');
    const known = javaClasses.get(positive);
    if (known === undefined) return one.replace(/^(\\[pP]\{)Is/, '$1');
    if (positive === one) return depth > 0 ? known : `[${known}]`;
    return depth > 0 ? one : `[^${known}]`;
  });
}

function compileTranslated(pattern: string): JavaPattern {
  if (/\[[^\]]*&&/.test(pattern))
    throw new RegexError('An intersection of classes (&&) is not supported here');
  const source = translate(pattern);
  try {
    return compileRegex(source);
  } catch (error) {
    if (!(error instanceof RegexError) || !missingInRe2.test(error.message)) throw error;
    try {
      const compiled = new RegExp(`^(?:${source})$`, 'u');
      return { matches: (text) => compiled.test(text) };
    } catch {
      throw error;
    }
  }
}

/**
 * Returns Java's description of the first mistake that this function knows, and the index that Java names (-1: none). For other
 * mistakes it returns `fallback` and -1.
 */
function describe(pattern: string, fallback: string): [description: string, index: number] {
  const open: number[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const mark = pattern[at] as string;
    if (mark === '\\') {
      if (at + 1 === pattern.length) return ['Unexpected internal error', pattern.length];
      const property = /^\\[pP](?:\{([^}]*)\}|(.))/.exec(pattern.slice(at));
      at += property === null ? 1 : property[0].length - 1;
      if (property !== null && !isProperty(property[0]))
        return [`Unknown character property name {${property[1] ?? property[2]}}`, at];
    } else if (mark === '[') {
      const end = endOfClass(pattern, at);
      if (end < 0) return ['Unclosed character class', pattern.length - 1];
      at = end;
    } else if (mark === '(') open.push(at);
    else if (mark === ')') {
      if (open.pop() === undefined) return ["Unmatched closing ')'", at - 1];
    } else if (/[*+?]/.test(mark) && !isRepeatable(pattern, at))
      return [`Dangling meta character '${mark}'`, at];
  }
  return open.length > 0 ? ['Unclosed group', pattern.length] : [fallback, -1];
}

function isProperty(text: string): boolean {
  try {
    return compileTranslated(text) !== null;
  } catch {
    return false;
  }
}

function isRepeatable(pattern: string, at: number): boolean {
  if (at === 0) return false;
  const before = pattern[at - 1] as string;
  if (before === '(') return pattern[at] === '?';
  if (/[*+?}]/.test(before)) return pattern[at] !== '*' || pattern[at - 2] === '\\';
  return before !== '|' || pattern[at - 2] === '\\';
}

/** Returns the index of the bracket that closes the class at `at`; -1 when there is none. */
function endOfClass(pattern: string, at: number): number {
  let depth = 0;
  for (let end = at; end < pattern.length; end++) {
    const mark = pattern[end];
    if (mark === '\\') end++;
    else if (mark === '[') {
      depth++;
      // A closing bracket that is the first character in a class belongs to the class and does not end it.
      const first = pattern[end + 1] === '^' ? end + 2 : end + 1;
      if (pattern[first] === ']') end = first;
    } else if (mark === ']' && --depth === 0) return end;
  }
  return -1;
}

/** Throws `PatternSyntaxError` when the expression is invalid. */
export function compileJavaPattern(pattern: string): JavaPattern {
  try {
    return compileTranslated(pattern);
  } catch (error) {
    const [description, index] = describe(pattern, (error as Error).message);
    const near = index < 0 ? '' : ` near index ${index}`;
    const caret = index >= 0 && index < pattern.length ? `\n${' '.repeat(index)}^` : '';
    throw new PatternSyntaxError(`${description}${near}\n${pattern}${caret}`);
  }
}
