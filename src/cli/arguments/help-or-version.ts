/** `--help` and `--version`, which most tools handle before they parse the other options. No arguments at all mean `--help`. */
import type { Options, OptionTable } from './options.ts';
import { optionsHelp } from './options-help.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { kafkaVersion } from '../version.ts';

/** Finds `--help` and `--version` without parsing the other arguments, which may be wrong. */
export function unread(args: readonly string[]): Pick<Options, 'has'> {
  return { has: (name) => args.includes(`--${name}`) };
}

/**
 * Prints the help or the version when it was asked for, and returns the exit status. Returns null when the tool should
 * continue.
 */
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

/** Runs a check of the command line. When it fails, the error message is followed by the help, as in Kafka's tools. */
export function usageError<T>(table: OptionTable, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw new ToolError(`${(error as Error).message}\n${optionsHelp(table)}`);
  }
}

/**
 * For tools of Kafka that do not catch the exceptions of their parser: reports an error of `parse` as Java prints an uncaught
 * exception.
 */
export function uncaughtParserError<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    const { message } = error as Error;
    throw new ToolError(`Exception in thread "main" joptsimple.${parserException(message)}: ${message}`);
  }
}

/** Returns the name of the Java exception that joptsimple throws with this message. */
function parserException(message: string): string {
  if (message.endsWith('is not a recognized option')) return 'UnrecognizedOptionException';
  if (message.startsWith('Cannot parse argument')) return 'OptionArgumentConversionException';
  return 'OptionMissingRequiredArgumentException';
}
