/**
 * Reads assigned partitions. It keeps their positions, has at most one Fetch request in flight to each leader, and decodes the
 * records. The offset that `position()` returns moves past a record only when `poll` has returned the record; the field
 * `Assigned.position` is the next offset to fetch.
 */
import { groupBy } from '../base/collections.ts';
import { sleep } from '../base/clock.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import { FetchRequest, FetchResponse } from '../protocol/messages/records/01-fetch.ts';
import { ListOffsetsRequest, ListOffsetsResponse } from '../protocol/messages/records/02-list-offsets.ts';
import { batches, checkCrc } from '../protocol/records/batch.ts';
import { decodeRecords } from '../protocol/records/record.ts';
import { type AbortedTransaction, AbortedTransactions } from './aborted-transactions.ts';
import type { KafkaClient, TopicInfo } from './kafka-client.ts';
import { isRetriable, retry } from './retry.ts';

export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  /** The timestamp was set by the broker (LogAppendTime), not by the producer. */
  readonly isLogAppendTime: boolean;
  readonly leaderEpoch: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { key: string; value: Uint8Array | null }[];
}

export interface FetcherOptions {
  readonly fetchMinBytes: number;
  readonly fetchMaxBytes: number;
  readonly partitionMaxBytes: number;
  readonly isReadCommitted: boolean;
  /**
   * Where to continue when a position is out of range, or when the topic was deleted and created again; `none`: `poll` throws.
   */
  readonly reset: 'earliest' | 'latest' | 'none';
}

export const fetcherDefaults: FetcherOptions = {
  fetchMinBytes: 1,
  fetchMaxBytes: 52_428_800,
  partitionMaxBytes: 1_048_576,
  isReadCommitted: false,
  reset: 'latest',
};

/**
 * Fetched bytes are not a record batch, or the checksum of a batch is wrong: the disk or the network changed it. No record of
 * the batch is returned.
 */
export class CorruptRecordError extends Error {
  override readonly name = 'CorruptRecordError';
}

/** Special timestamps of ListOffsets. */
export const offsetEarliest = -2;
export const offsetLatest = -1;

interface Assigned {
  readonly topic: string;
  readonly partition: number;
  /** Zero until the partition's leader is looked up, and where brokers have no topic ids. */
  topicId: Uuid;
  /** False when brokers say that there is no such partition, or not under `topicId`. */
  exists: boolean;
  position: number;
  leader: number;
  leaderEpoch: number;
}

export class Fetcher {
  readonly options: FetcherOptions;
  private readonly client: KafkaClient;
  private readonly assigned = new Map<string, Assigned>();
  private readonly ready: ConsumedRecord[] = [];
  private readonly polling = new Set<number>();
  private failure: Error | null = null;
  private hadMetadataError = false;
  private wake: () => void = () => {};

  constructor(client: KafkaClient, options: Partial<FetcherOptions> = {}) {
    this.client = client;
    this.options = { ...fetcherDefaults, ...options };
  }

  /** Adds a partition at `position`, or moves an assigned one there. */
  assign(topic: string, partition: number, position: number): void {
    const entry = {
      topic,
      partition,
      topicId: uuidZero,
      exists: true,
      position,
      leader: -1,
      leaderEpoch: -1,
    };
    this.assigned.set(`${topic}-${partition}`, entry);
    this.drop(topic, partition);
  }

  unassign(topic: string, partition: number): void {
    this.assigned.delete(`${topic}-${partition}`);
    this.drop(topic, partition);
  }

  /** The offset of the next record that `poll` returns; null: the partition is not assigned. */
  position(topic: string, partition: number): number | null {
    const first = this.ready.find((record) => record.topic === topic && record.partition === partition);
    return first?.offset ?? this.assigned.get(`${topic}-${partition}`)?.position ?? null;
  }

  /** `positions` without partitions that do not exist any more: the group's coordinator would refuse them. */
  existingPositions(): { topic: string; partition: number; offset: number; leaderEpoch: number }[] {
    return this.positions().filter(
      ({ topic, partition }) => this.assigned.get(`${topic}-${partition}`)?.exists === true,
    );
  }

  positions(): { topic: string; partition: number; offset: number; leaderEpoch: number }[] {
    return [...this.assigned.values()].map(({ topic, partition, leaderEpoch }) => ({
      topic,
      partition,
      offset: this.position(topic, partition) ?? 0,
      leaderEpoch,
    }));
  }

  /**
   * Returns at most `maxRecords` records, in order within each partition. Waits up to `maxWaitMs` for them. Returns an empty
   * list earlier when the Fetch to one leader ends without records. The look-up of leaders is not part of `maxWaitMs`. Throws
   * errors that a retry cannot resolve.
   */
  async poll(maxWaitMs: number, maxRecords = 500): Promise<ConsumedRecord[]> {
    if (this.ready.length === 0) {
      await this.locate();
      for (const leader of new Set([...this.assigned.values()].map((entry) => entry.leader))) {
        if (leader >= 0 && !this.polling.has(leader)) void this.pollLeader(leader);
      }
      const { scheduler } = this.client.ports;
      await new Promise<void>((resolve) => {
        const timer = scheduler.after(maxWaitMs, resolve);
        this.wake = (): void => {
          timer.cancel();
          resolve();
        };
        if (this.ready.length > 0 || this.failure !== null) this.wake();
      });
    }
    const { failure } = this;
    this.failure = null;
    if (failure !== null) throw failure;
    return this.ready.splice(0, maxRecords);
  }

  /** Offsets for a timestamp, or for one of the special ones; -1 where there is none. */
  async offsets(
    wanted: readonly { topic: string; partition: number; timestamp: number }[],
  ): Promise<Map<string, { offset: number; timestamp: number }>> {
    return retry(this.client.ports, 30_000, async () => {
      const cluster = await this.client.metadata([...new Set(wanted.map(({ topic }) => topic))]);
      const found = new Map<string, { offset: number; timestamp: number }>();
      const byLeader = groupBy(wanted, ({ topic, partition }) =>
        leaderIn(cluster.topics.get(topic), partition),
      );
      for (const [leader, partitions] of byLeader) await this.listOffsets(leader, partitions, found);
      return found;
    });
  }

  private async listOffsets(
    leader: number,
    wanted: readonly { topic: string; partition: number; timestamp: number }[],
    found: Map<string, { offset: number; timestamp: number }>,
  ): Promise<void> {
    const answer = await this.client.requestTo(leader, ListOffsetsRequest, ListOffsetsResponse, {
      replicaId: -1,
      isolationLevel: this.options.isReadCommitted ? 1 : 0,
      topics: [...new Set(wanted.map(({ topic }) => topic))].map((name) => ({
        name,
        partitions: wanted
          .filter(({ topic }) => topic === name)
          .map(({ partition, timestamp }) => ({ partitionIndex: partition, timestamp })),
      })),
    });
    for (const topic of answer.topics) {
      for (const partition of topic.partitions) {
        if (partition.errorCode !== 0) throw new KafkaError(errorOf(partition.errorCode));
        const key = `${topic.name}-${partition.partitionIndex}`;
        found.set(key, { offset: partition.offset, timestamp: partition.timestamp });
      }
    }
  }

  /**
   * Whether a partition in a Fetch response had an error other than OFFSET_OUT_OF_RANGE since the last call. Then the metadata
   * may be old.
   */
  takeMetadataError(): boolean {
    const had = this.hadMetadataError;
    this.hadMetadataError = false;
    return had;
  }

  private drop(topic: string, partition: number): void {
    for (let at = this.ready.length - 1; at >= 0; at--) {
      const record = this.ready[at] as ConsumedRecord;
      if (record.topic === topic && record.partition === partition) this.ready.splice(at, 1);
    }
  }

  /** Looks up the leaders of partitions whose leader is not known. */
  private async locate(): Promise<void> {
    const lost = [...this.assigned.values()].filter(({ leader }) => leader < 0);
    if (lost.length === 0) return;
    try {
      const cluster = await this.client.metadata([...new Set(lost.map(({ topic }) => topic))]);
      for (const entry of lost) {
        const topic = cluster.topics.get(entry.topic);
        const found = topic?.partitions[entry.partition];
        entry.exists = found !== undefined;
        if (topic === undefined || found === undefined || found.leader < 0) continue;
        // The topic was deleted and created again: the position is one of the old log.
        if (entry.topicId !== uuidZero && entry.topicId !== topic.id) await this.reset(entry);
        entry.topicId = topic.id;
        entry.leader = found.leader;
        entry.leaderEpoch = found.leaderEpoch;
      }
    } catch (error) {
      if (!isRetriable(error)) throw error;
      await sleep(this.client.ports.scheduler, 50);
    }
  }

  private async pollLeader(leader: number): Promise<void> {
    this.polling.add(leader);
    const entries = [...this.assigned.values()].filter((entry) => entry.leader === leader);
    try {
      await this.fetchFrom(leader, entries);
    } catch (error) {
      for (const entry of entries) entry.leader = -1;
      if (isRetriable(error)) await sleep(this.client.ports.scheduler, 50);
      else this.failure = error as Error;
    } finally {
      this.polling.delete(leader);
      this.wake();
    }
  }

  private async fetchFrom(leader: number, entries: readonly Assigned[]): Promise<void> {
    const connection = await this.client.broker(leader);
    const asked = entries.map((entry) => ({ entry, position: entry.position }));
    // From version 13 on topics are identified by id, so a new topic is not mistaken for a deleted one of the same name.
    const hasIds = entries.every(({ topicId }) => topicId !== uuidZero);
    const version = connection.versionOf(FetchRequest, hasIds ? 13 : 12);
    const answer = await connection.request(
      FetchRequest,
      FetchResponse,
      {
        maxWaitMs: 500,
        minBytes: this.options.fetchMinBytes,
        maxBytes: this.options.fetchMaxBytes,
        isolationLevel: this.options.isReadCommitted ? 1 : 0,
        sessionId: 0,
        sessionEpoch: -1,
        // While a topic is deleted and created again, its partitions may have different topic ids here.
        topics: [...new Map(entries.map((entry) => [`${entry.topicId} ${entry.topic}`, entry])).values()].map(
          ({ topic, topicId }) => ({
            topic,
            topicId,
            partitions: asked
              .filter(({ entry }) => entry.topic === topic && entry.topicId === topicId)
              .map(({ entry, position }) => ({
                partition: entry.partition,
                currentLeaderEpoch: entry.leaderEpoch,
                fetchOffset: position,
                partitionMaxBytes: this.options.partitionMaxBytes,
              })),
          }),
        ),
        forgottenTopicsData: [],
      },
      { version },
    );
    if (answer.errorCode !== 0) throw new KafkaError(errorOf(answer.errorCode));
    for (const { topic, topicId, partitions } of answer.responses) {
      for (const partition of partitions) {
        const own = asked.find(
          ({ entry }) =>
            (version >= 13 ? entry.topicId === topicId : entry.topic === topic) &&
            entry.partition === partition.partitionIndex,
        );
        if (own === undefined) {
          const name = `${version >= 13 ? topicId : topic}-${partition.partitionIndex}`;
          throw new Error(
            `Broker ${leader} answered a fetch with the partition ${name}, which was not requested`,
          );
        }
        // In the meantime the partition was revoked, or assigned at another position.
        if (this.assigned.get(`${own.entry.topic}-${own.entry.partition}`) !== own.entry) continue;
        if (partition.errorCode !== 0) await this.recover(own.entry, partition.errorCode);
        else if (partition.records !== null)
          this.take(own.entry, partition.records, partition.abortedTransactions ?? []);
      }
    }
  }

  private async recover(entry: Assigned, errorCode: number): Promise<void> {
    const error = errorOf(errorCode);
    if (error !== Errors.OFFSET_OUT_OF_RANGE) {
      entry.leader = -1;
      this.hadMetadataError = true;
      if (error === Errors.UNKNOWN_TOPIC_OR_PARTITION || error === Errors.UNKNOWN_TOPIC_ID)
        entry.exists = false;
      if (!error.retriable) throw new KafkaError(error);
      return;
    }
    await this.reset(entry);
  }

  /** Moves the position to where `auto.offset.reset` says; throws OFFSET_OUT_OF_RANGE when that is `none`. */
  private async reset(entry: Assigned): Promise<void> {
    if (this.options.reset === 'none') throw new KafkaError(Errors.OFFSET_OUT_OF_RANGE);
    const timestamp = this.options.reset === 'earliest' ? offsetEarliest : offsetLatest;
    const found = await this.offsets([{ topic: entry.topic, partition: entry.partition, timestamp }]);
    entry.position = found.get(`${entry.topic}-${entry.partition}`)?.offset ?? entry.position;
  }

  /** Decodes fetched batches. Records before the position, control batches and aborted batches are skipped. */
  private take(entry: Assigned, bytes: Uint8Array, transactions: readonly AbortedTransaction[]): void {
    const aborted = new AbortedTransactions(transactions);
    const { headers, stop } = batches(bytes);
    if (stop === 'corrupt' && headers.length === 0) {
      const where = `${entry.topic}-${entry.partition} at offset ${entry.position}`;
      throw new CorruptRecordError(`The bytes fetched from ${where} are not a record batch`);
    }
    for (const batch of headers) {
      if (!checkCrc(bytes, batch.at, batch)) {
        const where = `${entry.topic}-${entry.partition} at offset ${batch.baseOffset}`;
        throw new CorruptRecordError(`Record batch of ${where} is corrupt: its checksum does not match`);
      }
      entry.leaderEpoch = Math.max(entry.leaderEpoch, batch.partitionLeaderEpoch);
      if (!aborted.skips(batch)) {
        for (const record of decodeRecords(batch)) {
          if (record.offset < entry.position) continue;
          this.ready.push({
            topic: entry.topic,
            partition: entry.partition,
            offset: record.offset,
            timestampMs: record.timestamp,
            isLogAppendTime: batch.timestampType === 'LogAppendTime',
            leaderEpoch: batch.partitionLeaderEpoch,
            key: record.key,
            value: record.value,
            headers: record.headers,
          });
        }
      }
      entry.position = Math.max(entry.position, batch.lastOffset + 1);
    }
  }
}

function leaderIn(topic: TopicInfo | undefined, partition: number): number {
  const leader = topic?.partitions[partition]?.leader ?? -1;
  if (topic === undefined || topic.errorCode !== 0) throw new KafkaError(errorOf(topic?.errorCode ?? 3));
  if (leader < 0) throw new KafkaError(Errors.LEADER_NOT_AVAILABLE);
  return leader;
}
