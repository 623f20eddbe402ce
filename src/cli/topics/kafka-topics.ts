/**
 * kafka-topics: creates, lists, describes, alters and deletes topics. As in Kafka's tool, an error of the command line is
 * printed to standard error with the help, and an error of the cluster to standard output.
 */
import { uuidZero } from '../../base/uuid.ts';
import type { KafkaClient } from '../../client/kafka-client.ts';
import { retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/messages/topics/19-create-topics.ts';
import {
  DeleteTopicsRequest,
  DeleteTopicsResponse,
} from '../../protocol/messages/topics/20-delete-topics.ts';
import {
  CreatePartitionsRequest,
  CreatePartitionsResponse,
} from '../../protocol/messages/topics/37-create-partitions.ts';
import { connectClient, clientSettings } from '../cluster/connect.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { describeTopics } from './kafka-topics-describe.ts';
import { checkTopicsOptions, type TopicsAction, topicsOptions } from './kafka-topics-options.ts';
import { type Options, parseOptions } from '../arguments/options.ts';
import { hintLine } from '../hint.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { matchTopics } from '../arguments/include-list.ts';

const intro = 'This tool helps to create, delete, describe, or change a topic.';
/** Kafka's text when there are no arguments. */
const shortIntro = 'Create, delete, describe, or change a topic.';

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(topicsOptions, args, { typesLater: true });
  const status = printHelpOrVersion(options, args, args.length === 0 ? shortIntro : intro, topicsOptions, io);
  if (status !== null) return status;
  const bootstrap = options.text('bootstrap-server');
  if (bootstrap === null) throw new ToolError('--bootstrap-server must be specified');
  const action = usageError(topicsOptions, () => checkTopicsOptions(options));
  const client = connectClient({ bootstrap, settings: clientSettings(options.text('command-config')) });
  try {
    await perform(action, client, options, io);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    io.stdout(`Error while executing topic command : ${error.message}\n`);
    if (error.message.includes('cannot be reached because only'))
      io.stderr(hintLine('kafka-topics', 'Choose a smaller --replication-factor, or start more brokers.'));
    return 1;
  } finally {
    client.close();
  }
}

function perform(action: TopicsAction, client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  switch (action) {
    case 'create':
      return create(client, options, io);
    case 'list':
      return list(client, options, io);
    case 'describe':
      return describeTopics(client, options, io);
    case 'alter':
      return alter(client, options);
    case 'delete':
      return remove(client, options);
  }
}

/** Parses the values of --config, which have the form `name=value`. */
function parseConfigs(words: readonly string[]): { name: string; value: string }[] {
  return words.map((word) => {
    const at = word.indexOf('=');
    if (at < 0) {
      throw new Error(
        'requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".',
      );
    }
    return { name: word.slice(0, at).trim(), value: word.slice(at + 1).trim() };
  });
}

/**
 * Parses the replicas of each partition. In `1:2,2:3` partition 0 is on brokers 1 and 2, and partition 1 on brokers 2 and 3.
 */
function parseAssignment(text: string): number[][] {
  const assignment = text.split(',').map((one) => one.split(':').map((id) => Number(id.trim())));
  const factor = assignment[0]?.length ?? 0;
  assignment.forEach((replicas, partition) => {
    const repeated = replicas.filter((id, at) => replicas.indexOf(id) !== at);
    if (repeated.length > 0) {
      throw new Error(`Partition replica lists may not contain duplicate entries: ${repeated.join(',')}`);
    }
    if (replicas.length !== factor) {
      throw new Error(`Partition ${partition} has different replication factor: [${replicas.join(', ')}]`);
    }
  });
  return assignment;
}

function checkCounts(options: Options): { partitions: number; factor: number } {
  const partitions = options.number('partitions');
  if (partitions !== null && partitions <= 0) throw new Error('The partitions must be greater than 0');
  const factor = options.number('replication-factor');
  if (factor !== null && (factor < 1 || factor > 32_767)) {
    throw new Error('The replication factor must be between 1 and 32767 inclusive');
  }
  return { partitions: partitions ?? -1, factor: factor ?? -1 };
}

async function create(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const name = options.text('topic') ?? '';
  if (/[._]/.test(name)) {
    io.stdout(
      "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.\n",
    );
  }
  const { partitions, factor } = checkCounts(options);
  const manual = options.text('replica-assignment');
  const assignment = manual === null ? [] : parseAssignment(manual);
  const configs = parseConfigs(options.all('config'));
  const answer = await retry(client.ports, 60_000, () =>
    client.request(CreateTopicsRequest, CreateTopicsResponse, {
      topics: [
        {
          name,
          numPartitions: assignment.length > 0 ? -1 : partitions,
          replicationFactor: assignment.length > 0 ? -1 : factor,
          assignments: assignment.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
          configs,
        },
      ],
      timeoutMs: 60_000,
    }),
  );
  const result = answer.topics[0];
  const error = errorOf(result?.errorCode ?? -1);
  if (error === Errors.TOPIC_ALREADY_EXISTS && options.has('if-not-exists')) return;
  if (error !== Errors.NONE) throw new KafkaError(error, result?.errorMessage ?? undefined);
  io.stdout(`Created topic ${name}.\n`);
}

async function list(client: KafkaClient, options: Options, io: CliIo): Promise<void> {
  const cluster = await retry(client.ports, 60_000, () => client.metadata(null));
  const topics = [...cluster.topics.values()].filter(
    ({ isInternal }) => !isInternal || !options.has('exclude-internal'),
  );
  const names = matchTopics(
    topics.map(({ name }) => name),
    options.text('topic'),
  );
  if (names.length > 0) io.stdout(`${names.join('\n')}\n`);
}

/** Returns the topics that `--topic` selects. When there are none, throws with Kafka's message. */
async function wanted(client: KafkaClient, options: Options) {
  const cluster = await retry(client.ports, 60_000, () => client.metadata(null));
  const pattern = options.text('topic');
  const names = matchTopics([...cluster.topics.keys()], pattern);
  if (names.length === 0 && pattern !== null && !options.has('if-exists')) {
    throw new Error(`Topic '${pattern}' does not exist as expected`);
  }
  return names.map((name) => {
    const topic = cluster.topics.get(name);
    return { name, partitionCount: topic?.partitions.length ?? 0 };
  });
}

async function alter(client: KafkaClient, options: Options): Promise<void> {
  const { partitions: count } = checkCounts(options);
  const manual = options.text('replica-assignment');
  const assignment = manual === null ? null : parseAssignment(manual);
  const topics = await wanted(client, options);
  if (topics.length === 0) return;
  const answer = await client.request(CreatePartitionsRequest, CreatePartitionsResponse, {
    topics: topics.map(({ name, partitionCount }) => ({
      name,
      count,
      assignments:
        assignment === null ? null : assignment.slice(partitionCount).map((brokerIds) => ({ brokerIds })),
    })),
    timeoutMs: 60_000,
    validateOnly: false,
  });
  for (const { errorCode, errorMessage } of answer.results) {
    if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
  }
}

async function remove(client: KafkaClient, options: Options): Promise<void> {
  const topics = await wanted(client, options);
  if (topics.length === 0) return;
  const answer = await client.request(DeleteTopicsRequest, DeleteTopicsResponse, {
    topics: topics.map(({ name }) => ({ name, topicId: uuidZero })),
    topicNames: topics.map(({ name }) => name),
    timeoutMs: 60_000,
  });
  for (const { errorCode, errorMessage } of answer.responses) {
    if (errorCode !== 0) throw new KafkaError(errorOf(errorCode), errorMessage ?? undefined);
  }
}
