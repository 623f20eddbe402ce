/**
 * Parses command lines in the manner of the Java library argparse4j, which kafka-storage, kafka-cluster, kafka-metadata-quorum,
 * kafka-features, the perf tools and the verifiable tools use. A tool describes its options, and its subcommands if it has any,
 * in a table. The result is the values, or argparse4j's usage, help or error text.
 */
import { ToolError } from '../tool.ts';

export interface Argument {
  /** For example `--config`, `-c`. The values of the option are found under its first long flag, without dashes (`config`). */
  readonly flags: readonly string[];
  readonly help: string;
  readonly isRequired?: boolean;
  /** The name of the value in the help. When absent, it is derived from the flag. */
  readonly metavar?: string;
  /**
   * `flag`: the option takes no value. `list`: the option may be given several times. `words`: the option takes all words up to
   * the next option.
   */
  readonly kind?: 'value' | 'flag' | 'list' | 'words';
  /** The value when the option is not given. The help shows it. */
  readonly default?: string;
  /** Options with the same group exclude each other. */
  readonly group?: string;
  /** The value must be a whole number, and a wrong one is reported with the name of this Java type. */
  readonly integer?: 'Integer' | 'Long' | 'Short';
  /** The title under which the help lists the option. When absent, it is listed under "optional arguments". */
  readonly section?: string;
}

export interface Subcommand {
  readonly help: string;
  readonly arguments: readonly Argument[];
  /** Of each of these groups one option must be given. */
  readonly requiredGroups?: readonly string[];
  /** The text that the help of the subcommand shows below the usage. */
  readonly description?: string;
  /** For each section of the help: a text below its title. */
  readonly sectionNotes?: Readonly<Record<string, string>>;
}

export interface ToolParser {
  readonly prog: string;
  readonly description: string;
  readonly arguments?: readonly Argument[];
  readonly requiredGroups?: readonly string[];
  readonly subcommands: Readonly<Record<string, Subcommand>>;
  /**
   * What the usage shows in place of the subcommands, which the help then lists after the options. When absent, the usage shows
   * the names of all subcommands.
   */
  readonly commandWord?: string;
  /** Formats the error for a wrong command line. When absent, it is the usage and the message, as argparse4j prints them. */
  readonly errorText?: (message: string) => string;
}

/** Describes a tool without subcommands. */
export interface FlatParser {
  readonly prog: string;
  readonly description: string;
  readonly arguments: readonly Argument[];
  readonly requiredGroups?: readonly string[];
  /**
   * The name under which the words that are not options are found. There may be any number of them. When absent, there may be
   * none.
   */
  readonly words?: { readonly name: string; readonly help: string };
  /** For each section of the help: a text below its title. A section that has no title is named ''. */
  readonly sectionNotes?: Readonly<Record<string, string>>;
}

export interface Parsed {
  /** The name of the subcommand, or '' for a tool without subcommands. */
  readonly command: string;
  has(name: string): boolean;
  text(name: string): string | null;
  all(name: string): readonly string[];
}

/**
 * Thrown when `--help` was given. If the tool does not catch it, the entry prints the text to standard output and exits with 0.
 */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}

const lineWidth = 75;
const helpColumn = 25;
/** When the program's name is longer than this, the usage continues on a new line after it. */
const progWidthMax = 30;
const helpArgument: Argument = {
  flags: ['-h', '--help'],
  help: 'show this help message and exit',
  kind: 'flag',
};

/** Returns the name under which an option's values are found: its first long flag without the leading dashes. */
function nameOf(argument: Argument): string {
  return (argument.flags.find((flag) => flag.startsWith('--')) ?? (argument.flags[0] as string)).replace(
    /^-+/,
    '',
  );
}

function metavarOf(argument: Argument): string {
  return argument.metavar ?? nameOf(argument).toUpperCase().replaceAll('-', '_');
}

function takesValue(argument: Argument): boolean {
  return argument.kind !== 'flag';
}

/** Splits a text into parts. Java's line breaker may end a line after each part. */
function pieces(text: string): string[] {
  return (
    text
      .match(/\s*[^\s]*?(?:[-:](?=[A-Za-z])|[.](?=[a-z])|"(?=[A-Za-z0-9,])|\s+|$)/g)
      ?.filter((piece) => piece !== '') ?? []
  );
}

/**
 * Widens the gaps between the words of a line so that it fills `width`. All gaps grow equally; what remains goes to the gaps in
 * the middle.
 */
function justify(line: string, width: number): string {
  const text = line.trim();
  const gaps = text.split(/ +/).length - 1;
  const missing = width - text.length;
  if (gaps === 0 || missing <= 0) return text;
  const each = Math.floor(missing / gaps);
  const rest = missing % gaps;
  const from = Math.ceil((gaps - rest) / 2);
  let seen = 0;
  return text.replace(/ +/g, (gap) => {
    const extra = each + (seen >= from && seen < from + rest ? 1 : 0);
    seen++;
    return gap + ' '.repeat(extra);
  });
}

/**
 * Breaks a text into lines of at most `lineWidth`. As in argparse4j, all lines but the last of a paragraph are justified, and
 * all but the first are indented.
 */
export function wrap(text: string, firstColumn: number, indent: string): string {
  const [first = '', ...others] = text.split('\n');
  const rest = others.map((paragraph) => `\n${indent}${wrapped(paragraph, indent.length, indent)}`);
  return wrapped(first, firstColumn, indent) + rest.join('');
}

function wrapped(text: string, firstColumn: number, indent: string): string {
  let out = '';
  let line = '';
  let column = firstColumn;
  let start = firstColumn;
  for (const piece of pieces(text)) {
    if (column + piece.length > lineWidth && line !== '') {
      out += `${justify(line, lineWidth - start)}\n${indent}`;
      line = '';
      column = indent.length;
      start = indent.length;
    }
    line += piece;
    column += piece.length;
  }
  return out + line;
}

/** Returns `usage: prog …` with line breaks between the parts. */
function usageLines(prog: string, parts: readonly string[]): string {
  const isLong = `usage: ${prog.split(' ')[0]}`.length > progWidthMax;
  const indent = ' '.repeat(`usage: ${isLong ? '' : `${prog.split(' ')[0]} `}`.length);
  let out = `usage: ${prog}`;
  let column = isLong ? lineWidth : out.length;
  // After a long program name argparse4j counts the indent of the next line twice.
  let extra = isLong ? indent.length : 0;
  for (const part of parts) {
    if (column + 1 + part.length > lineWidth) {
      out += `\n${indent}${part}`;
      column = indent.length + extra + part.length;
      extra = 0;
    } else {
      out += ` ${part}`;
      column += 1 + part.length;
    }
  }
  return `${out}\n`;
}

function shownText(option: Argument): string {
  return `${option.flags[0] ?? ''}${valueText(option)}`;
}

/**
 * Returns what follows a flag in usage and help: the name of its value. It is repeated in brackets when the option takes
 * several words.
 */
function valueText(option: Argument): string {
  if (!takesValue(option)) return '';
  const name = metavarOf(option);
  return option.kind === 'words' ? ` ${name} [${name} ...]` : ` ${name}`;
}

/** Returns the options of each group in brackets, one part for each option: `(--a A |`, `--b B)`. */
function groupParts(options: readonly Argument[], requiredGroups: readonly string[]): string[] {
  const groups = new Set(options.flatMap(({ group }) => group ?? []));
  return [...groups].flatMap((group) => {
    const [open, close] = requiredGroups.includes(group) ? ['(', ')'] : ['[', ']'];
    const members = options.filter((option) => option.group === group);
    return members.map(
      (member, i) => `${i === 0 ? open : ''}${shownText(member)}${i === members.length - 1 ? close : ' |'}`,
    );
  });
}

/** Returns the parts of a usage: first the options without a group, then the groups. */
function usageParts(options: readonly Argument[], requiredGroups: readonly string[] = []): string[] {
  const alone = options
    .filter(({ group }) => group === undefined)
    .map((option) => (option.isRequired === true ? shownText(option) : `[${shownText(option)}]`));
  return ['[-h]', ...alone, ...groupParts(options, requiredGroups)];
}

function helpRow(title: string, help: string): string {
  const head = `  ${title}`;
  if (help === '') return `${head}\n`;
  const indent = ' '.repeat(helpColumn);
  const body = wrap(help, helpColumn, indent);
  return head.length + 2 <= helpColumn
    ? `${head.padEnd(helpColumn)}${body}\n`
    : `${head}\n${indent}${body}\n`;
}

/** Returns the options as the help lists them, those of a section under its title. */
function optionRows(options: readonly Argument[], notes: Readonly<Record<string, string>> = {}): string {
  const all = [helpArgument, ...options];
  const titles = new Set(all.map(({ section }) => section));
  return [...titles]
    .map((title) => {
      const rows = all.filter(({ section }) => section === title).map(optionRow);
      if (title === undefined) return rows.join('');
      const note = notes[title];
      const head = title === '' ? '' : `${title}:\n`;
      return `\n${head}${note === undefined ? '' : `  ${wrap(note, 2, '  ')}\n\n`}${rows.join('')}`;
    })
    .join('');
}

function optionRow(option: Argument): string {
  const flags = option.flags.map((flag) => `${flag}${valueText(option)}`);
  const fallback = option.default === undefined ? '' : ` (default: ${option.default})`;
  return helpRow(flags.join(', '), option.help + fallback);
}

function choices(parser: ToolParser): string {
  return `{${Object.keys(parser.subcommands).join(',')}}`;
}

function mainUsage(parser: ToolParser): string {
  const own = usageParts(parser.arguments ?? [], parser.requiredGroups);
  return usageLines(
    parser.prog,
    parser.commandWord === undefined
      ? [...own, choices(parser), '...']
      : [...own, `${parser.commandWord} ...`],
  );
}

function mainHelp(parser: ToolParser): string {
  const rows = Object.entries(parser.subcommands).map(([name, { help }]) => helpRow(`  ${name}`, help));
  const head = `${mainUsage(parser)}\n${wrap(parser.description, 0, '')}\n\n`;
  const options = `optional arguments:\n${optionRows(parser.arguments ?? [])}`;
  if (parser.commandWord !== undefined)
    return `${head}${options}\ncommands:\n  ${parser.commandWord}\n${rows.join('')}`;
  return `${head}positional arguments:\n  ${choices(parser)}\n${rows.join('')}\n${options}`;
}

/** Returns the usage of a subcommand. The required options of the tool itself come before the name of the subcommand. */
function subUsage(parser: ToolParser, name: string, command: Subcommand): string {
  const { requiredGroups = [], arguments: own = [] } = parser;
  const needed = own.filter(
    ({ group, isRequired }) => isRequired === true || (group !== undefined && requiredGroups.includes(group)),
  );
  const before = usageParts(needed, requiredGroups).slice(1);
  const parts = usageParts(command.arguments, command.requiredGroups);
  return before.length === 0
    ? usageLines(`${parser.prog} ${name}`, parts)
    : usageLines(parser.prog, [...before, name, ...parts]);
}

function subHelp(usage: string, { arguments: options, description, sectionNotes }: Subcommand): string {
  const about = description === undefined ? '' : `\n${wrap(description, 0, '')}\n`;
  return `${usage}${about}\noptional arguments:\n${optionRows(options, sectionNotes)}`;
}

class Reading {
  readonly values = new Map<string, string[]>();
  private readonly parser: Pick<ToolParser, 'prog' | 'errorText'>;

  constructor(parser: Pick<ToolParser, 'prog' | 'errorText'>) {
    this.parser = parser;
  }

  add(name: string, value: string): void {
    this.values.set(name, [...(this.values.get(name) ?? []), value]);
  }

  fail(usage: string, message: string): never {
    const { errorText } = this.parser;
    if (errorText !== undefined) throw new ToolError(errorText(message));
    throw new ToolError(`${usage}${wrap(`${this.parser.prog}: error: ${message}`, 0, '')}`);
  }

  /**
   * Returns the option that `word` abbreviates, with its value; `word` itself when it abbreviates none. A long flag may be
   * abbreviated as long as only one flag begins so.
   */
  whole(options: readonly Argument[], word: string, usage: string): string {
    const [, flag = word, value = ''] = /^(--[^=]+)(=[\s\S]*)?$/.exec(word) ?? [];
    if (!flag.startsWith('--')) return word;
    const flags = [helpArgument, ...options].flatMap((option) => option.flags);
    if (flags.includes(flag)) return word;
    const [only, ...others] = flags.filter((one) => one.startsWith(flag)).sort();
    if (only === undefined) return word;
    if (others.length > 0) {
      this.fail(usage, `ambiguous option: ${flag} could match ${[only, ...others].join(', ')}`);
    }
    return only + value;
  }

  /**
   * Reads the option at `args[at]`, which must be one of `options`, and its value. Returns the position of the next argument.
   */
  take(options: readonly Argument[], args: readonly string[], at: number, usage: string): number {
    const word = args[at] as string;
    const [, flag = word, inline] = /^(-[^=]*)=([\s\S]*)$/.exec(word) ?? [];
    let option = options.find((candidate) => candidate.flags.includes(flag));
    let value = inline;
    if (option === undefined && /^-[A-Za-z]./.test(word)) {
      // A short flag with its value in the same word: -cFILE or -c=FILE.
      option = options.find((candidate) => candidate.flags.includes(word.slice(0, 2)));
      value = word.slice(2).replace(/^=/, '');
    }
    if (option === undefined) this.fail(usage, `unrecognized arguments: '${word}'`);
    const shown = option.flags.join('/');
    for (const other of options) {
      if (
        other !== option &&
        other.group !== undefined &&
        other.group === option.group &&
        this.values.has(nameOf(other))
      ) {
        this.fail(usage, `argument ${shown}: not allowed with argument ${other.flags.join('/')}`);
      }
    }
    const list = this.values.get(nameOf(option)) ?? [];
    this.values.set(nameOf(option), list);
    if (!takesValue(option)) return at + 1;
    if (value === undefined) {
      const next = args[at + 1];
      if (next === undefined || (next.startsWith('-') && !/^-\d+$/.test(next)))
        this.fail(usage, `argument ${shown}: expected one argument`);
      list.push(this.checked(option, next, usage));
      let end = at + 2;
      for (; option.kind === 'words' && args[end]?.startsWith('-') === false; end++)
        list.push(args[end] as string);
      return end;
    }
    list.push(this.checked(option, value, usage));
    return at + 1;
  }

  private checked(option: Argument, value: string, usage: string): string {
    if (option.integer !== undefined && !/^[-+]?\d+$/.test(value)) {
      const shown = option.flags.join('/');
      this.fail(
        usage,
        `argument ${shown}: could not convert '${value}' to ${option.integer} (For input string: "${value}")`,
      );
    }
    return value;
  }

  check(options: readonly Argument[], requiredGroups: readonly string[], usage: string): void {
    // When several options are missing, argparse4j names the last one.
    for (const option of options.toReversed()) {
      if (option.isRequired === true && !this.values.has(nameOf(option))) {
        this.fail(usage, `argument ${option.flags.join('/')} is required`);
      }
    }
    for (const group of requiredGroups) {
      const members = options.filter((option) => option.group === group);
      if (members.some((member) => this.values.has(nameOf(member)))) continue;
      this.fail(
        usage,
        `one of the arguments ${members.map((member) => member.flags.join('/')).join(' ')} is required`,
      );
    }
  }
}

/**
 * Reads a command line. Throws `HelpRequest` for --help, and `ToolError` (status 1, printed to standard error) for a wrong
 * command line.
 */
export function parseArguments(parser: ToolParser, args: readonly string[]): Parsed {
  const reading = new Reading(parser);
  const usage = mainUsage(parser);
  let at = 0;
  const own = parser.arguments ?? [];
  const words = [...args];
  while (at < words.length && (words[at] as string).startsWith('-')) {
    const word = reading.whole(own, words[at] as string, usage);
    words[at] = word;
    if (helpArgument.flags.includes(word)) throw new HelpRequest(mainHelp(parser));
    at = reading.take(own, words, at, usage);
  }
  const name = words[at];
  if (name === undefined) return reading.fail(usage, 'too few arguments');
  const command = Object.hasOwn(parser.subcommands, name) ? parser.subcommands[name] : undefined;
  if (command === undefined) {
    const known = Object.keys(parser.subcommands)
      .map((one) => `'${one}'`)
      .join(', ');
    return reading.fail(usage, `invalid choice: '${name}' (choose from ${known})`);
  }
  const ownUsage = subUsage(parser, name, command);
  for (at++; at < words.length; ) {
    const word = reading.whole(command.arguments, words[at] as string, ownUsage);
    words[at] = word;
    if (helpArgument.flags.includes(word)) throw new HelpRequest(subHelp(ownUsage, command));
    if (!word.startsWith('-')) reading.fail(ownUsage, `unrecognized arguments: '${word}'`);
    at = reading.take(command.arguments, words, at, ownUsage);
  }
  reading.check(command.arguments, command.requiredGroups ?? [], ownUsage);
  reading.check(own, parser.requiredGroups ?? [], usage);
  return parsedOf(name, reading, [...own, ...command.arguments]);
}

function parsedOf(command: string, { values }: Reading, options: readonly Argument[]): Parsed {
  const defaults = new Map(options.map((option) => [nameOf(option), option.default]));
  return {
    command,
    has: (option) => values.has(option),
    text: (option) => values.get(option)?.at(-1) ?? defaults.get(option) ?? null,
    all: (option) => values.get(option) ?? [],
  };
}

function flatUsage({ prog, arguments: options, requiredGroups = [], words }: FlatParser): string {
  const parts = usageParts(options, requiredGroups);
  return usageLines(prog, words === undefined ? parts : [...parts, `[${words.name} [${words.name} ...]]`]);
}

function flatHelp(
  { arguments: options, description, sectionNotes, words }: FlatParser,
  usage: string,
): string {
  const alone = words === undefined ? '' : `positional arguments:\n${helpRow(words.name, words.help)}\n`;
  return `${usage}\n${wrap(description, 0, '')}\n\n${alone}optional arguments:\n${optionRows(options, sectionNotes)}`;
}

/** Reads the command line of a tool without subcommands. Throws as `parseArguments` does. */
export function parseFlat(parser: FlatParser, args: readonly string[]): Parsed {
  const { arguments: options, requiredGroups = [] } = parser;
  const reading = new Reading(parser);
  const usage = flatUsage(parser);
  const words = [...args];
  for (let at = 0; at < words.length; ) {
    const word = reading.whole(options, words[at] as string, usage);
    words[at] = word;
    if (helpArgument.flags.includes(word)) throw new HelpRequest(flatHelp(parser, usage));
    if (word.startsWith('-')) at = reading.take(options, words, at, usage);
    else if (parser.words === undefined) reading.fail(usage, `unrecognized arguments: '${word}'`);
    else {
      reading.add(parser.words.name, word);
      at++;
    }
  }
  reading.check(options, requiredGroups, usage);
  return parsedOf('', reading, options);
}
