/**
 * Command lines in the manner of argparse4j, which kafka-storage, kafka-cluster, kafka-metadata-quorum, kafka-features and the perf
 * and verifiable tools use. Input is a table of options, with or without subcommands; output is the values, or argparse4j's usage,
 * help and error texts.
 */
import { ToolError } from '../tool.ts';

export interface Argument {
  /** For example `--config`, `-c`. The first long flag is the name of the value (`config`). */
  readonly flags: readonly string[];
  readonly help: string;
  readonly isRequired?: boolean;
  /** Name of the value in the help; absent: derived from the flag. */
  readonly metavar?: string;
  /** `flag`: takes no value. `list`: may be given several times. `words`: takes all words up to the next option. */
  readonly kind?: 'value' | 'flag' | 'list' | 'words';
  /** The value when the option is not given; shown in the help. */
  readonly default?: string;
  /** Options of one group exclude each other. */
  readonly group?: string;
  /** The value must be a whole number of this Java type. */
  readonly integer?: 'Integer' | 'Long' | 'Short';
  /** The title under which --help lists it; absent: among the optional arguments. */
  readonly section?: string;
}

export interface Subcommand {
  readonly help: string;
  readonly arguments: readonly Argument[];
  /** One option of each of these groups must be given. */
  readonly requiredGroups?: readonly string[];
  /** The text of its --help below the usage. */
  readonly description?: string;
  /** Text under the title of a section of its help. */
  readonly sectionNotes?: Readonly<Record<string, string>>;
  /** Name of the positional argument, if there is one. */
  readonly subcommands?: Readonly<Record<string, Subcommand>>;
}

export interface ToolParser {
  readonly prog: string;
  readonly description: string;
  readonly arguments?: readonly Argument[];
  readonly requiredGroups?: readonly string[];
  readonly subcommands: Readonly<Record<string, Subcommand>>;
  /** The word for the subcommands in the usage; the help then lists them after the options. Absent: all their names. */
  readonly commandWord?: string;
  /** Formats the message about a wrong command line; absent: usage and message, as argparse4j does. */
  readonly errorText?: (message: string) => string;
}

/** A tool without subcommands. */
export interface FlatParser {
  readonly prog: string;
  readonly description: string;
  readonly arguments: readonly Argument[];
  readonly requiredGroups?: readonly string[];
  /** Positional words, any number of them: the values of this name. */
  readonly words?: { readonly name: string; readonly help: string };
  /** Text under the title of a section of the help; a section without a title is named ''. */
  readonly sectionNotes?: Readonly<Record<string, string>>;
}

export interface Parsed {
  /** Empty for a tool without subcommands. */
  readonly command: string;
  has(name: string): boolean;
  text(name: string): string | null;
  all(name: string): readonly string[];
}

/** `--help` was given: the text goes to standard output, the exit status is 0. */
export class HelpRequest extends Error {
  override readonly name = 'HelpRequest';
}

const lineWidth = 75;
const helpColumn = 25;
/** After a longer program name the usage begins on a new line. */
const progWidthMax = 30;
const helpArgument: Argument = {
  flags: ['-h', '--help'],
  help: 'show this help message and exit',
  kind: 'flag',
};

/** The name of an option's value: its first long flag without the leading dashes. */
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

/** The parts of a text after which Java's line breaker may end a line. */
function pieces(text: string): string[] {
  return (
    text
      .match(/\s*[^\s]*?(?:[-:](?=[A-Za-z])|[.](?=[a-z])|"(?=[A-Za-z0-9,])|\s+|$)/g)
      ?.filter((piece) => piece !== '') ?? []
  );
}

/** Spreads a line's words to the full width: all gaps grow equally, the remainder goes to the gaps in the middle. */
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

/** Text in lines of at most `lineWidth`. All lines but the last of a paragraph are justified, all but the first indented. */
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

/** `usage: prog …`, with line breaks between its parts. */
function usageLines(prog: string, parts: readonly string[]): string {
  const isLong = `usage: ${prog.split(' ')[0]}`.length > progWidthMax;
  const indent = ' '.repeat(`usage: ${isLong ? '' : `${prog.split(' ')[0]} `}`.length);
  let out = `usage: ${prog}`;
  let column = isLong ? lineWidth : out.length;
  // After a long program name argparse4j counts the indent of the line twice.
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

/** The text after a flag: the name of its value, repeated in brackets when several may be given. */
function valueText(option: Argument): string {
  if (!takesValue(option)) return '';
  const name = metavarOf(option);
  return option.kind === 'words' ? ` ${name} [${name} ...]` : ` ${name}`;
}

/** `(--a A |`, `--b B)`: the options of each group in brackets. */
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

/** Single options first, then groups. */
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

/** The options of --help, those of each section under its title. */
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

/** The tool's own required options come before the name of the subcommand. */
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

  /** A long flag may be abbreviated as long as it is unique. */
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

  /** Reads the option at `args[at]` when it is one of `options`; returns the position of the next argument. */
  take(options: readonly Argument[], args: readonly string[], at: number, usage: string): number {
    const word = args[at] as string;
    const [, flag = word, inline] = /^(-[^=]*)=([\s\S]*)$/.exec(word) ?? [];
    let option = options.find((candidate) => candidate.flags.includes(flag));
    let value = inline;
    if (option === undefined && /^-[A-Za-z]./.test(word)) {
      // -cFILE
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
    // argparse4j names the last missing option.
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

/** Reads a command line. Throws `HelpRequest` for --help and `ToolError` (status 1, standard error) for a wrong command line. */
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

/** Reads the command line of a tool without subcommands; throws as `parseArguments` does. */
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
