/**
 * kafka-console-share-consumer: checks its options as Kafka's tool does, then reports that our brokers have no share groups.
 */
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, type Options, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { consoleShareConsumerOptions as table } from './kafka-console-share-consumer-options.ts';
import { noneHere } from './unserved-groups.ts';

const intro =
  'This tool helps to read data from Kafka topics using share groups and outputs it to standard output.';

/** Options that KIP-1147 replaced, each with the new one. */
const replaced = {
  'consumer-property': 'command-property',
  'consumer-config': 'command-config',
  property: 'formatter-property',
};

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(table, () => parseOptions(table, args));
  const status = printHelpOrVersion(options, args, intro, table, io);
  if (status !== null) return status;
  usageError(table, () => check(options, io));
  throw new ToolError(
    `The node does not support SHARE_GROUP_HEARTBEAT: The cluster does not support the share group protocol using ShareGroupHeartbeat API.\n${noneHere('share')}`,
  );
}

function check(options: Options, io: CliIo): void {
  if (!options.has('topic')) throw new ToolError('--topic is a required argument');
  checkRequired(options, 'bootstrap-server');
  if (options.has('reject') && options.has('release'))
    throw new ToolError('At most one of --reject and --release may be specified.');
  for (const [old, instead] of Object.entries(replaced)) {
    if (!options.has(old)) continue;
    if (options.has(instead))
      throw new ToolError(`Options --${old} and --${instead} cannot be specified together.`);
    io.stdout(
      `Option --${old} is deprecated and will be removed in a future version. Use --${instead} instead.\n`,
    );
  }
}
