/** kafka-get-offsets: prints `topic:partition:offset` for each selected partition, with its offset for a timestamp. */
import { failureOf } from '../text/command-failure.ts';
import { connectClient, clientSettings } from '../cluster/connect.ts';
import { retry } from '../../client/retry.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { exceptionText } from '../text/exception-names.ts';
import { checkGetOffsetsOptions, getOffsetsOptions, parseTime } from './kafka-get-offsets-options.ts';
import {
  comparePartitions,
  listOffsets,
  partitionKey,
  type TopicPartition,
} from '../cluster/list-offsets.ts';
import { checkRequired, type Options, parseOptions } from '../arguments/options.ts';
import { filterOfRules, filterOfTopic, type PartitionFilter } from '../cluster/partition-filter.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { type CliIo, ToolError } from '../tool.ts';

const intro = 'An interactive shell for getting topic-partition offsets.';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  try {
    const options = parseOptions(getOffsetsOptions, args);
    const status = printHelpOrVersion(options, args, intro, getOffsetsOptions, io);
    if (status !== null) return status;
    await printOffsets(options, io);
    return 0;
  } catch (error) {
    const { message } = failureOf(error);
    throw error instanceof ToolError && error.message.includes('\n')
      ? error
      : new ToolError(`Error occurred: ${message}`);
  }
}

async function printOffsets(options: Options, io: CliIo): Promise<void> {
  usageError(getOffsetsOptions, () => checkRequired(options, 'bootstrap-server'));
  checkGetOffsetsOptions(options);
  const timestamp = parseTime(options.text('time') ?? 'latest');
  const rules = options.text('topic-partitions');
  const filter =
    rules === null ? filterOfTopic(options.text('topic'), options.text('partitions')) : filterOfRules(rules);
  const client = connectClient({
    bootstrap: options.text('bootstrap-server') ?? '',
    settings: clientSettings(options.text('command-config')),
    clientId: 'GetOffsetShell',
  });
  try {
    const partitions = await matching(client, filter, options.has('exclude-internal-topics'));
    const offsets = await listOffsets(client, partitions, timestamp);
    for (const one of partitions) {
      const offset = offsets.get(partitionKey(one)) ?? -1;
      if (offset instanceof Error) {
        io.stderr(
          `Skip getting offsets for topic-partition ${partitionKey(one)} due to error: ${exceptionText(offset)}\n`,
        );
      } else if (offset >= 0) io.stdout(`${one.topic}:${one.partition}:${offset}\n`);
    }
  } finally {
    client.close();
  }
}

/** Returns the partitions that the filter selects, sorted. */
async function matching(
  client: KafkaClient,
  filter: PartitionFilter,
  excludesInternal: boolean,
): Promise<TopicPartition[]> {
  const cluster = await retry(client.ports, 60_000, () => client.metadata(null));
  const found: TopicPartition[] = [];
  for (const topic of cluster.topics.values()) {
    if (topic.isInternal && excludesInternal) continue;
    for (const { index } of topic.partitions) {
      if (filter(topic.name, index)) found.push({ topic: topic.name, partition: index });
    }
  }
  if (found.length === 0) {
    throw new ToolError('Could not match any topic-partitions with the specified filters');
  }
  return found.sort(comparePartitions);
}
