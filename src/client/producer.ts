/**
 * A producer. While a batch of a partition is in flight, further records of the partition are collected for the next batch. A
 * batch is sent to the leader repeatedly until it is acknowledged, refused permanently, or timed out, or its `retries` are used
 * up.
 *
 * Invariants: a partition has at most one batch in flight, so that retries keep the order; after a batch has timed out, the
 * next one is sent although the last request of the failed batch may still be under way. A batch is sent again byte for byte,
 * so that the broker recognises a duplicate of an idempotent producer.
 */
import { at } from '../base/assert.ts';
import { sleep } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import { ProduceRequest, ProduceResponse } from '../protocol/messages/records/00-produce.ts';
import {
  InitProducerIdRequest,
  InitProducerIdResponse,
} from '../protocol/messages/transactions/22-init-producer-id.ts';
import { buildBatch } from '../protocol/records/builder.ts';
import { batchHeaderBytes, type CompressionType } from '../protocol/records/batch.ts';
import { recordBodyBytes } from '../protocol/records/record.ts';
import type { BrokerConnection } from './connection.ts';
import type { KafkaClient, TopicInfo } from './kafka-client.ts';
import { partitionOfKey, StickyPartitioner } from './partitioner.ts';
import { beforeDeadline, isRetriable, retry } from './retry.ts';
import type { Transaction } from './transaction.ts';

export interface ProducerRecord {
  readonly topic: string;
  readonly partition?: number | undefined;
  readonly key?: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly { key: string; value: Uint8Array | null }[];
  readonly timestampMs?: number;
}

export interface RecordMetadata {
  readonly topic: string;
  readonly partition: number;
  /** The offset of the record; -1 with acks=0, because the broker sends no response. */
  readonly offset: number;
}

export interface ProducerOptions {
  readonly acks: -1 | 0 | 1;
  readonly lingerMs: number;
  readonly batchBytes: number;
  readonly compression: CompressionType;
  readonly isIdempotent: boolean;
  /** How long the broker may wait for the in-sync replicas before it answers with an error; sent in each Produce request. */
  readonly requestTimeoutMs: number;
  /**
   * The longest time until a record is acknowledged or fails, as with `delivery.timeout.ms`. It begins when the topic's
   * metadata are known; before that `maxBlockMs` counts. A batch times out together with its oldest record.
   */
  readonly deliveryTimeoutMs: number;
  /** A larger record fails without being sent, as with `max.request.size`. The bound includes the overhead of its batch. */
  readonly maxRequestBytes: number;
  /** How long `send` waits for metadata of the topic; also how long a producer id is requested. */
  readonly maxBlockMs: number;
  readonly retries: number;
  /**
   * The transaction to which the records belong; the caller initializes and ends it. Null: the producer is not transactional.
   */
  readonly transaction: Transaction | null;
}

export const producerDefaults: ProducerOptions = {
  acks: -1,
  lingerMs: 5,
  batchBytes: 16_384,
  compression: 'none',
  isIdempotent: true,
  requestTimeoutMs: 30_000,
  deliveryTimeoutMs: 120_000,
  maxRequestBytes: Infinity,
  maxBlockMs: 60_000,
  retries: 2 ** 31 - 1,
  transaction: null,
};

interface Waiting {
  readonly record: ProducerRecord;
  readonly sizeBytes: number;
  readonly timestampMs: number;
  /** When the record fails with a time-out. */
  readonly deadlineMs: number;
  readonly period: SendPeriod;
  readonly resolve: (metadata: RecordMetadata) => void;
  readonly reject: (error: Error) => void;
}

/** The records that were sent between two calls of `flush`. */
class SendPeriod {
  unsettledCount = 0;
  /** Resolves the `flush` that ended this period. Called when its records and those of earlier periods are settled. */
  flushed: () => void = () => {};
}

interface Batch {
  readonly bytes: Uint8Array;
  readonly records: readonly Waiting[];
  readonly deadlineMs: number;
  attempts: number;
}

/** The id with which the broker recognises batches that an idempotent producer sends again. */
interface Identity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

class PartitionQueue {
  readonly topic: string;
  readonly index: number;
  readonly waiting: Waiting[] = [];
  waitingBytes = 0;
  inFlight: Batch | null = null;
  /** The producer that sends the batches; null: it is not idempotent, or there was no batch yet. */
  identity: Identity | null = null;
  /** The sequence number of the next batch of `identity`. */
  nextSequence = 0;
  isFlushing = false;

  constructor(topic: string, index: number) {
    this.topic = topic;
    this.index = index;
  }
}

const recordOverheadBytes = 24;
/** The most that length, attributes, timestamp and offset of a record can take (Java's MAX_RECORD_OVERHEAD). */
const recordOverheadBytesMax = 21;

/**
 * The size of an uncompressed batch with this record alone, as Java's clients estimate it (`estimateSizeInBytesUpperBound`).
 */
function loneBatchBytesMax({ key = null, value, headers = [] }: ProducerRecord): number {
  const smallest = recordBodyBytes({ key, value, headers, timestampDelta: 0, offsetDelta: 0 });
  // `smallest` contains attributes, timestamp and offset with a byte each.
  return batchHeaderBytes + recordOverheadBytesMax + smallest - 3;
}

export class Producer {
  readonly options: ProducerOptions;
  private readonly client: KafkaClient;
  private readonly sticky: StickyPartitioner;
  private readonly topics = new Map<string, Promise<TopicInfo>>();
  private readonly queues = new Map<string, PartitionQueue>();
  private identity: Promise<Identity> | null = null;
  private period = new SendPeriod();
  /** Periods that `flush` has ended but that are not resolved, oldest first: they or an earlier one have unsettled records. */
  private readonly ended: SendPeriod[] = [];

  constructor(client: KafkaClient, random: Random, options: Partial<ProducerOptions> = {}) {
    this.client = client;
    this.options = { ...producerDefaults, ...options };
    this.sticky = new StickyPartitioner(random);
  }

  /** Resolves when the record is acknowledged according to `acks`. Rejects with the broker's error or a time-out. */
  send(record: ProducerRecord): Promise<RecordMetadata> {
    const { period } = this;
    period.unsettledCount++;
    // This is not an async function, so that a caller that waits for `send` continues before one that waits for `flush`.
    return new Promise((resolve, reject) => {
      this.topicOf(record.topic).then(
        (topic) => this.enqueue(record, topic, { period, resolve, reject }),
        (error: Error) => {
          reject(error);
          this.settle([{ period }]);
        },
      );
    });
  }

  private enqueue(
    record: ProducerRecord,
    topic: TopicInfo,
    outcome: Pick<Waiting, 'period' | 'resolve' | 'reject'>,
  ): void {
    const { clock } = this.client.ports;
    const largestBytes = loneBatchBytesMax(record);
    if (largestBytes > this.options.maxRequestBytes) {
      const text = `The message is ${largestBytes} bytes when serialized which is larger than ${this.options.maxRequestBytes}, which is the value of the max.request.size configuration.`;
      outcome.reject(new KafkaError(Errors.MESSAGE_TOO_LARGE, text));
      this.settle([outcome]);
      return;
    }
    const queue = this.queueOf(record, topic);
    const sizeBytes = (record.key?.length ?? 0) + (record.value?.length ?? 0) + recordOverheadBytes;
    const timestampMs = record.timestampMs ?? clock.wallMs();
    const deadlineMs = clock.monotonicMs() + this.options.deliveryTimeoutMs;
    queue.waiting.push({ record, sizeBytes, timestampMs, deadlineMs, ...outcome });
    queue.waitingBytes += sizeBytes;
    if (queue.inFlight !== null || queue.isFlushing) return;
    const isFull = queue.waitingBytes >= this.options.batchBytes;
    queue.isFlushing = true;
    this.client.ports.scheduler.after(isFull ? 0 : this.options.lingerMs, () => void this.drain(queue));
  }

  /** Resolves when every record sent so far is acknowledged or has failed. It does not wait for records that are sent later. */
  flush(): Promise<void> {
    const { period } = this;
    this.period = new SendPeriod();
    this.ended.push(period);
    const flushed = new Promise<void>((resolve) => {
      period.flushed = resolve;
    });
    this.settle([]);
    return flushed;
  }

  private topicOf(name: string): Promise<TopicInfo> {
    let topic = this.topics.get(name);
    if (topic === undefined) {
      topic = this.findTopic(name);
      this.topics.set(name, topic);
      topic.catch(() => this.topics.delete(name));
    }
    return topic;
  }

  private async findTopic(name: string): Promise<TopicInfo> {
    const timeoutMs = this.options.maxBlockMs;
    try {
      return await retry(this.client.ports, timeoutMs, async () => {
        const cluster = await this.client.metadata([name], true);
        const topic = cluster.topics.get(name);
        const errorCode = topic?.errorCode ?? Errors.UNKNOWN_TOPIC_OR_PARTITION.code;
        if (errorCode !== 0) throw new KafkaError(errorOf(errorCode));
        return topic as TopicInfo;
      });
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.error.retriable) throw error;
      throw new KafkaError(error.error, `Topic ${name} not present in metadata after ${timeoutMs} ms.`);
    }
  }

  private queueOf(record: ProducerRecord, topic: TopicInfo): PartitionQueue {
    const index = record.partition ?? this.choose(record, topic);
    const key = `${record.topic}-${index}`;
    let queue = this.queues.get(key);
    if (queue === undefined) {
      queue = new PartitionQueue(record.topic, index);
      this.queues.set(key, queue);
    }
    return queue;
  }

  private choose(record: ProducerRecord, topic: TopicInfo): number {
    if (record.key !== undefined && record.key !== null)
      return partitionOfKey(record.key, topic.partitions.length);
    const led = topic.partitions.filter(({ leader }) => leader >= 0).map(({ index }) => index);
    const available = led.length > 0 ? led : topic.partitions.map(({ index }) => index);
    const chosen = this.sticky.partition(record.topic, available);
    const queue = this.queues.get(`${record.topic}-${chosen}`);
    const isFull = queue !== undefined && queue.waitingBytes >= this.options.batchBytes;
    return isFull ? this.sticky.next(record.topic, available) : chosen;
  }

  /** Sends the batches of one partition until the queue is empty. */
  private async drain(queue: PartitionQueue): Promise<void> {
    while (queue.waiting.length > 0) {
      const batch = await this.nextBatch(queue);
      if (batch === null) continue;
      queue.inFlight = batch;
      await this.deliver(queue, batch);
      queue.inFlight = null;
    }
    queue.isFlushing = false;
  }

  /** Null when no batch could be made, so that records of the queue have failed. */
  private async nextBatch(queue: PartitionQueue): Promise<Batch | null> {
    const { deadlineMs } = at(queue.waiting, 0);
    let expired: Waiting[] | null = null;
    // A timer may be a little early, so the oldest record is expired whatever the clock says.
    const expire = (): number => {
      const nowMs = Math.max(deadlineMs, this.client.ports.clock.monotonicMs());
      expired = queue.waiting.filter((waiting) => waiting.deadlineMs <= nowMs);
      return expired.length;
    };
    try {
      const identity = await this.inTime(queue, deadlineMs, this.readyToSend(queue), expire);
      return this.takeBatch(queue, identity);
    } catch (error) {
      const failed = (expired as Waiting[] | null) ?? [...queue.waiting];
      queue.waiting.splice(0, failed.length);
      for (const { sizeBytes } of failed) queue.waitingBytes -= sizeBytes;
      this.fail(failed, error as Error);
      return null;
    }
  }

  /** Prepares what a batch needs: the partition is part of the transaction, and the producer has an id. */
  private async readyToSend(queue: PartitionQueue): Promise<Identity | null> {
    await this.options.transaction?.add(queue.topic, queue.index);
    return this.options.isIdempotent ? this.producerIdentity() : null;
  }

  /**
   * The result of `work`. If there is none at `deadlineMs`, throws the error that Java's client has for expired records;
   * `count` returns their number.
   */
  private inTime<T>(
    { topic, index }: PartitionQueue,
    deadlineMs: number,
    work: Promise<T>,
    count: () => number,
  ): Promise<T> {
    const { deliveryTimeoutMs } = this.options;
    const late = (): Error => {
      const text = `Expiring ${count()} record(s) for ${topic}-${index}:${deliveryTimeoutMs} ms has passed since batch creation`;
      return new KafkaError(Errors.REQUEST_TIMED_OUT, text);
    };
    return beforeDeadline(this.client.ports, deadlineMs, work, late);
  }

  private takeBatch(queue: PartitionQueue, identity: Identity | null): Batch {
    let count = 0;
    let sizeBytes = 0;
    for (const { sizeBytes: recordBytes } of queue.waiting) {
      if (count > 0 && sizeBytes + recordBytes > this.options.batchBytes) break;
      sizeBytes += recordBytes;
      count++;
    }
    const records = queue.waiting.slice(0, count);
    // Each producer id begins with sequence 0, whatever batches of an earlier id are still under way.
    if (queue.identity !== identity) queue.nextSequence = 0;
    queue.identity = identity;
    const bytes = buildBatch({
      records: records.map(({ record, timestampMs }) => ({
        key: record.key ?? null,
        value: record.value,
        headers: record.headers ?? [],
        timestamp: timestampMs,
      })),
      compression: this.options.compression,
      isTransactional: this.options.transaction !== null,
      ...(identity === null ? {} : { ...identity, baseSequence: queue.nextSequence }),
    });
    // Removed only now: if the batch cannot be built, its records are still in the queue and fail with the rest of it.
    queue.waiting.splice(0, count);
    queue.waitingBytes -= sizeBytes;
    queue.nextSequence = (queue.nextSequence + count) % 2 ** 31;
    return { bytes, records, deadlineMs: at(records, 0).deadlineMs, attempts: 0 };
  }

  private async deliver(queue: PartitionQueue, batch: Batch): Promise<void> {
    for (let backoffMs = 20; ; backoffMs = Math.min(backoffMs * 2, 500)) {
      try {
        batch.attempts++;
        const offset = await this.inTime(
          queue,
          batch.deadlineMs,
          this.produce(queue, batch),
          () => batch.records.length,
        );
        batch.records.forEach(({ resolve }, position) => {
          resolve({
            topic: queue.topic,
            partition: queue.index,
            offset: offset < 0 ? -1 : offset + position,
          });
        });
        return this.settle(batch.records);
      } catch (error) {
        const isLate = this.client.ports.clock.monotonicMs() + backoffMs > batch.deadlineMs;
        if (!isRetriable(error) || isLate || batch.attempts > this.options.retries) {
          if (this.options.isIdempotent) this.identity = null;
          return this.fail(batch.records, error as Error);
        }
        this.topics.delete(queue.topic);
        await sleep(this.client.ports.scheduler, backoffMs);
      }
    }
  }

  /** One attempt; returns the offset of the batch's first record, or -1 with acks=0. */
  private async produce(queue: PartitionQueue, batch: Batch): Promise<number> {
    const connection = await this.leaderOf(queue);
    // Meanwhile the records may have failed, and their owner may have sent them again.
    if (batch.deadlineMs <= this.client.ports.clock.monotonicMs())
      throw new KafkaError(Errors.REQUEST_TIMED_OUT);
    // Version 13 identifies topics by id; version 12 uses names, which every broker accepts. Version 12 adds partitions to a
    // transaction implicitly, so a transactional producer uses version 11.
    const { transaction } = this.options;
    const version = connection.versionOf(ProduceRequest, transaction === null ? 12 : 11);
    const init = {
      transactionalId: transaction?.transactionalId ?? null,
      acks: this.options.acks,
      timeoutMs: this.options.requestTimeoutMs,
      topicData: [{ name: queue.topic, partitionData: [{ index: queue.index, records: batch.bytes }] }],
    };
    if (this.options.acks === 0) {
      connection.sendOneWay(ProduceRequest, version, init);
      return -1;
    }
    const answer = await connection.request(ProduceRequest, ProduceResponse, init, {
      version,
      timeoutMs: this.options.requestTimeoutMs + 5_000,
    });
    const partition = answer.responses[0]?.partitionResponses[0];
    if (partition === undefined) throw new KafkaError(Errors.UNKNOWN_SERVER_ERROR);
    if (partition.errorCode !== 0) {
      throw new KafkaError(errorOf(partition.errorCode), partition.errorMessage ?? undefined);
    }
    return partition.baseOffset;
  }

  private async leaderOf(queue: PartitionQueue): Promise<BrokerConnection> {
    const topic = await this.topicOf(queue.topic);
    const partition = topic.partitions[queue.index];
    if (partition === undefined) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION);
    if (partition.leader < 0) throw new KafkaError(Errors.LEADER_NOT_AVAILABLE);
    return this.client.broker(partition.leader);
  }

  private producerIdentity(): Promise<Identity> {
    if (this.options.transaction !== null) return Promise.resolve(this.options.transaction.identity);
    this.identity ??= retry(this.client.ports, this.options.maxBlockMs, async () => {
      const answer = await this.client.request(InitProducerIdRequest, InitProducerIdResponse, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      });
      if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
    });
    this.identity.catch(() => {
      this.identity = null;
    });
    return this.identity;
  }

  private fail(records: readonly Waiting[], error: Error): void {
    for (const { reject } of records) reject(error);
    this.settle(records);
  }

  private settle(records: readonly Pick<Waiting, 'period'>[]): void {
    for (const { period } of records) period.unsettledCount--;
    while (this.ended[0]?.unsettledCount === 0) this.ended.shift()?.flushed();
  }
}
