/**
 * kafka-verifiable-share-consumer: checks its options as Kafka's tool does, then reports that our brokers have no share groups.
 */
import { type FlatParser, parseFlat } from '../arguments/argparse.ts';
import { connectionSection, withHelpFirst } from '../perf/verifiable.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { noneHere } from './unserved-groups.ts';

const parser: FlatParser = {
  prog: 'verifiable-share-consumer',
  description:
    'This tool creates a share group and consumes messages from a specific topic and emits share consumer events (e.g. share consumer startup, received messages, and offsets acknowledged) as JSON objects to STDOUT.',
  sectionNotes: connectionSection.notes,
  arguments: [
    { flags: ['--topic'], isRequired: true, help: 'Consumes messages from this topic.' },
    { flags: ['--group-id'], metavar: 'GROUP-ID', isRequired: true, help: 'The group id of the share group' },
    {
      flags: ['--max-messages'],
      metavar: 'MAX-MESSAGES',
      integer: 'Integer',
      default: '-1',
      help: 'Consume this many messages. If -1 (the default), the share consumers will consume until the process is killed externally',
    },
    {
      flags: ['--verbose'],
      kind: 'flag',
      default: 'false',
      help: 'Enable to log individual consumed records',
    },
    {
      flags: ['--acknowledgement-mode'],
      metavar: 'ACKNOWLEDGEMENT-MODE',
      default: 'auto',
      help: "Acknowledgement mode for the share consumers (must be either 'auto', 'sync' or 'async')",
    },
    {
      flags: ['--offset-reset-strategy'],
      metavar: 'OFFSET-RESET-STRATEGY',
      default: '',
      help: "Share group offset reset strategy (must be either 'earliest' or 'latest')",
    },
    {
      flags: ['--command-config'],
      metavar: 'CONFIG-FILE',
      help: 'Config properties file (config options shared with command line parameters will be overridden).',
    },
    {
      ...connectionSection.bootstrapServer,
      help: 'The server(s) to connect to. Comma-separated list of Kafka brokers in the form HOST1:PORT1,HOST2:PORT2,...',
    },
  ],
};

export function main(args: readonly string[], io: CliIo): Promise<number> {
  return withHelpFirst(args, io, async (words) => {
    parseFlat(parser, words);
    throw new ToolError(noneHere('share'));
  });
}
