/** `kafka-consumer-groups --delete` and `--delete-offsets`. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { Errors, KafkaError } from '../../protocol/errors.ts';
import { exceptionText } from '../text/exception-names.ts';
import { deleteGroup, deleteOffsets } from '../cluster/group-requests.ts';
import { selectedGroups } from './kafka-consumer-groups-list.ts';
import { partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';
import type { Options } from '../arguments/options.ts';
import { formatRow } from '../text/text-table.ts';
import type { CliIo } from '../tool.ts';
import { parseTopicPartitions } from '../cluster/topic-partitions.ts';

export async function deleteGroups(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const deleted: string[] = [];
  const failed: string[] = [];
  for (const groupId of await selectedGroups(client, options)) {
    const error = await deleteGroup(client, groupId);
    if (error === null) deleted.push(groupId);
    else failed.push(`* Group '${groupId}' could not be deleted due to: ${exceptionText(error)}\n`);
  }
  const names = `'${deleted.join("', '")}'`;
  if (failed.length === 0) {
    io.stdout(`Deletion of requested consumer groups (${names}) was successful.\n`);
    return;
  }
  io.stdout(`\nError: Deletion of some consumer groups failed:\n${failed.join('')}`);
  if (deleted.length > 0) io.stdout(`\nThese consumer groups were deleted successfully: ${names}\n`);
}

/** Errors that concern single partitions and not the whole group. */
const partitionErrors: readonly unknown[] = [
  Errors.GROUP_SUBSCRIBED_TO_TOPIC,
  Errors.TOPIC_AUTHORIZATION_FAILED,
  Errors.UNKNOWN_TOPIC_OR_PARTITION,
];

export async function deleteGroupOffsets(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const groupId = options.text('group') ?? '';
  const { partitions, unknown } = await parseTopicPartitions(client, options.all('topic'));
  const { error, failed } = await deleteOffsets(client, groupId, partitions);
  const overall = error ?? failed.values().next().value ?? null;
  if (overall === null) io.stdout(`Request succeeded for deleting offsets from group ${groupId}.\n`);
  else if (partitionErrors.includes(overall.error)) {
    io.stdout('\nError: Encountered some partition-level error, see the follow-up details.\n');
  } else io.stdout(`\nError: ${overall.message}\n`);
  const line = (cells: readonly (string | number)[]): void =>
    io.stdout(`\n${formatRow([15, 10, 15], cells)}`);
  const row = (one: TopicPartition, why: KafkaError | null): void => {
    const status = why === null ? 'Successful' : `Error: ${exceptionText(why)}`;
    line([one.topic, one.partition < 0 ? '-' : one.partition, status]);
  };
  line(['TOPIC', 'PARTITION', 'STATUS']);
  for (const topic of unknown) {
    row({ topic, partition: -1 }, new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION));
  }
  for (const one of partitions) row(one, error ?? failed.get(partitionKey(one)) ?? null);
  io.stdout('\n');
}
