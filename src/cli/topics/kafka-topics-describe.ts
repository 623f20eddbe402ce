/** `kafka-topics --describe`: prints topics and their partitions as Kafka does, all of them or only those with a problem. */
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { isUuid } from '../../base/uuid.ts';
import { errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from '../../protocol/messages/configs/32-describe-configs.ts';
import {
  ListPartitionReassignmentsRequest,
  ListPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/46-list-partition-reassignments.ts';
import {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
} from '../../protocol/messages/cluster/75-describe-topic-partitions.ts';
import type { Infer } from '../../protocol/schema/fields.ts';
import { hashMapOrder } from '../text/java-order.ts';
import type { Options } from '../arguments/options.ts';
import { matchTopics } from '../arguments/include-list.ts';
import type { CliIo } from '../tool.ts';

const topicResource = 2;
const defaultSource = 5;

type Topic = Infer<typeof DescribeTopicPartitionsResponse>['topics'][number];
type Partition = Topic['partitions'][number];
type Config = { name: string; value: string | null };

interface Described {
  readonly name: string;
  readonly id: string;
  readonly partitions: Partition[];
}

export async function describeTopics(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const names = await namesOf(client, options);
  if (names.length === 0) return;
  const topics = await fetchTopics(
    client,
    names,
    options.number('partition-size-limit-per-response') ?? 2000,
  );
  const configs = await fetchConfigs(client, names);
  const moving = await fetchReassignments(client);
  const filter = partitionFilter(options);
  for (const topic of topics) {
    const own = configs.get(topic.name) ?? [];
    const minIsr = Number(own.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1);
    const set = own.filter(({ isDefault }) => !isDefault);
    const hasTopicLine = filter === null && (!options.has('topics-with-overrides') || set.length > 0);
    if (hasTopicLine) io.stdout(topicLine(topic, set));
    if (options.has('topics-with-overrides')) continue;
    for (const partition of topic.partitions) {
      const change = moving.get(`${topic.name}-${partition.partitionIndex}`) ?? null;
      if (filter === null || filter(partition, minIsr, change))
        io.stdout(partitionLine(topic.name, partition, change));
    }
  }
}

async function namesOf(client: KafkaClient, options: Options): Promise<string[]> {
  const cluster = await retry(client.ports, 60_000, () => client.metadata(null));
  const id = options.text('topic-id');
  if (id !== null) {
    if (!isUuid(id)) throw new Error(notAnId(id));
    const found = [...cluster.topics.values()].find((topic) => topic.id === id);
    if (found === undefined && !options.has('if-exists'))
      throw new Error(`TopicId '${id}' does not exist as expected`);
    return found === undefined ? [] : [found.name];
  }
  const pattern = options.text('topic');
  const visible = [...cluster.topics.values()].filter(
    ({ isInternal }) => !isInternal || !options.has('exclude-internal'),
  );
  const names = matchTopics(
    visible.map(({ name }) => name),
    pattern,
  );
  if (names.length === 0 && pattern !== null && !options.has('if-exists')) {
    throw new Error(`Topic '${pattern}' does not exist as expected`);
  }
  return names;
}

function notAnId(text: string): string {
  const sizeBytes = Math.floor((text.length * 6) / 8);
  return `Input string \`${text}\` decoded as ${sizeBytes} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID`;
}

/** Returns the topics with all their partitions. The broker sends them in several responses when there are many. */
async function fetchTopics(
  client: KafkaClient,
  names: readonly string[],
  limit: number,
): Promise<Described[]> {
  const topics = new Map<string, Described>();
  let cursor: Infer<typeof DescribeTopicPartitionsResponse>['nextCursor'] = null;
  do {
    const from: typeof cursor = cursor;
    const answer: Infer<typeof DescribeTopicPartitionsResponse> = await client.request(
      DescribeTopicPartitionsRequest,
      DescribeTopicPartitionsResponse,
      {
        topics: names.filter((name) => from === null || name >= from.topicName).map((name) => ({ name })),
        responsePartitionLimit: limit,
        cursor: from,
      },
    );
    for (const topic of answer.topics) {
      if (topic.errorCode !== 0) throw new KafkaError(errorOf(topic.errorCode));
      const name = topic.name ?? '';
      const known = topics.get(name) ?? { name, id: topic.topicId, partitions: [] };
      known.partitions.push(...topic.partitions);
      topics.set(name, known);
    }
    cursor = answer.nextCursor;
  } while (cursor !== null);
  return [...topics.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

async function fetchConfigs(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, (Config & { isDefault: boolean })[]>> {
  const answer = await client.request(DescribeConfigsRequest, DescribeConfigsResponse, {
    resources: names.map((resourceName) => ({
      resourceType: topicResource,
      resourceName,
      configurationKeys: null,
    })),
    includeSynonyms: false,
  });
  return new Map(
    answer.results.map(({ resourceName, configs }) => [
      resourceName,
      hashMapOrder(configs, ({ name }) => name).map(({ name, value, configSource }) => ({
        name,
        value,
        isDefault: configSource === defaultSource,
      })),
    ]),
  );
}

interface Reassignment {
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

async function fetchReassignments(client: KafkaClient): Promise<Map<string, Reassignment>> {
  const answer = await client.request(ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse, {
    timeoutMs: 30_000,
    topics: null,
  });
  const moving = new Map<string, Reassignment>();
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, addingReplicas, removingReplicas } of partitions) {
      moving.set(`${name}-${partitionIndex}`, { adding: addingReplicas, removing: removingReplicas });
    }
  }
  return moving;
}

type Filter = (partition: Partition, minIsr: number, change: Reassignment | null) => boolean;

const filters: Readonly<Record<string, Filter>> = {
  'under-replicated-partitions': ({ replicaNodes, isrNodes }, _minIsr, change) =>
    isrNodes.length < replicaNodes.length - (change?.adding.length ?? 0),
  'under-min-isr-partitions': ({ isrNodes }, minIsr) => isrNodes.length < minIsr,
  'at-min-isr-partitions': ({ isrNodes }, minIsr) => isrNodes.length === minIsr,
  'unavailable-partitions': ({ leaderId }) => leaderId < 0,
};

/** Returns a filter for the partitions that one of the options selects, or null when none of the options is given. */
function partitionFilter(options: Options): Filter | null {
  const chosen = Object.keys(filters).flatMap((name) => (options.has(name) ? (filters[name] as Filter) : []));
  if (chosen.length === 0) return null;
  return (partition, minIsr, change) => chosen.some((filter) => filter(partition, minIsr, change));
}

function topicLine(topic: Described, configs: readonly Config[]): string {
  const factor = topic.partitions[0]?.replicaNodes.length ?? 0;
  const text = configs.map(({ name, value }) => `${name}=${value ?? ''}`).join(',');
  return `Topic: ${topic.name}\tTopicId: ${topic.id}\tPartitionCount: ${topic.partitions.length}\tReplicationFactor: ${factor}\tConfigs: ${text}\n`;
}

function partitionLine(topic: string, partition: Partition, change: Reassignment | null): string {
  const leader = partition.leaderId < 0 ? 'none' : String(partition.leaderId);
  const list = (ids: readonly number[] | null): string => (ids === null ? 'N/A' : ids.join(','));
  const fields = [
    `Topic: ${topic}`,
    `Partition: ${partition.partitionIndex}`,
    `Leader: ${leader}`,
    `Replicas: ${list(partition.replicaNodes)}`,
    `Isr: ${list(partition.isrNodes)}`,
  ];
  if (change !== null) {
    fields.push(`Adding Replicas: ${list(change.adding)}`, `Removing Replicas: ${list(change.removing)}`);
  }
  fields.push(
    `Elr: ${list(partition.eligibleLeaderReplicas)}`,
    `LastKnownElr: ${list(partition.lastKnownElr)}`,
  );
  return `\t${fields.join('\t')}\n`;
}
