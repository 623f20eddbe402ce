/**
 * Sends the requests of a group member to its coordinator, and looks the coordinator up again when it has moved to another
 * broker. It also has the requests about offsets, which are the same in both group protocols.
 */
import { groupBy } from '../base/collections.ts';
import { Errors, errorOf, KafkaError } from '../protocol/errors.ts';
import { OffsetCommitRequest, OffsetCommitResponse } from '../protocol/messages/groups/08-offset-commit.ts';
import { OffsetFetchRequest, OffsetFetchResponse } from '../protocol/messages/groups/09-offset-fetch.ts';
import type { Infer, Init, Message, Shape } from '../protocol/schema/fields.ts';
import type { TopicPartitions } from './assignor.ts';
import type { KafkaClient } from './kafka-client.ts';
import { retry } from './retry.ts';

export interface CommitOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** Who commits: the member, with its generation (classic protocol) or its member epoch (consumer protocol). */
export interface Committer {
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** The last versions that identify topics by name and take one group per request. */
const versionsMax = new Map<number, number>([
  [OffsetCommitRequest.key, 9],
  [OffsetFetchRequest.key, 7],
]);

export class GroupCoordinator {
  private readonly client: KafkaClient;
  private readonly groupId: string;
  private nodeId: number | null = null;

  constructor(client: KafkaClient, groupId: string) {
    this.client = client;
    this.groupId = groupId;
  }

  async request<Q extends Shape, R extends Shape>(
    request: Message<Q>,
    response: Message<R>,
    init: Init<Message<Q>>,
    timeoutMs?: number,
  ): Promise<Infer<Message<R>>> {
    this.nodeId ??= await retry(this.client.ports, 60_000, () => this.client.coordinator(this.groupId));
    try {
      const connection = await this.client.broker(this.nodeId, 'coordinator');
      const versionMax = versionsMax.get(request.key) ?? 99;
      const options = { versionMax, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
      return await connection.request(request, response, init, options);
    } catch (error) {
      this.nodeId = null;
      throw error;
    }
  }

  /** Throws the error of a response; when the error says that the coordinator has moved, the next request looks it up again. */
  check(errorCode: number): void {
    if (errorCode === 0) return;
    const error = errorOf(errorCode);
    if (error === Errors.NOT_COORDINATOR || error === Errors.COORDINATOR_NOT_AVAILABLE) this.nodeId = null;
    throw new KafkaError(error);
  }

  async commit(offsets: readonly CommitOffset[], committer: Committer, metadata: string): Promise<void> {
    if (offsets.length === 0) return;
    await retry(this.client.ports, 30_000, async () => {
      const answer = await this.request(OffsetCommitRequest, OffsetCommitResponse, {
        groupId: this.groupId,
        ...committer,
        topics: [...groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
          name,
          partitions: partitions.map(({ partition, offset, leaderEpoch }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: leaderEpoch,
            committedMetadata: metadata,
          })),
        })),
      });
      for (const topic of answer.topics) for (const { errorCode } of topic.partitions) this.check(errorCode);
    });
  }

  /** Committed offsets by `topic-partition`. A partition without a commit, or with an error of its own, is absent. */
  async committed(partitions: readonly TopicPartitions[]): Promise<Map<string, number>> {
    const answer = await retry(this.client.ports, 30_000, async () => {
      const topics = partitions.map(({ topic, partitions: indexes }) => ({
        name: topic,
        partitionIndexes: indexes,
      }));
      const { groupId } = this;
      const got = await this.request(OffsetFetchRequest, OffsetFetchResponse, {
        groupId,
        topics,
        groups: [],
      });
      this.check(got.errorCode);
      return got;
    });
    const offsets = new Map<string, number>();
    for (const { name, partitions: found } of answer.topics) {
      for (const { partitionIndex, committedOffset } of found) {
        if (committedOffset >= 0) offsets.set(`${name}-${partitionIndex}`, committedOffset);
      }
    }
    return offsets;
  }
}
