/** What the tools with argparse4j command lines share: the arguments that name the cluster, and the exit status. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { KafkaError } from '../../protocol/errors.ts';
import type { Argument, Parsed } from './argparse.ts';
import { clientSettings, connectClient } from '../cluster/connect.ts';
import { exceptionText } from '../text/exception-names.ts';
import { type CliIo, ToolError } from '../tool.ts';

/**
 * The options `--bootstrap-server` and `--bootstrap-controller`. They are in one group, so that a parser can require one of
 * them.
 */
export function bootstrapArguments(
  short: boolean,
  help: { readonly server: string; readonly controller: string },
): readonly Argument[] {
  return [
    {
      flags: short ? ['--bootstrap-server', '-b'] : ['--bootstrap-server'],
      group: 'bootstrap',
      help: help.server,
    },
    {
      flags: short ? ['--bootstrap-controller', '-C'] : ['--bootstrap-controller'],
      group: 'bootstrap',
      help: help.controller,
    },
  ];
}

/**
 * Connects a client to the addresses in the arguments and calls `body` with it. Returns the exit status: 0, or 1 after an
 * error, which it prints. A `ToolError` is thrown on, for the caller to print.
 */
export async function withClient(
  parsed: Parsed,
  configFile: string | null,
  io: CliIo,
  body: (client: KafkaClient) => Promise<void>,
): Promise<number> {
  const server = parsed.text('bootstrap-server');
  const client = connectClient({
    bootstrap: server ?? (parsed.text('bootstrap-controller') as string),
    isController: server === null,
    settings: clientSettings(configFile),
  });
  try {
    await body(client);
    return 0;
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const text = error instanceof KafkaError ? exceptionText(error) : `${(error as Error).message}`;
    io.stderr(`${text}\n`);
    return 1;
  } finally {
    client.close();
  }
}
