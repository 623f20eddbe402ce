/** What most tools do before anything else: `--help` (or no arguments at all) and `--version`. */
import type { Options, OptionTable } from './options.ts';
import { optionsHelp } from './options-help.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { kafkaVersion } from '../version.ts';

/** For tools that look for the two before they read the rest, which may be wrong. */
export function unread(args: readonly string[]): Pick<Options, 'has'> {
  return { has: (name) => args.includes(`--${name}`) };
}

/** The status to end with when help or version was asked for and printed; null: go on. */
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

/** Runs a check of the command line; what it finds wrong is said with the table of options after it. */
export function usageError<T>(table: OptionTable, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new ToolError(`${(error as Error).message}\n${optionsHelp(table)}`);
  }
}

/** Runs a parser whose exceptions Kafka's tool does not catch: they are printed as Java prints an uncaught exception. */
export function uncaughtParserError<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { message } = error as Error;
    throw new ToolError(`Exception in thread "main" joptsimple.${parserException(message)}: ${message}`);
  }
}

/** The exception of joptsimple that says so. */
function parserException(message: string): string {
  if (message.endsWith('is not a recognized option')) return 'UnrecognizedOptionException';
  if (message.startsWith('Cannot parse argument')) return 'OptionArgumentConversionException';
  return 'OptionMissingRequiredArgumentException';
}
