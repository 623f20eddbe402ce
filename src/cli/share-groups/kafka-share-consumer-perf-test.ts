/**
 * kafka-share-consumer-perf-test: checks its options as Kafka's tool does, then reports that our brokers have no share groups.
 */
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, parseOptions } from '../arguments/options.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { shareConsumerPerfTestOptions as table } from './kafka-share-consumer-perf-test-options.ts';
import { noneHere } from './unserved-groups.ts';

const intro = 'This tool is used to verify the share consumer performance.';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = usageError(table, () => parseOptions(table, args));
  const status = printHelpOrVersion(options, args, intro, table, io);
  if (status !== null) return status;
  usageError(table, () => checkRequired(options, 'topic', 'bootstrap-server'));
  throw new ToolError(noneHere('share'));
}
