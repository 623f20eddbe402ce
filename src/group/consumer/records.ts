/**
 * Changes of a consumer group as records of `__consumer_offsets`, in Kafka's formats (key types 3 to 8 and 16): encoding and
 * decoding.
 */
import type { Uuid } from '../../base/uuid.ts';
import { decode, encode } from '../../protocol/codec/codec.ts';
import * as messages from '../../protocol/messages/stored/consumer-group-records.ts';
import { encodeVersioned, versionedBodyAt, versionOf } from '../../protocol/records/versioned.ts';
import { ownBytes } from '../bytes.ts';
import type { GroupRecord } from '../types.ts';
import type { Change } from './changes.ts';
import { memberStates } from './member.ts';
import type { CurrentAssignment, EpochedPartitions, MemberMetadata } from './member.ts';

export const recordTypes = {
  groupEpoch: 3,
  partitionMetadata: 4,
  member: 5,
  targetEpoch: 6,
  target: 7,
  current: 8,
  regex: 16,
} as const;

/** The version of all values; there is only one so far. */
const version = 0;

export function recordOf(groupId: string, change: Change): GroupRecord {
  return { key: keyOf(groupId, change), value: change.value === null ? null : valueOf(change) };
}

function keyOf(groupId: string, change: Change): Uint8Array {
  const type = recordTypes[change.type];
  switch (change.type) {
    case 'groupEpoch':
      return encodeVersioned(type, encode(messages.ConsumerGroupMetadataKey, 0, { groupId }));
    case 'partitionMetadata':
      return encodeVersioned(type, encode(messages.ConsumerGroupPartitionMetadataKey, 0, { groupId }));
    case 'targetEpoch':
      return encodeVersioned(type, encode(messages.ConsumerGroupTargetAssignmentMetadataKey, 0, { groupId }));
    case 'member': {
      const { memberId } = change;
      return encodeVersioned(type, encode(messages.ConsumerGroupMemberMetadataKey, 0, { groupId, memberId }));
    }
    case 'target': {
      const key = { groupId, memberId: change.memberId };
      return encodeVersioned(type, encode(messages.ConsumerGroupTargetAssignmentMemberKey, 0, key));
    }
    case 'current': {
      const key = { groupId, memberId: change.memberId };
      return encodeVersioned(type, encode(messages.ConsumerGroupCurrentMemberAssignmentKey, 0, key));
    }
    case 'regex': {
      const key = { groupId, regularExpression: change.regex };
      return encodeVersioned(type, encode(messages.ConsumerGroupRegularExpressionKey, 0, key));
    }
  }
}

function valueOf(change: Change): Uint8Array | null {
  if (change.value === null) return null;
  switch (change.type) {
    case 'groupEpoch':
      return encodeVersioned(version, encode(messages.ConsumerGroupMetadataValue, version, change.value));
    case 'targetEpoch': {
      const { epoch: assignmentEpoch, timestampMs: assignmentTimestamp } = change.value;
      const value = { assignmentEpoch, assignmentTimestamp };
      return encodeVersioned(
        version,
        encode(messages.ConsumerGroupTargetAssignmentMetadataValue, version, value),
      );
    }
    case 'member':
      return encodeMember(change.value);
    case 'target': {
      const topicPartitions = [...change.value].map(([topicId, partitions]) => ({
        topicId,
        partitions: [...partitions],
      }));
      const body = encode(messages.ConsumerGroupTargetAssignmentMemberValue, version, { topicPartitions });
      return encodeVersioned(version, body);
    }
    case 'current':
      return encodeCurrent(change.value);
    case 'regex': {
      const { topics, version: imageVersion, timestampMs: timestamp } = change.value;
      const value = { topics: [...topics], version: imageVersion, timestamp };
      return encodeVersioned(version, encode(messages.ConsumerGroupRegularExpressionValue, version, value));
    }
    case 'partitionMetadata':
      return encodeVersioned(
        version,
        encode(messages.ConsumerGroupPartitionMetadataValue, version, { topics: [] }),
      );
  }
}

function encodeMember(member: MemberMetadata): Uint8Array {
  const { classic } = member;
  const value = {
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.subscribedTopicNames],
    subscribedTopicRegex: member.subscribedTopicRegex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: member.serverAssignor,
    // Null must be written explicitly: the schema's default is an empty struct, which would mean a member of the classic
    // protocol.
    classicMemberMetadata:
      classic === null
        ? null
        : {
            sessionTimeoutMs: classic.sessionTimeoutMs,
            supportedProtocols: classic.supportedProtocols.map(({ name, metadata }) => ({ name, metadata })),
          },
  };
  return encodeVersioned(version, encode(messages.ConsumerGroupMemberMetadataValue, version, value));
}

function encodeCurrent(current: CurrentAssignment): Uint8Array {
  const value = {
    memberEpoch: current.memberEpoch,
    previousMemberEpoch: current.previousMemberEpoch,
    state: current.state,
    assignedPartitions: encodeEpoched(current.assigned),
    partitionsPendingRevocation: encodeEpoched(current.pendingRevocation),
  };
  return encodeVersioned(version, encode(messages.ConsumerGroupCurrentMemberAssignmentValue, version, value));
}

function encodeEpoched(partitions: EpochedPartitions) {
  return [...partitions].map(([topicId, epochs]) => ({
    topicId,
    partitions: [...epochs.keys()],
    assignmentEpochs: [...epochs.values()],
  }));
}

/** Null for a record type that does not belong to consumer groups. Throws `DecodeError` when key or value cannot be decoded. */
export function readChange({ key, value }: GroupRecord): { groupId: string; change: Change } | null {
  switch (versionOf(key)) {
    case recordTypes.groupEpoch: {
      const { groupId } = decode(messages.ConsumerGroupMetadataKey, 0, key, versionedBodyAt);
      const read =
        value === null ? null : decode(messages.ConsumerGroupMetadataValue, 0, value, versionedBodyAt);
      return { groupId, change: { type: 'groupEpoch', value: read } };
    }
    case recordTypes.partitionMetadata: {
      const { groupId } = decode(messages.ConsumerGroupPartitionMetadataKey, 0, key, versionedBodyAt);
      return { groupId, change: { type: 'partitionMetadata', value: value === null ? null : 'present' } };
    }
    case recordTypes.member: {
      const { groupId, memberId } = decode(messages.ConsumerGroupMemberMetadataKey, 0, key, versionedBodyAt);
      return {
        groupId,
        change: { type: 'member', memberId, value: value === null ? null : readMember(value) },
      };
    }
    case recordTypes.targetEpoch: {
      const { groupId } = decode(messages.ConsumerGroupTargetAssignmentMetadataKey, 0, key, versionedBodyAt);
      return {
        groupId,
        change: { type: 'targetEpoch', value: value === null ? null : readTargetEpoch(value) },
      };
    }
    case recordTypes.target: {
      const read = decode(messages.ConsumerGroupTargetAssignmentMemberKey, 0, key, versionedBodyAt);
      const { groupId, memberId } = read;
      return {
        groupId,
        change: { type: 'target', memberId, value: value === null ? null : readTarget(value) },
      };
    }
    case recordTypes.current: {
      const read = decode(messages.ConsumerGroupCurrentMemberAssignmentKey, 0, key, versionedBodyAt);
      const { groupId, memberId } = read;
      return {
        groupId,
        change: { type: 'current', memberId, value: value === null ? null : readCurrent(value) },
      };
    }
    case recordTypes.regex: {
      const read = decode(messages.ConsumerGroupRegularExpressionKey, 0, key, versionedBodyAt);
      const { groupId, regularExpression: regex } = read;
      return { groupId, change: { type: 'regex', regex, value: value === null ? null : readRegex(value) } };
    }
    default:
      return null;
  }
}

function readTargetEpoch(bytes: Uint8Array) {
  const value = decode(messages.ConsumerGroupTargetAssignmentMetadataValue, 0, bytes, versionedBodyAt);
  return { epoch: value.assignmentEpoch, timestampMs: value.assignmentTimestamp };
}

function readTarget(bytes: Uint8Array) {
  const value = decode(messages.ConsumerGroupTargetAssignmentMemberValue, 0, bytes, versionedBodyAt);
  return new Map(value.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]));
}

function readRegex(bytes: Uint8Array) {
  const value = decode(messages.ConsumerGroupRegularExpressionValue, 0, bytes, versionedBodyAt);
  return { topics: value.topics, version: value.version, timestampMs: value.timestamp };
}

function readMember(bytes: Uint8Array): MemberMetadata {
  const value = decode(messages.ConsumerGroupMemberMetadataValue, 0, bytes, versionedBodyAt);
  const classic = value.classicMemberMetadata;
  return {
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    subscribedTopicNames: value.subscribedTopicNames,
    subscribedTopicRegex: value.subscribedTopicRegex,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    serverAssignor: value.serverAssignor,
    classic:
      classic === null
        ? null
        : {
            sessionTimeoutMs: classic.sessionTimeoutMs,
            supportedProtocols: classic.supportedProtocols.map(({ name, metadata }) => ({
              name,
              metadata: ownBytes(metadata),
            })),
          },
  };
}

function readCurrent(bytes: Uint8Array): CurrentAssignment {
  const value = decode(messages.ConsumerGroupCurrentMemberAssignmentValue, 0, bytes, versionedBodyAt);
  const { memberEpoch, previousMemberEpoch } = value;
  const pendingRevocation = readEpoched(value.partitionsPendingRevocation, memberEpoch);
  return {
    memberEpoch,
    previousMemberEpoch,
    // A static member that has left temporarily keeps its partitions in any state, so its state is not checked.
    state: memberEpoch < 0 ? value.state : stateOf(value.state, pendingRevocation.size > 0),
    assigned: readEpoched(value.assignedPartitions, memberEpoch),
    pendingRevocation,
  };
}

/**
 * Decodes the state of a member. Builds of this project before 28 November 2026 wrote 1 for stable, 2 for unrevoked and 3 for
 * unreleased instead of 0, 1 and 2. Only an unrevoked member has partitions to revoke, which shows what 1 and 2 mean.
 */
function stateOf(state: number, hasPending: boolean): number {
  const { stable, unrevoked, unreleased } = memberStates;
  if (state === unrevoked && !hasPending) return stable;
  if (state === unreleased && hasPending) return unrevoked;
  return state === unreleased + 1 ? unreleased : state;
}

/** Kafka before 4.3 wrote no epochs of partitions; then the member's epoch is used for each. */
function readEpoched(
  topics: readonly {
    readonly topicId: Uuid;
    readonly partitions: readonly number[];
    readonly assignmentEpochs: readonly number[] | null;
  }[],
  memberEpoch: number,
): EpochedPartitions {
  return new Map(
    topics.map(({ topicId, partitions, assignmentEpochs }) => [
      topicId,
      new Map(partitions.map((partition, i) => [partition, assignmentEpochs?.[i] ?? memberEpoch])),
    ]),
  );
}
