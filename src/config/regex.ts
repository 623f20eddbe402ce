/**
 * Regular expressions that clients send, in RE2's syntax, as in Kafka. They run on RE2, whose time is linear in the text and in
 * the size of the expression; JavaScript's own engine may take hours for a short expression. Linear time is still too long for
 * an expression of a megabyte, or for one that is short but compiles to a large program, such as `(a?){1000}` written a hundred
 * times. Therefore the compiled size is bounded.
 */
import { mark } from '../base/mark.ts';
import { RE2JS, RE2JSException, RE2JSSyntaxException } from 're2js';

/**
 * The largest `regexSize` that is accepted. The slowest expression of this size that is known needs 34 ms to match the longest
 * topic name (249 characters), measured by `test/config/regex.test.ts`.
 */
export const regexSizeMax = 4096;
/**
 * What a Unicode class such as `\pL` adds to the size. It is one instruction, but each match searches up to some hundred
 * ranges.
 */
const unicodeClassSize = 32;

export class RegexError extends Error {}

export interface Regex {
  /** The estimated number of instructions of the compiled expression (`regexSize`). */
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

/**
 * Compiles an expression that was stored earlier: in the metadata or in a coordinator's log, by Kafka or an earlier release. An
 * expression that `compileRegex` refuses matches nothing.
 */
export function compileStoredRegex(pattern: string): Regex {
  try {
    return compileRegex(pattern);
  } catch (error) {
    if (!(error instanceof RegexError)) throw error;
    mark('config.stored-regex-refused');
    return { size: 0, matches: () => false };
  }
}

/**
 * What a part adds that can match the empty text, such as `a?`, `a*`, `^` or `(|a)`. When many such parts follow each other,
 * RE2 tries all of them at each character.
 */
const emptyMatchSize = 32;

const repetition = /\{(\d{1,4})(?:,(\d{0,4}))?\}/y;
const quoted = /\\Q([\s\S]*?)(?:\\E|$)/y;
const assertion = /\\[bBAzZ]|[\^$]/y;
const escaped = /\\(?:[pP](?:\{[^}]*\}|.)|x\{[^}]*\}|[\s\S])/uy;
const bracketed = /\[\^?\]?(?:\[:[^\]]*:\]|\\(?:[pP](?:\{[^}]*\}|.)|[\s\S])|[^\]\\])*\]?/uy;
/** Flags that apply to what follows, without a group of their own: `(?i)`. */
const flags = /\(\?[a-zA-Z-]*\)/y;
const groupStart = /\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*:))?/y;
const optional = /[?*]/y;
const unicodeClass = /\\[pP]/g;

function matchAt(regex: RegExp, text: string, at: number): RegExpExecArray | null {
  regex.lastIndex = at;
  return regex.exec(text);
}

function withClasses(text: string): number {
  return text.length + (text.match(unicodeClass)?.length ?? 0) * unicodeClassSize;
}

/** Sums up the sizes of the parts of an expression, which are read from left to right. */
class SizeCounter {
  /** The sizes of the groups that are open at this point, the outermost first. */
  readonly #open = [0];
  /** The size of the last part. A repetition that follows repeats this part. */
  last = 0;
  /** Whether nothing was read yet of the current alternative (`a` and `b` are the alternatives in `a|b`). */
  #isEmpty = true;

  get total(): number {
    return this.#open.reduce((sum, size) => sum + size, 0);
  }

  add(size: number): void {
    this.last = size;
    this.#isEmpty = false;
    this.#open[this.#open.length - 1] = (this.#open.at(-1) ?? 0) + size;
  }

  repeat(min: number, max: number): void {
    const once = this.last;
    const whole = once * Math.max(1, min, max) + (min === 0 ? emptyMatchSize : 0);
    this.add(whole - once);
    // When a second repetition follows, as in `a{10}{10}`, it repeats the part with its first repetition.
    this.last = whole;
  }

  alternative(): void {
    this.add(this.#isEmpty ? emptyMatchSize : 1);
    this.#isEmpty = true;
  }

  startGroup(): void {
    this.#open.push(1);
    this.#isEmpty = true;
  }

  endGroup(): void {
    const extra = this.#isEmpty ? emptyMatchSize : 0;
    if (this.#open.length > 1) this.add((this.#open.pop() ?? 0) + extra);
    else this.add(1);
  }
}

/**
 * Estimates what `pattern` costs after it is compiled: its number of characters, where a repeated part counts as often as it is
 * repeated, and parts that are slow to match count more. Every pattern that would be much slower than `regexSizeMax` allows
 * gets a size above it.
 */
export function regexSize(pattern: string): number {
  if (pattern.length > regexSizeMax) return pattern.length;
  const size = new SizeCounter();
  for (let at = 0; at < pattern.length; ) {
    at += addToken(size, pattern, at);
    if (size.last > regexSizeMax) return size.last;
  }
  return size.total;
}

/** Adds the part of the pattern that begins at `at`. Returns its length. */
function addToken(size: SizeCounter, pattern: string, at: number): number {
  const token = (regex: RegExp): string | null => matchAt(regex, pattern, at)?.[0] ?? null;
  let text: string | null;
  if ((text = token(quoted)) !== null) size.add(text.length);
  else if ((text = token(assertion) ?? token(flags)) !== null) size.add(emptyMatchSize);
  else if ((text = token(escaped) ?? token(bracketed)) !== null) size.add(withClasses(text));
  else if ((text = token(optional)) !== null) size.repeat(0, 1);
  else if ((text = token(repetition)) !== null) {
    const [, min, max] = matchAt(repetition, pattern, at) ?? [];
    size.repeat(Number(min), Number(max ?? 0));
  } else if ((text = token(groupStart)) !== null) size.startGroup();
  else if (pattern[at] === ')') size.endGroup();
  else if (pattern[at] === '|') size.alternative();
  else size.add(1);
  return text?.length ?? 1;
}
