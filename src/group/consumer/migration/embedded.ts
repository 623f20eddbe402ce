/**
 * Encodes and decodes the subscription that a classic consumer puts into JoinGroup, and the assignment that it gets in
 * SyncGroup. The coordinator of a classic group passes both on; of the subscription it reads only the topics
 * (`../../classic/subscription-topics.ts`). In a consumer group, and when a group is converted, the coordinator reads and
 * writes both itself.
 */
import { decode, encode } from '../../../protocol/codec/codec.ts';
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../../protocol/messages/stored/group-records.ts';
import { encodeVersioned, versionedBodyAt, versionOf } from '../../../protocol/records/versioned.ts';
import type { TopicsImage } from '../../../metadata/topics-image.ts';
import type { Partitions } from '../assignors/assignor.ts';
import type { EpochedPartitions } from '../member.ts';
import type { OwnedPartitions } from '../../types.ts';

/** Versions after this one may only append fields, which the decoder of this version does not read. */
const versionMax = 3;

export interface Subscription {
  readonly topics: readonly string[];
  readonly rackId: string | null;
  readonly owned: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
}

/** Throws `DecodeError` when the bytes are not a subscription. */
export function readSubscription(bytes: Uint8Array): Subscription {
  const version = Math.min(versionOf(bytes), versionMax);
  const value = decode(ConsumerProtocolSubscription, version, bytes, versionedBodyAt);
  return { topics: value.topics, rackId: value.rackId, owned: value.ownedPartitions };
}

export interface EmbeddedAssignment {
  readonly partitions: Partitions;
  /** Whether the assignor of a client added its own data, which a conversion to a consumer group would lose. */
  readonly hasUserData: boolean;
}

/** Topics that were deleted are left out. Throws `DecodeError` when the bytes are not an assignment. */
export function readAssignment(bytes: Uint8Array, topics: TopicsImage): EmbeddedAssignment {
  const version = Math.min(versionOf(bytes), versionMax);
  const value = decode(ConsumerProtocolAssignment, version, bytes, versionedBodyAt);
  const partitions = new Map<string, readonly number[]>();
  for (const { topic, partitions: list } of value.assignedPartitions) {
    const id = topics.byName(topic)?.id;
    if (id !== undefined)
      partitions.set(
        id,
        [...list].sort((a, b) => a - b),
      );
  }
  return { partitions, hasUserData: (value.userData?.length ?? 0) > 0 };
}

/** Encodes an assignment in the version in which the member wrote its own `subscription`. */
export function writeAssignment(
  partitions: Partitions | EpochedPartitions,
  subscription: Uint8Array,
  topics: TopicsImage,
): Uint8Array {
  const version = Math.max(0, Math.min(versionOf(subscription), versionMax));
  const assignedPartitions: { topic: string; partitions: number[] }[] = [];
  for (const [topicId, list] of partitions) {
    const topic = topics.byId(topicId)?.name;
    if (topic !== undefined) assignedPartitions.push({ topic, partitions: indexesOf(list) });
  }
  return encodeVersioned(version, encode(ConsumerProtocolAssignment, version, { assignedPartitions }));
}

function indexesOf(partitions: readonly number[] | ReadonlyMap<number, number>): number[] {
  return partitions instanceof Map ? [...partitions.keys()] : [...(partitions as readonly number[])];
}

export function ownedPartitions(owned: Subscription['owned'], topics: TopicsImage): OwnedPartitions {
  return owned.flatMap(({ topic, partitions }) => {
    const topicId = topics.byName(topic)?.id;
    return topicId === undefined ? [] : [{ topicId, partitions }];
  });
}
