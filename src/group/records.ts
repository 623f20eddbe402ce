/**
 * Encodes and decodes records of `__consumer_offsets` in Kafka's formats, so that Kafka, its tools and Burrow can read them. A
 * key is an int16 type and a body; a value is an int16 version and a body.
 *
 * As in Kafka 4.3, offsets are written as OffsetCommitValue v4 (v1 when the client requested a time of expiry, which v4 cannot
 * store), classic groups as GroupMetadataValue v3. All versions of both are read.
 */
import { decode, encode } from '../protocol/codec/codec.ts';
import {
  GroupMetadataKey,
  GroupMetadataValue,
  OffsetCommitKey,
  OffsetCommitValue,
} from '../protocol/messages/stored/group-records.ts';
import { encodeVersioned, versionedBodyAt, versionOf } from '../protocol/records/versioned.ts';
import type { ClassicGroup, Member } from './classic/group.ts';
import { metadataOf, noBytes } from './classic/group.ts';
import type { CommittedOffset } from './offset-table.ts';
import type { GroupRecord } from './types.ts';

const offsetKeyType = 1;
const groupKeyType = 2;
const offsetValueVersion = 4;
const offsetValueVersionWithExpiry = 1;
const groupValueVersion = 3;
const valueVersionMax = 4;

function offsetKey(group: string, topic: string, partition: number): Uint8Array {
  return encodeVersioned(offsetKeyType, encode(OffsetCommitKey, 0, { group, topic, partition }));
}

export function offsetRecord(
  group: string,
  topic: string,
  partition: number,
  offset: Omit<CommittedOffset, 'order'>,
): GroupRecord {
  const version = offset.expireMs >= 0 ? offsetValueVersionWithExpiry : offsetValueVersion;
  const value = encode(OffsetCommitValue, version, {
    offset: offset.offset,
    leaderEpoch: offset.leaderEpoch,
    metadata: offset.metadata,
    commitTimestamp: offset.commitMs,
    expireTimestamp: offset.expireMs,
    topicId: offset.topicId,
  });
  return { key: offsetKey(group, topic, partition), value: encodeVersioned(version, value) };
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { key: offsetKey(group, topic, partition), value: null };
}

/** The record of the group's present state, but with `assignments` instead of the members' present assignments. */
export function groupRecord(
  group: ClassicGroup,
  assignments: ReadonlyMap<string, Uint8Array>,
  stateSinceMs: number,
): GroupRecord {
  const value = encode(GroupMetadataValue, groupValueVersion, {
    protocolType: group.protocolType ?? '',
    generation: group.generation,
    protocol: group.protocolName,
    leader: group.leaderId,
    currentStateTimestamp: stateSinceMs,
    members: [...group.members.values()].map((member: Member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: metadataOf(member, group.protocolName ?? ''),
      assignment: assignments.get(member.memberId) ?? noBytes,
    })),
  });
  return { key: groupKey(group.groupId), value: encodeVersioned(groupValueVersion, value) };
}

/** The record that JoinGroup writes for a new group, so that the group exists in the log before its first generation. */
export function newGroupRecord(groupId: string, createdMs: number): GroupRecord {
  const value = encode(GroupMetadataValue, groupValueVersion, {
    protocolType: '',
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: createdMs,
    members: [],
  });
  return { key: groupKey(groupId), value: encodeVersioned(groupValueVersion, value) };
}

export function groupKey(group: string): Uint8Array {
  return encodeVersioned(groupKeyType, encode(GroupMetadataKey, 0, { group }));
}

export function groupTombstone(group: string): GroupRecord {
  return { key: groupKey(group), value: null };
}

export type ReadRecord =
  | {
      readonly type: 'offset';
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly value: CommittedOffset | null;
    }
  | { readonly type: 'group'; readonly group: string; readonly value: GroupMetadataValue | null }
  /** A record type of the consumer protocol, which `consumer/records.ts` reads, or of a later Kafka version. */
  | { readonly type: 'unknown'; readonly keyType: number };

/** Throws `DecodeError` when key or value cannot be decoded. */
export function readRecord(record: GroupRecord): ReadRecord {
  const keyType = versionOf(record.key);
  if (keyType === 0 || keyType === offsetKeyType) {
    const { group, topic, partition } = decode(OffsetCommitKey, 0, record.key, versionedBodyAt);
    return { type: 'offset', group, topic, partition, value: readOffset(record.value) };
  }
  if (keyType === groupKeyType) {
    const { group } = decode(GroupMetadataKey, 0, record.key, versionedBodyAt);
    const { value } = record;
    return { type: 'group', group, value: value === null ? null : readGroup(value) };
  }
  return { type: 'unknown', keyType };
}

function readOffset(bytes: Uint8Array | null): CommittedOffset | null {
  if (bytes === null) return null;
  // Versions after 4 may only add tagged fields, which the decoder of version 4 skips.
  const value = decode(
    OffsetCommitValue,
    Math.min(versionOf(bytes), valueVersionMax),
    bytes,
    versionedBodyAt,
  );
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitMs: value.commitTimestamp,
    expireMs: value.expireTimestamp,
    topicId: value.topicId,
    order: 0,
  };
}

function readGroup(bytes: Uint8Array): GroupMetadataValue {
  return decode(GroupMetadataValue, Math.min(versionOf(bytes), valueVersionMax), bytes, versionedBodyAt);
}
