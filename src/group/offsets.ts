/**
 * OffsetCommit (08), OffsetFetch (09) and OffsetDelete (47) of a group. A commit without a member (generation -1, no member id)
 * is accepted only while the group has no members. It comes from a consumer that chooses its partitions itself (`assign`), or
 * from an administrator.
 */
import { mark } from '../base/mark.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors } from '../protocol/errors.ts';
import type { ClassicGroup } from './classic/group.ts';
import { renewSession } from './classic/rebalance.ts';
import type { CommitRule } from './consumer/commit.ts';
import { commitRule, fetchRule, refusalOf } from './consumer/commit.ts';
import { type CommittedOffset, isOfTopic, setOffset } from './offset-table.ts';
import { offsetRecord, offsetTombstone } from './records.ts';
import { startSweep } from './sweep.ts';
import type { Group, Shard, Turn } from './group-turn.ts';
import { forgetOffset, getOrCreateGroup, orderOf, reply, write } from './group-turn.ts';
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

/** Long.MAX_VALUE, rounded to a JavaScript number. */
const longMax = 2 ** 63;

const groupIdNotFoundSince = 9;
const anyPartition = (): null => null;

type CommittedPartition = OffsetCommitRequest['topics'][number]['partitions'][number];

interface Change {
  readonly topic: string;
  readonly partition: number;
  readonly value: CommittedOffset;
}

/** The response to a commit in which every partition has `error`. */
export function commitRefused(request: OffsetCommitRequest, error: ErrorRow): OffsetCommitResponse {
  return commitResponse(request, () => error);
}

export function commitOffsets(
  turn: Turn,
  token: number,
  apiVersion: number,
  request: OffsetCommitRequest,
): void {
  const { offsetMetadataMaxBytes } = turn.shard.config;
  const rule = validateCommit(turn, apiVersion, request);
  const refused = refusalOf(rule, request.topics, offsetMetadataMaxBytes);
  if (refused !== null) return reply(turn, token, commitRefused(request, refused));
  const group = getOrCreateGroup(turn, request.groupId);
  if (group.kind === 'classic') renewCommitter(turn, group, request.memberId);
  const expireMs =
    request.retentionTimeMs >= 0 ? Math.min(turn.wallMs + request.retentionTimeMs, longMax) : -1;
  const errorOf = ({ committedMetadata }: CommittedPartition): ErrorRow | null =>
    (committedMetadata?.length ?? 0) > offsetMetadataMaxBytes ? Errors.OFFSET_METADATA_TOO_LARGE : null;
  const changes: Change[] = [];
  const records: GroupRecord[] = [];
  for (const { name, topicId, partitions } of request.topics) {
    for (const partition of partitions) {
      if (errorOf(partition) !== null) continue;
      const value: CommittedOffset = {
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata ?? '',
        commitMs: turn.wallMs,
        expireMs,
        topicId,
        order: 0,
      };
      changes.push({ topic: name, partition: partition.partitionIndex, value });
      records.push(offsetRecord(group.groupId, name, partition.partitionIndex, value));
    }
  }
  const response = (error: ErrorRow | null) =>
    commitResponse(request, (partition) => errorOf(partition) ?? error ?? Errors.NONE);
  if (records.length === 0) return reply(turn, token, response(null));
  appendCommit(turn, group, token, changes, records, response);
}

/** A commit extends the member's session. */
function renewCommitter(turn: Turn, group: ClassicGroup, memberId: string): void {
  const member = group.members.get(memberId);
  if (member !== undefined && group.is('Stable', 'PreparingRebalance')) renewSession(turn, member);
}

function appendCommit(
  turn: Turn,
  group: Group,
  token: number,
  changes: readonly Change[],
  records: readonly GroupRecord[],
  response: (error: ErrorRow | null) => OffsetCommitResponse,
): void {
  const { commits } = group;
  commits.begin(changes);
  const settled = (later: Turn) => {
    const deleted = commits.end(changes);
    const current = later.shard.groups.get(group.groupId);
    if (deleted.size > 0 && current !== undefined) startSweep(later, deleted, [current].values());
  };
  write(turn, records, {
    apply: (later) => {
      // The group may have been deleted, and created again, after this commit was appended. The order of the records in the log
      // decides, so the offset belongs to the new group.
      const { offsets } = getOrCreateGroup(later, group.groupId);
      const order = orderOf(later.shard);
      for (const { topic, partition, value } of changes)
        setOffset(offsets, topic, partition, { ...value, order });
      settled(later);
    },
    undo: settled,
    answer: (later, error) => reply(later, token, response(error)),
  });
}

function commitResponse(
  request: OffsetCommitRequest,
  errorOf: (partition: CommittedPartition) => ErrorRow,
): OffsetCommitResponse {
  return {
    topics: request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map((p) => ({
        partitionIndex: p.partitionIndex,
        errorCode: errorOf(p).code,
      })),
    })),
  };
}

/** The error for the whole request, or a function that checks each partition. */
function validateCommit(turn: Turn, apiVersion: number, request: OffsetCommitRequest): CommitRule {
  const { groupId, generationIdOrMemberEpoch: generation, memberId, groupInstanceId } = request;
  const group = turn.shard.groups.get(groupId);
  if (group === undefined) {
    if (generation < 0) return anyPartition;
    return apiVersion >= groupIdNotFoundSince ? Errors.GROUP_ID_NOT_FOUND : Errors.ILLEGAL_GENERATION;
  }
  if (group.deleting) return Errors.COORDINATOR_NOT_AVAILABLE;
  if (group.kind === 'consumer') return commitRule(group, request, apiVersion);
  if (generation < 0 && group.state === 'Empty') return anyPartition;
  // While the group has members, only they may commit.
  if (generation < 0 && memberId === '' && groupInstanceId === null) return Errors.UNKNOWN_MEMBER_ID;
  const error = group.validateMember(memberId, groupInstanceId);
  if (error !== null) return error;
  if (generation !== group.generation) {
    mark('group.commit-of-old-generation');
    return Errors.ILLEGAL_GENERATION;
  }
  return group.state === 'CompletingRebalance' ? Errors.REBALANCE_IN_PROGRESS : anyPartition;
}

/** Responds with the committed offsets of a group, without changing anything. A group that does not exist has none. */
export function fetchOffsets(shard: Shard, request: OffsetFetchRequest): OffsetFetchResponse {
  const group = shard.groups.get(request.groupId);
  const refused =
    group?.kind === 'consumer' ? fetchRule(group, request.memberId ?? null, request.memberEpoch ?? -1) : null;
  if (refused !== null) return { groupId: request.groupId, errorCode: refused.code, topics: [] };
  const offsets = group?.offsets;
  const isUnstable = (topic: string, partition: number): boolean =>
    request.requireStable === true && shard.pendingOffsets.has(request.groupId, topic, partition);
  const wanted =
    request.topics ??
    [...(offsets ?? [])].map(([name, partitions]) => ({
      name,
      topicId: uuidZero,
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
        partitions: partitionIndexes.map((index) =>
          isUnstable(name, index)
            ? fetched(index, undefined, Errors.UNSTABLE_OFFSET_COMMIT)
            : fetched(index, ofTopic(partitions?.get(index), topicId), Errors.NONE),
        ),
      };
    }),
  };
}

/** An offset that was committed for a deleted topic is not returned for a new topic of the same name. */
function ofTopic(value: CommittedOffset | undefined, topicId: Uuid): CommittedOffset | undefined {
  return value !== undefined && isOfTopic(value, topicId) ? value : undefined;
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
  // The topics to which members subscribe are known only for the protocol type "consumer". Of other groups with members nothing
  // is deleted.
  if (group.members.size > 0 && group.protocolType !== 'consumer') return refuse(Errors.NON_EMPTY_GROUP);
  const { pendingOffsets } = turn.shard;
  const removed: { topic: string; partition: number }[] = [];
  const topics = request.topics.map(({ name, partitions }) => {
    const subscribed = group.isSubscribedTo(name);
    const errorCode = subscribed ? Errors.GROUP_SUBSCRIBED_TO_TOPIC.code : Errors.NONE.code;
    for (const { partitionIndex } of subscribed ? [] : partitions) {
      if (
        group.offsets.get(name)?.has(partitionIndex) ||
        pendingOffsets.has(group.groupId, name, partitionIndex)
      )
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
        for (const { topic, partition } of removed) forgetOffset(turn.shard, group, topic, partition);
      },
      answer: (later, error) => reply(later, token, error === null ? response : offsetDeleteRefused(error)),
    },
  );
}

export function offsetDeleteRefused(error: ErrorRow): OffsetDeleteResponse {
  return { errorCode: error.code, topics: [] };
}
