/**
 * OffsetCommit (08), OffsetFetch (09) and OffsetDelete (47) within a group. A commit by somebody who is not a member
 * (generation -1, no member id) is accepted while the group has no members: consumers that assign partitions themselves,
 * and administrators.
 */
import { mark } from '../base/mark.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors } from '../protocol/errors.ts';
import type { ClassicGroup } from './classic/group.ts';
import { renewSession } from './classic/rebalance.ts';
import type { CommittedOffset } from './offset-table.ts';
import { removeOffset, setOffset } from './offset-table.ts';
import { offsetRecord, offsetTombstone } from './records.ts';
import type { Shard, Turn } from './turn.ts';
import { getOrCreateGroup, reply, write } from './turn.ts';
import type {
  GroupRecord,
  OffsetCommitRequest,
  OffsetCommitResponse,
  OffsetDeleteRequest,
  OffsetDeleteResponse,
  OffsetFetchPartition,
  OffsetFetchRequest,
  OffsetFetchResponse,
} from './types.ts';

const groupIdNotFoundSince = 9;

interface Change {
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset;
}

/** Every partition of a commit with the same error. */
export function commitRefused(request: OffsetCommitRequest, error: ErrorRow): OffsetCommitResponse {
  return commitResponse(request, () => error);
}

export function commitOffsets(
  turn: Turn,
  token: number,
  apiVersion: number,
  request: OffsetCommitRequest,
): void {
  const refused = validateCommit(turn, apiVersion, request);
  if (refused !== null) return reply(turn, token, commitRefused(request, refused));
  const group = getOrCreateGroup(turn, request.groupId);
  const member = group.members.get(request.memberId);
  // A commit shows that the member lives.
  if (member !== undefined && group.is('Stable', 'PreparingRebalance')) renewSession(turn, member);
  const expireMs = request.retentionTimeMs >= 0 ? turn.wallMs + request.retentionTimeMs : -1;
  const { offsetMetadataMaxBytes } = turn.shard.config;
  const tooLong = (metadata: string | null) => (metadata?.length ?? 0) > offsetMetadataMaxBytes;
  const changes: Change[] = [];
  const records: GroupRecord[] = [];
  for (const { name, partitions } of request.topics) {
    for (const partition of partitions) {
      if (tooLong(partition.committedMetadata)) continue;
      const value: CommittedOffset = {
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        commitMs: turn.wallMs,
        expireMs,
      };
      changes.push({ topic: name, partition: partition.partitionIndex, value });
      records.push(offsetRecord(group.groupId, name, partition.partitionIndex, value));
    }
  }
  const response = (error: ErrorRow | null) =>
    commitResponse(request, (p) =>
      tooLong(p.committedMetadata) ? Errors.OFFSET_METADATA_TOO_LARGE : (error ?? Errors.NONE),
    );
  if (records.length === 0) return reply(turn, token, response(null));
  appendCommit(turn, group, token, changes, records, response);
}

function appendCommit(
  turn: Turn,
  group: ClassicGroup,
  token: number,
  changes: readonly Change[],
  records: readonly GroupRecord[],
  response: (error: ErrorRow | null) => OffsetCommitResponse,
): void {
  group.pendingCommits++;
  write(turn, records, {
    apply: (later) => {
      group.pendingCommits--;
      // The group may have been deleted and begun again since: the log, and so the order of writes, decides.
      const { offsets } = getOrCreateGroup(later, group.groupId);
      for (const { topic, partition, value } of changes) setOffset(offsets, topic, partition, value);
    },
    undo: () => {
      group.pendingCommits--;
    },
    answer: (later, error) => reply(later, token, response(error)),
  });
}

function commitResponse(
  request: OffsetCommitRequest,
  errorOf: (partition: OffsetCommitRequest['topics'][number]['partitions'][number]) => ErrorRow,
): OffsetCommitResponse {
  return {
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map((p) => ({ partitionIndex: p.partitionIndex, errorCode: errorOf(p).code })),
    })),
  };
}

function validateCommit(turn: Turn, apiVersion: number, request: OffsetCommitRequest): ErrorRow | null {
  const { groupId, generationIdOrMemberEpoch: generation, memberId, groupInstanceId } = request;
  const group = turn.shard.groups.get(groupId);
  if (group === undefined) {
    if (generation < 0) return null;
    return apiVersion >= groupIdNotFoundSince ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION;
  }
  if (group.deleting) return Errors.COORDINATOR_NOT_AVAILABLE;
  if (generation < 0 && group.state === 'Empty') return null;
  // Only members commit while there are members.
  if (generation < 0 && memberId === '' && groupInstanceId === null) return Errors.UNKNOWN_MEMBER_ID;
  const error = group.validateMember(memberId, groupInstanceId);
  if (error !== null) return error;
  if (generation !== group.generation) {
    mark('group.commit-of-old-generation');
    return Errors.ILLEGAL_GENERATION;
  }
  return group.state === 'CompletingRebalance' ? Errors.REBALANCE_IN_PROGRESS : null;
}

/** What the group has committed; an unknown group has committed nothing. Reads only. */
export function fetchOffsets(shard: Shard, request: OffsetFetchRequest): OffsetFetchResponse {
  const offsets = shard.groups.get(request.groupId)?.offsets;
  const wanted =
    request.topics ??
    [...(offsets ?? [])].map(([name, partitions]) => ({
      name,
      topicId: '',
      partitionIndexes: [...partitions.keys()],
    }));
  return {
    groupId: request.groupId,
    errorCode: Errors.NONE.code,
    topics: wanted.map(({ name, topicId, partitionIndexes }) => {
      const partitions = offsets?.get(name);
      return {
        name,
        topicId,
        partitions: partitionIndexes.map((index) => fetched(index, partitions?.get(index), Errors.NONE)),
      };
    }),
  };
}

export function fetched(
  partitionIndex: number,
  value: CommittedOffset | undefined,
  error: ErrorRow,
): OffsetFetchPartition {
  return {
    partitionIndex,
    committedOffset: value?.offset ?? -1,
    committedLeaderEpoch: value?.leaderEpoch ?? -1,
    metadata: value?.metadata ?? '',
    errorCode: error.code,
  };
}

export function deleteOffsets(turn: Turn, token: number, request: OffsetDeleteRequest): void {
  const group = turn.shard.groups.get(request.groupId);
  const refuse = (error: ErrorRow) => reply(turn, token, offsetDeleteRefused(error));
  if (request.groupId === '') return refuse(Errors.INVALID_GROUP_ID);
  if (group === undefined) return refuse(Errors.GROUP_ID_NOT_FOUND);
  if (group.deleting) return refuse(Errors.COORDINATOR_NOT_AVAILABLE);
  // Who reads what is only known of consumers.
  if (group.members.size > 0 && group.protocolType !== 'consumer') return refuse(Errors.NON_EMPTY_GROUP);
  const removed: { topic: string; partition: number }[] = [];
  const topics = request.topics.map(({ name, partitions }) => {
    const subscribed = group.isSubscribedTo(name);
    const errorCode = subscribed ? Errors.GROUP_SUBSCRIBED_TO_TOPIC.code : Errors.NONE.code;
    for (const { partitionIndex } of subscribed ? [] : partitions) {
      if (group.offsets.get(name)?.has(partitionIndex))
        removed.push({ topic: name, partition: partitionIndex });
    }
    return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
  });
  const response: OffsetDeleteResponse = { errorCode: Errors.NONE.code, topics };
  if (removed.length === 0) return reply(turn, token, response);
  write(
    turn,
    removed.map(({ topic, partition }) => offsetTombstone(group.groupId, topic, partition)),
    {
      apply: () => {
        for (const { topic, partition } of removed) removeOffset(group.offsets, topic, partition);
      },
      answer: (later, error) => reply(later, token, error === null ? response : offsetDeleteRefused(error)),
    },
  );
}

export function offsetDeleteRefused(error: ErrorRow): OffsetDeleteResponse {
  return { errorCode: error.code, topics: [] };
}
