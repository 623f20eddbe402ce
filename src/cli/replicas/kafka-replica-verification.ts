/**
 * kafka-replica-verification: fetches the same records from all replicas of a partition again and again, and prints where they
 * differ. From time to time it prints how far behind the high watermark the comparison is. It runs until it is stopped.
 */
import { systemClock, systemScheduler } from '../../adapters/clock.ts';
import { sleep } from '../../base/clock.ts';
import type { ClusterInfo, KafkaClient } from '../../client/kafka-client.ts';
import { isRetriable, retry } from '../../client/retry.ts';
import { FetchRequest, FetchResponse } from '../../protocol/messages/records/01-fetch.ts';
import { batches } from '../../protocol/records/batch.ts';
import { printHelpOrVersion, usageError } from '../arguments/help-or-version.ts';
import { checkRequired, type Options, type OptionTable, parseOptions } from '../arguments/options.ts';
import { matchTopics } from '../arguments/include-list.ts';
import { connectClient } from '../cluster/connect.ts';
import { byTopic, listOffsets, partitionKey, type TopicPartition } from '../cluster/list-offsets.ts';
import { type CliIo, ToolError } from '../tool.ts';
import { compareReplicas, type ReplicaBatches } from './compare-replicas.ts';

const intro = 'Validate that all replicas for a set of topics have the same data.';

const table: OptionTable = {
  'broker-list': {
    argument: 'hostname:port,...,hostname:port',
    help: 'REQUIRED: The list of hostname and port of the server to connect to.',
  },
  'fetch-size': {
    argument: 'bytes',
    type: 'Integer',
    default: '1048576',
    help: 'The fetch size of each request.',
  },
  help: { help: 'Print usage information.' },
  'max-wait-ms': {
    argument: 'ms',
    type: 'Integer',
    default: '1000',
    help: 'The max amount of time each fetch request waits.',
  },
  'report-interval-ms': {
    argument: 'ms',
    type: 'Long',
    default: '30000',
    help: 'The reporting interval.',
  },
  time: {
    argument: 'timestamp/-1(latest)/-2(earliest)',
    type: 'Long',
    default: '-1',
    help: 'Timestamp for getting the initial offsets.',
  },
  'topics-include': {
    argument: 'Java regex (String)',
    default: '.*',
    help: 'List of topics to verify replica consistency.',
  },
  version: { help: 'Display Kafka version.' },
};

/** With this replica id, Kafka's debugging consumer, any replica answers a fetch, up to its own log end offset. */
const debuggingReplicaId = -2;
const responseBytesMax = 52_428_800;
const pauseAfterFailureMs = 1000;

interface Watched extends TopicPartition {
  readonly topicId: string;
  readonly replicas: readonly number[];
  /** Below this offset the replicas were compared. */
  offset: number;
}

export async function main(args: readonly string[], io: CliIo): Promise<number> {
  const options = parseOptions(table, args);
  const status = printHelpOrVersion(options, args, intro, table, io);
  if (status !== null) return status;
  usageError(table, () => checkRequired(options, 'broker-list'));
  const client = connectClient({
    bootstrap: options.text('broker-list') as string,
    clientId: 'ReplicaVerification',
  });
  let signal: 'SIGINT' | 'SIGTERM' | null = null;
  const unlisten = io.onSignal((which) => {
    signal = which;
    client.close();
  });
  try {
    return await verify(client, options, io, () => signal !== null);
  } catch (error) {
    if (signal === null) throw error;
    return 0;
  } finally {
    unlisten();
    client.close();
  }
}

function stamped(text: string): string {
  const time = new Date(systemClock.wallMs()).toISOString().replace('T', ' ').replace('.', ',').slice(0, -1);
  return `${time}: ${text}\n`;
}

async function verify(
  client: KafkaClient,
  options: Options,
  io: CliIo,
  isStopped: () => boolean,
): Promise<number> {
  const cluster = await retry(client.ports, 60_000, () => client.metadata(null));
  const watched = await watchedPartitions(client, cluster, options);
  io.stdout(stamped('verification process is started'));
  const intervalMs = options.number('report-interval-ms') as number;
  let reportedMs = systemClock.monotonicMs();
  while (!isStopped()) {
    const fetched = await fetchRound(client, watched, options);
    let lag = { offsets: -1, partition: '', offset: -1 };
    for (const one of watched) {
      const key = partitionKey(one);
      const replicas = fetched.get(key) ?? [];
      const { nextOffset, problems, isFatal } = compareReplicas(key, one.offset, replicas);
      for (const problem of problems) io.stdout(stamped(problem));
      if (isFatal) return 1;
      one.offset = nextOffset;
      const offsets = Math.max(...replicas.map(({ highWatermark }) => highWatermark)) - nextOffset;
      if (offsets > lag.offsets) lag = { offsets, partition: key, offset: nextOffset };
    }
    const nowMs = systemClock.monotonicMs();
    if (nowMs - reportedMs <= intervalMs) continue;
    reportedMs = nowMs;
    const { offsets, partition, offset } = lag;
    io.stdout(
      stamped(
        `max lag is ${offsets} for partition ${partition === '' ? null : partition} at offset ${offset} among ${watched.length} partitions`,
      ),
    );
  }
  return 0;
}

async function watchedPartitions(
  client: KafkaClient,
  { topics }: ClusterInfo,
  options: Options,
): Promise<Watched[]> {
  const names = matchTopics([...topics.keys()], options.text('topics-include'));
  if (names.length === 0)
    throw new ToolError(
      'No topics found. [topics-include] if specified, is either filtering out all topics or there is no topic.',
    );
  const partitions = names.flatMap((topic) =>
    (topics.get(topic)?.partitions ?? []).map(({ index, replicas }) => ({
      topic,
      partition: index,
      topicId: topics.get(topic)?.id as string,
      replicas,
    })),
  );
  const offsets = await listOffsets(client, partitions, options.number('time') as number);
  return partitions.map((one) => {
    const offset = offsets.get(partitionKey(one));
    if (offset instanceof Error) throw offset;
    if (offset === undefined || offset < 0)
      throw new ToolError(`${partitionKey(one)} has no record at or after that time.`);
    return { ...one, offset };
  });
}

/** Fetches from all replicas of each partition, from the offset up to which they were compared. The result is by partition. */
async function fetchRound(
  client: KafkaClient,
  watched: readonly Watched[],
  options: Options,
): Promise<Map<string, ReplicaBatches[]>> {
  const found = new Map<string, ReplicaBatches[]>(watched.map((one) => [partitionKey(one), []]));
  const brokers = [...new Set(watched.flatMap(({ replicas }) => replicas))];
  const ask = async (broker: number): Promise<void> => {
    const own = watched.filter(({ replicas }) => replicas.includes(broker));
    const answers = await fetchFrom(client, broker, own, options);
    for (const one of own) {
      const key = partitionKey(one);
      found.get(key)?.push({ broker, ...(answers.get(key) ?? { highWatermark: -1, batches: [] }) });
    }
  };
  await Promise.all(brokers.map(ask));
  return found;
}

type Answer = Omit<ReplicaBatches, 'broker'>;

/** Fetches from one broker. When it does not respond, returns no batches, and the next round tries again. */
async function fetchFrom(
  client: KafkaClient,
  broker: number,
  partitions: readonly Watched[],
  options: Options,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  try {
    const connection = await client.broker(broker);
    const version = connection.versionOf(FetchRequest);
    const request = requestFor(partitions, options, version);
    const response = await connection.request(FetchRequest, FetchResponse, request);
    const names = new Map(partitions.map(({ topicId, topic }) => [topicId, topic]));
    for (const topic of response.responses) {
      const name = names.get(topic.topicId) ?? topic.topic;
      for (const { partitionIndex, errorCode, highWatermark, records } of topic.partitions) {
        if (errorCode !== 0 || records === null) continue;
        const { headers } = batches(records);
        answers.set(`${name}-${partitionIndex}`, { highWatermark, batches: headers });
      }
    }
  } catch (error) {
    if (!isRetriable(error)) throw error;
    await sleep(systemScheduler, pauseAfterFailureMs);
  }
  return answers;
}

/** From this version of Fetch on, the replica id is in the field `replicaState`. */
const versionWithState = 15;

function requestFor(partitions: readonly Watched[], options: Options, version: number) {
  const partitionMaxBytes = options.number('fetch-size') as number;
  return {
    ...(version < versionWithState
      ? { replicaId: debuggingReplicaId }
      : { replicaState: { replicaId: debuggingReplicaId, replicaEpoch: -1 } }),
    maxWaitMs: options.number('max-wait-ms') as number,
    minBytes: 1,
    maxBytes: responseBytesMax,
    topics: byTopic(partitions).map(({ name, list }) => ({
      topic: name,
      topicId: list[0]?.topicId as string,
      partitions: list.map(({ partition, offset }) => ({
        partition,
        fetchOffset: offset,
        logStartOffset: 0,
        partitionMaxBytes,
      })),
    })),
    forgottenTopicsData: [],
  };
}
