/**
 * What the verifiable clients have in common: events, connection options and settings; and the help that other tools of `perf/`
 * print too.
 */
import { systemClock } from '../../adapters/clock.ts';
import { HelpRequest, type Parsed } from '../arguments/argparse.ts';
import { clientSettings } from '../cluster/connect.ts';
import { type CliIo, ToolError } from '../tool.ts';

/** Returns an event as a line of JSON. */
export function event(name: string, fields: Readonly<Record<string, unknown>>, atMs?: number): string {
  return `${JSON.stringify({ timestamp: atMs ?? systemClock.wallMs(), name, ...fields })}\n`;
}

const title = 'Connection Group';

export const connectionSection = {
  notes: { [title]: 'Group of arguments for connection to brokers' },
  bootstrapServer: {
    flags: ['--bootstrap-server'],
    metavar: 'HOST1:PORT1[,HOST2:PORT2[...]]',
    isRequired: true,
    section: title,
  },
} as const;

/** Prints the help and returns status 0 when there are no arguments, and status 1 after --help, as in Kafka. */
export async function withHelpFirst(
  args: readonly string[],
  io: CliIo,
  run: (args: readonly string[]) => Promise<number>,
): Promise<number> {
  try {
    return await run(args.length === 0 ? ['--help'] : args);
  } catch (error) {
    if (!(error instanceof HelpRequest)) throw error;
    io.stdout(error.message);
    return args.length === 0 ? 0 : 1;
  }
}

/** Returns the settings of --command-config, or of the older option for the same file. */
export function toolSettings(options: Parsed, olderOption: string, io: CliIo): Map<string, string> {
  if (options.has(olderOption)) {
    if (options.has('command-config')) {
      throw new ToolError(`Options --${olderOption} and --command-config are mutually exclusive.`);
    }
    io.stdout(
      `Option --${olderOption} has been deprecated and will be removed in a future version. Use --command-config instead.\n`,
    );
  }
  return clientSettings(options.text('command-config') ?? options.text(olderOption));
}
