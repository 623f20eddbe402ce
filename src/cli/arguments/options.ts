/**
 * Command lines in the manner of joptsimple, which most of Kafka's tools use. Input is a table of options; output is the values, or
 * Kafka's error messages. Names may be abbreviated as long as they are unique; `--name=value` and `--name value` both work.
 */
import { ToolError } from '../tool.ts';

export interface OptionRow {
  /** Name of the option's argument in the help; absent: the option is a flag. */
  readonly argument?: string;
  readonly type?: 'String' | 'Integer' | 'Long';
  /** Shown in the help instead of the type. */
  readonly typeName?: string;
  /** The argument may be left out. */
  readonly isOptional?: boolean;
  readonly default?: string;
  /** Starred in the help; checked by `parseOptions`. */
  readonly isRequired?: boolean;
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, OptionRow>>;

export class Options {
  private readonly table: OptionTable;
  private readonly values: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
  /** The names of the options in the order of the command line, with repetitions. */
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

  /** All values given, in order. */
  all(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }

  /** The given value, or the option's default, or null. */
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

/** Whether a word can be the argument of an option rather than the next option. */
function isArgument(word: string | undefined): word is string {
  return word !== undefined && (!word.startsWith('-') || /^-\d/.test(word) || word === '-');
}

/**
 * Reads a command line. Throws `ToolError` in joptsimple's words. With `typesLater`, an invalid number is reported only when the
 * value is read.
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

/** `[a], [b]` in Kafka's messages about options. */
export function bracketed(names: readonly string[]): string {
  return names.map((name) => `[${name}]`).join(', ');
}

/** Throws in Kafka's words when one of `required` is missing. */
export function checkRequired(options: Options, ...required: string[]): void {
  for (const name of required) {
    if (!options.has(name)) throw new ToolError(`Missing required argument "[${name}]"`);
  }
}

/** Throws in Kafka's words when `used` is given together with one of `others`. */
export function checkInvalid(options: Options, used: string, ...others: string[]): void {
  if (!options.has(used)) return;
  for (const name of others) {
    if (options.has(name)) throw new ToolError(`Option "[${used}]" can't be used with option "[${name}]"`);
  }
}
