/**
 * Parses command lines in the manner of the Java library joptsimple, which most of Kafka's tools use. A tool describes its
 * options in a table. An invalid command line gives Kafka's error message. A name may be abbreviated as long as only one option
 * begins so; `--name=value` and `--name value` both work.
 */
import { ToolError } from '../tool.ts';

export interface OptionRow {
  /** The name of the option's value in the help. An option without `argument` and `type` takes no value. */
  readonly argument?: string;
  readonly type?: 'String' | 'Integer' | 'Long';
  /** What the help shows instead of `type`. */
  readonly typeName?: string;
  /** The value may be left out. */
  readonly isOptional?: boolean;
  readonly default?: string;
  /** The help marks the option with a star. The tool itself checks that it is given. */
  readonly isRequired?: boolean;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionRow>>;

export class Options {
  private readonly table: OptionTable;
  private readonly values: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
  /** The names of the options as they were given, in order and with repetitions. */
  readonly order: readonly string[];

  constructor(
    table: OptionTable,
    values: ReadonlyMap<string, readonly string[]>,
    rest: readonly string[],
    order: readonly string[],
  ) {
    this.table = table;
    this.values = values;
    this.rest = rest;
    this.order = order;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** Returns all values that were given for the option, in order. */
  all(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /**
   * Returns the value that was given, otherwise the default, otherwise null. Throws when the option was given several times.
   */
  text(name: string): string | null {
    const given = this.values.get(name);
    if (given !== undefined && given.length > 1) {
      throw new ToolError(`Found multiple arguments for option ${name}, but you asked for only one`);
    }
    return given?.[0] ?? this.table[name]?.default ?? null;
  }

  number(name: string): number | null {
    const text = this.text(name);
    if (text === null) return null;
    if (!/^[+-]?\d+$/.test(text)) throw new ToolError(`Cannot parse argument '${text}' of option ${name}`);
    return Number(text);
  }
}

function resolve(table: OptionTable, name: string): string {
  if (table[name] !== undefined) return name;
  const candidates = Object.keys(table).filter((known) => known.startsWith(name));
  if (name !== '' && candidates.length === 1) return candidates[0] as string;
  throw new ToolError(`${name} is not a recognized option`);
}

/**
 * Whether a word can be the value of an option. A word that begins with '-' is the next option, unless it is a number or '-'
 * alone.
 */
function isArgument(word: string | undefined): word is string {
  return word !== undefined && (!word.startsWith('-') || /^-\d/.test(word) || word === '-');
}

/**
 * Reads a command line. Throws `ToolError` with joptsimple's message. With `typesLater`, an invalid number is reported only
 * when the tool reads the value.
 */
export function parseOptions(
  table: OptionTable,
  args: readonly string[],
  { typesLater = false }: { readonly typesLater?: boolean } = {},
): Options {
  const values = new Map<string, string[]>();
  const rest: string[] = [];
  const order: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at] as string;
    if (word === '--') {
      rest.push(...args.slice(at + 1));
      break;
    }
    if (!/^--?[^-]/.test(word)) {
      rest.push(word);
      continue;
    }
    const [, given = '', inline] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(word) as RegExpExecArray;
    const name = resolve(table, given);
    const row = table[name] as OptionRow;
    const list = values.get(name) ?? [];
    values.set(name, list);
    order.push(name);
    if (row.argument === undefined && row.type === undefined) {
      if (inline !== undefined) throw new ToolError(`Option ${name} does not take an argument`);
    } else if (inline !== undefined) list.push(inline);
    else if (
      row.isOptional === true
        ? isArgument(args[at + 1])
        : args[at + 1] !== undefined && isArgument(args[at + 1])
    ) {
      list.push(args[++at] as string);
    } else if (row.isOptional !== true) throw new ToolError(`Option ${name} requires an argument`);
  }
  if (!typesLater) checkTypes(table, values);
  return new Options(table, values, rest, order);
}

function checkTypes(table: OptionTable, values: ReadonlyMap<string, readonly string[]>): void {
  for (const [name, list] of values) {
    const { type } = table[name] as OptionRow;
    if (type === undefined || type === 'String') continue;
    for (const value of list) {
      if (!/^[+-]?\d+$/.test(value))
        throw new ToolError(`Cannot parse argument '${value}' of option ${name}`);
    }
  }
}

/** Returns names as Kafka's messages list options: `[a], [b]`. */
export function bracketed(names: readonly string[]): string {
  return names.map((name) => `[${name}]`).join(', ');
}

/** Throws, with Kafka's message, when one of the options `required` was not given. */
export function checkRequired(options: Options, ...required: string[]): void {
  for (const name of required) {
    if (!options.has(name)) throw new ToolError(`Missing required argument "[${name}]"`);
  }
}

/** Throws, with Kafka's message, when the option `used` was given together with one of `others`. */
export function checkInvalid(options: Options, used: string, ...others: string[]): void {
  if (!options.has(used)) return;
  for (const name of others) {
    if (options.has(name)) throw new ToolError(`Option "[${used}]" can't be used with option "[${name}]"`);
  }
}
