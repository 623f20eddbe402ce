/** The Kafka client with which the test kit carries out operations of a test on topics, records and groups. */
import { systemClock, systemScheduler } from '../../adapters/clock.ts';
import { createSystemRandom } from '../../adapters/random.ts';
import { connectTcp } from '../../adapters/tcp-network.ts';
import type { Address, Connection } from '../../base/network.ts';
import { type ConsumedRecord, Fetcher, offsetEarliest, offsetLatest } from '../../client/fetcher.ts';
import { KafkaClient, type TopicInfo } from '../../client/kafka-client.ts';
import { Producer } from '../../client/producer.ts';
import { isRetriable, retry } from '../../client/retry.ts';
import { Errors, errorOf, KafkaError } from '../../protocol/errors.ts';
import { OffsetFetchRequest, OffsetFetchResponse } from '../../protocol/messages/groups/09-offset-fetch.ts';
import {
  DescribeGroupsRequest,
  DescribeGroupsResponse,
} from '../../protocol/messages/groups/15-describe-groups.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../protocol/messages/topics/19-create-topics.ts';
import {
  AlterPartitionReassignmentsRequest,
  AlterPartitionReassignmentsResponse,
} from '../../protocol/messages/topics/45-alter-partition-reassignments.ts';
import {
  ElectLeadersRequest,
  ElectLeadersResponse,
} from '../../protocol/messages/topics/43-elect-leaders.ts';
import {
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse,
} from '../../protocol/messages/groups/69-consumer-group-describe.ts';
import type { TestRecord, TestTopic } from './options.ts';

/**
 * A record that was read.
 *
 * @example
 * ```ts
 * const [record] = await kafka.read('orders', { count: 1 });
 * console.log(record?.key, record?.value, record?.offset);
 * ```
 */
export interface ReadRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: string | null;
  /** The key as bytes, for keys that are not text. `rawValue`: the same for the value. */
  readonly rawKey: Uint8Array | null;
  readonly rawValue: Uint8Array | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface GroupState {
  /** Kafka's state: Empty, PreparingRebalance, CompletingRebalance, Assigning, Reconciling, Stable, Dead. */
  readonly state: string;
  readonly members: number;
}

const timeoutMs = 30_000;
/** How long `produce` waits for the topic's metadata; the topic may be created in this time. */
const topicTimeoutMs = 2_000;
/** The client id of the kit's own requests, which the log of requests leaves out. */
export const kitClientId = 'bendemann-testing';

const text = new TextDecoder();
const bytes = new TextEncoder();

function bytesOf(value: string | Uint8Array | null | undefined): Uint8Array | null {
  return typeof value === 'string' ? bytes.encode(value) : (value ?? null);
}

function textOf(value: Uint8Array | null): string | null {
  return value === null ? null : text.decode(value);
}

function readRecordOf(record: ConsumedRecord): ReadRecord {
  const { topic, partition, offset, timestampMs, key, value, headers } = record;
  return {
    topic,
    partition,
    offset,
    timestampMs,
    key: textOf(key),
    value: textOf(value),
    rawKey: key,
    rawValue: value,
    headers: Object.fromEntries(headers.map((header) => [header.key, textOf(header.value) ?? ''])),
  };
}

/** The address to connect to when a node on this machine listens on all addresses. */
const anyHost: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Whether a topic is read to its end. The positions are compared, because the number of records tells nothing: transaction
 * markers and removed records have offsets too.
 */
function isAtEnd(
  fetcher: Fetcher,
  topic: string,
  offsets: ReadonlyMap<number, { readonly end: number }>,
): boolean {
  return [...offsets].every(([partition, { end }]) => (fetcher.position(topic, partition) ?? 0) >= end);
}

/** Assigns each partition from the wanted offset on, or from the nearest offset that the log has. */
function assignWithin(
  fetcher: Fetcher,
  topic: string,
  offsets: ReadonlyMap<number, { readonly start: number; readonly end: number }>,
  wanted: (partition: number) => number,
): void {
  for (const [partition, { start, end }] of offsets)
    fetcher.assign(topic, partition, Math.max(start, Math.min(wanted(partition), end)));
}

/** A reading of a topic: what is read, and when it ends. */
interface Reading {
  readonly topic: string;
  /** The offset at which the reading of each partition begins. */
  readonly from: number;
  readonly isReadCommitted: boolean;
  /** Whether to wait for a topic that does not exist yet. */
  readonly isWaiting: boolean;
  /** Whether the records read so far are enough. `isAtEnd`: all records that existed when the reading began were read. */
  readonly enough: (records: readonly ReadRecord[], isAtEnd: boolean) => boolean | Promise<boolean>;
  readonly isOver: () => boolean;
  /** Called with each error that delays the start of the reading, such as that of an unknown topic. */
  readonly troubled: (error: Error) => void;
}

const isUnknownTopic = (error: unknown): boolean =>
  error instanceof KafkaError && error.error === Errors.UNKNOWN_TOPIC_OR_PARTITION;

/** Throws a retriable error, such as that of a coordinator that moves or loads, so that `retry` repeats the request. */
function throwRetriable(errorCode: number): void {
  const error = errorOf(errorCode);
  if (errorCode !== 0 && error.retriable) throw new KafkaError(error);
}

export class TestClient {
  private readonly client: KafkaClient;
  private readonly host: string;
  private readonly wallMs: () => number;
  private readonly ports = {
    network: {
      // The host that nodes advertise may be one that only other machines can resolve, so it is replaced. The port tells the
      // node.
      connect: ({ port }: Address, timeoutMs: number): Promise<Connection> =>
        connectTcp({ host: this.host, port }, timeoutMs),
    },
    clock: systemClock,
    scheduler: systemScheduler,
  };

  /**
   * @param host the address on which the nodes listen
   * @param wallMs the cluster's clock, for timestamps of records: by another clock they might be too old or in the future
   */
  constructor(bootstrap: readonly Address[], host: string, wallMs: () => number) {
    this.wallMs = wallMs;
    this.host = anyHost[host] ?? host;
    const options = { bootstrap, clientId: kitClientId, connectTimeoutMs: 2_000 };
    this.client = new KafkaClient(options, this.ports);
  }

  close(): void {
    this.client.close();
  }

  async createTopic(name: string, topic: number | TestTopic): Promise<void> {
    const {
      partitions = 1,
      replicas = -1,
      configs = {},
    } = typeof topic === 'number' ? { partitions: topic } : topic;
    await retry(this.ports, timeoutMs, async () => {
      const answer = await this.client.request(CreateTopicsRequest, CreateTopicsResponse, {
        topics: [
          {
            name,
            numPartitions: partitions,
            replicationFactor: replicas,
            assignments: [],
            configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
          },
        ],
        timeoutMs,
      });
      const row = answer.topics[0];
      const error = errorOf(row?.errorCode ?? Errors.UNKNOWN_SERVER_ERROR.code);
      if (error !== Errors.NONE) throw new KafkaError(error, row?.errorMessage ?? undefined);
    });
  }

  /** Resolves when all in-sync replicas have all records; rejects with the last error when that takes longer than `limitMs`. */
  async produce(topic: string, records: readonly (TestRecord | string)[], limitMs: number): Promise<void> {
    await this.checkPartitions(topic, records);
    const producer = new Producer(this.client, createSystemRandom(), {
      lingerMs: 0,
      batchBytes: 262_144,
      maxBlockMs: Math.min(topicTimeoutMs, limitMs),
      requestTimeoutMs: limitMs,
      deliveryTimeoutMs: limitMs,
    });
    await Promise.all(
      records.map((one) => {
        const record: TestRecord = typeof one === 'string' ? { value: one } : one;
        const { key, value, headers = {}, partition, timestampMs = this.wallMs() } = record;
        return producer.send({
          topic,
          partition,
          key: bytesOf(key),
          value: bytesOf(value),
          headers: Object.entries(headers).map(([name, content]) => ({ key: name, value: bytesOf(content) })),
          timestampMs,
        });
      }),
    );
  }

  /** Throws when a record names a partition that does not exist. A producer would wait for the partition to be added. */
  private async checkPartitions(topic: string, records: readonly (TestRecord | string)[]): Promise<void> {
    const most = records.reduce(
      (highest, one) => Math.max(highest, typeof one === 'string' ? -1 : (one.partition ?? -1)),
      -1,
    );
    if (most < 1) return;
    const { length } = (await this.topic(topic)).partitions;
    if (most >= length)
      throw new RangeError(`There is no partition ${most}: ${topic} has ${length} partitions.`);
  }

  /** Reads all partitions until `enough` or `isOver` returns true. */
  async read({ topic, from, isReadCommitted, enough, isOver, ...reading }: Reading): Promise<ReadRecord[]> {
    const fetcher = new Fetcher(this.client, { reset: 'earliest', isReadCommitted });
    const offsets = await retry(
      this.ports,
      Number.POSITIVE_INFINITY,
      () => this.offsets(topic, fetcher),
      (error) => {
        reading.troubled(error as Error);
        return reading.isWaiting && isRetriable(error) && !isOver();
      },
    );
    assignWithin(fetcher, topic, offsets, () => from);
    const records: ReadRecord[] = [];
    while (!(await enough(records, isAtEnd(fetcher, topic, offsets))) && !isOver()) {
      const polled = await fetcher.poll(100);
      records.push(...polled.filter(({ offset }) => offset >= from).map(readRecordOf));
    }
    return records;
  }

  /** The number of records that a committed reader finds from these offsets on. Counting stops beyond `most`. */
  async unread(
    topic: string,
    from: ReadonlyMap<number, number>,
    most: number,
  ): Promise<{ readonly count: number; readonly isAll: boolean }> {
    const fetcher = new Fetcher(this.client, { reset: 'earliest', isReadCommitted: true });
    const offsets = await this.offsets(topic, fetcher);
    assignWithin(fetcher, topic, offsets, (partition) => from.get(partition) ?? 0);
    let count = 0;
    while (count <= most && !isAtEnd(fetcher, topic, offsets)) count += (await fetcher.poll(100)).length;
    return { count, isAll: isAtEnd(fetcher, topic, offsets) };
  }

  /**
   * For each partition the log start offset, and the end: with read_committed the last stable offset, else the high watermark.
   */
  async offsets(
    topic: string,
    fetcher = new Fetcher(this.client),
  ): Promise<Map<number, { start: number; end: number }>> {
    const info = await this.topic(topic);
    const ask = (timestamp: number): Promise<Map<string, { offset: number }>> =>
      fetcher.offsets(info.partitions.map(({ index }) => ({ topic, partition: index, timestamp })));
    const [starts, ends] = [await ask(offsetEarliest), await ask(offsetLatest)];
    return new Map(
      info.partitions.map(({ index }) => [
        index,
        {
          start: starts.get(`${topic}-${index}`)?.offset ?? 0,
          end: ends.get(`${topic}-${index}`)?.offset ?? 0,
        },
      ]),
    );
  }

  /** The metadata of a topic. Rejects at once when there is no such topic; repeats the request when a node does not respond. */
  private topic(name: string): Promise<TopicInfo> {
    const ask = async (): Promise<TopicInfo> => {
      const info = (await this.client.metadata([name])).topics.get(name);
      if (info === undefined || info.errorCode !== 0)
        throw new KafkaError(
          errorOf(info?.errorCode ?? Errors.UNKNOWN_TOPIC_OR_PARTITION.code),
          `There is no topic ${name}.`,
        );
      return info;
    };
    return retry(this.ports, timeoutMs, ask, (error) => isRetriable(error) && !isUnknownTopic(error));
  }

  coordinator(key: string, kind: 'group' | 'transaction' = 'group'): Promise<number> {
    return retry(this.ports, timeoutMs, () => this.coordinatorNow(key, kind));
  }

  /** Rejects when there is no coordinator yet. */
  coordinatorNow(key: string, kind: 'group' | 'transaction' = 'group'): Promise<number> {
    return this.client.coordinator(key, kind);
  }

  /** State and size of a group of either protocol; `Dead` when there is none. */
  async group(groupId: string): Promise<GroupState> {
    const coordinator = await this.coordinator(groupId);
    const ask = { groupIds: [groupId], includeAuthorizedOperations: false };
    const found = await this.client.requestTo(
      coordinator,
      ConsumerGroupDescribeRequest,
      ConsumerGroupDescribeResponse,
      ask,
    );
    const [consumerGroup] = found.groups;
    if (consumerGroup?.errorCode === Errors.NONE.code)
      return { state: consumerGroup.groupState, members: consumerGroup.members.length };
    throwRetriable(consumerGroup?.errorCode ?? 0);
    const answer = await this.client.requestTo(coordinator, DescribeGroupsRequest, DescribeGroupsResponse, {
      groups: [groupId],
      includeAuthorizedOperations: false,
    });
    const group = answer.groups[0];
    throwRetriable(group?.errorCode ?? 0);
    return { state: group?.groupState || 'Dead', members: group?.members.length ?? 0 };
  }

  /** Committed offsets of a group for a topic, by partition; -1 where there is none. */
  async committed(groupId: string, topic: string): Promise<Map<number, number>> {
    const partitions = (await this.topic(topic)).partitions.map(({ index }) => index);
    return retry(this.ports, timeoutMs, () => this.committedNow(groupId, topic, partitions));
  }

  private async committedNow(
    groupId: string,
    topic: string,
    partitions: number[],
  ): Promise<Map<number, number>> {
    const connection = await this.client.broker(await this.coordinator(groupId));
    const answer = await connection.request(
      OffsetFetchRequest,
      OffsetFetchResponse,
      { groupId, topics: [{ name: topic, partitionIndexes: partitions }] },
      { version: 7 },
    );
    throwRetriable(answer.errorCode);
    const found = answer.topics.find(({ name }) => name === topic)?.partitions ?? [];
    return new Map(found.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]));
  }

  /** Makes a broker the leader: makes it the first of the replicas (the preferred leader) and elects it. */
  async moveLeader(topic: string, partition: number, id: number): Promise<void> {
    const info = (await this.topic(topic)).partitions[partition];
    if (info === undefined) throw new Error(`There is no partition ${topic}-${partition}.`);
    if (!info.replicas.includes(id))
      throw new Error(
        `Node ${id} has no replica of ${topic}-${partition}; replicas are ${info.replicas.join(', ')}.`,
      );
    const replicas = [id, ...info.replicas.filter((one) => one !== id)];
    const moved = await this.client.request(
      AlterPartitionReassignmentsRequest,
      AlterPartitionReassignmentsResponse,
      { timeoutMs, topics: [{ name: topic, partitions: [{ partitionIndex: partition, replicas }] }] },
    );
    const code = moved.errorCode || (moved.responses[0]?.partitions[0]?.errorCode ?? 0);
    if (code !== 0) throw new KafkaError(errorOf(code));
    await retry(this.ports, timeoutMs, async () => {
      const elected = await this.client.request(ElectLeadersRequest, ElectLeadersResponse, {
        electionType: 0,
        topicPartitions: [{ topic, partitions: [partition] }],
        timeoutMs,
      });
      const row = elected.replicaElectionResults[0]?.partitionResult[0];
      const error = errorOf(elected.errorCode || (row?.errorCode ?? 0));
      if (error !== Errors.NONE && error !== Errors.ELECTION_NOT_NEEDED)
        throw new KafkaError(error, row?.errorMessage ?? undefined);
    });
  }
}
