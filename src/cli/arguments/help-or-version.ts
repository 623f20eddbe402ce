/** First step of most tools: `--help` (or no arguments at all) and `--version`. */
import type { Options, OptionTable } from './options.ts';
import { optionsHelp } from './options-help.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { kafkaVersion } from '../version.ts';

/** Looks for the two options without parsing the other arguments, which may be wrong. */
export function unread(args: readonly string[]): Pick<Options, 'has'> {
  return { has: (name) => args.includes(`--${name}`) };
}

/** The exit status when help or version was requested and printed; null: the tool continues. */
export function printHelpOrVersion(
  options: Pick<Options, 'has'>,
  args: readonly string[],
  intro: string,
  table: OptionTable,
  io: CliIo,
): number | null {
  if (args.length === 0 || options.has('help')) {
    io.stderr(`${intro}\n${optionsHelp(table)}`);
    return 1;
  }
  if (options.has('version')) {
    io.stdout(`${kafkaVersion}\n`);
    return 0;
  }
  return null;
}

/** Runs a check of the command line; its error is printed with the table of options. */
export function usageError<T>(table: OptionTable, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new ToolError(`${(error as Error).message}\n${optionsHelp(table)}`);
  }
}

/** Runs a parser whose exceptions Kafka's tool does not catch; they are printed as Java prints an uncaught exception. */
export function uncaughtParserError<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { message } = error as Error;
    throw new ToolError(`Exception in thread "main" joptsimple.${parserException(message)}: ${message}`);
  }
}

/** The class of the joptsimple exception with this message. */
function parserException(message: string): string {
  if (message.endsWith('is not a recognized option')) return 'UnrecognizedOptionException';
  if (message.startsWith('Cannot parse argument')) return 'OptionArgumentConversionException';
  return 'OptionMissingRequiredArgumentException';
}
