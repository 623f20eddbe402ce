/**
 * Offset commits in transactions: TxnOffsetCommit (28), and the markers that end transactions in this partition. The offsets
 * are pending after they are written; the marker commits or drops them.
 *
 * When several commits for one partition are in the log, the last record counts, in whatever order their transactions end.
 * Compaction keeps the same record.
 */
import { mark } from '../base/mark.ts';
import { uuidZero } from '../base/uuid.ts';
import { writeEnd } from '../coordinator/turn.ts';
import type { TransactionEnd } from '../coordinator/types.ts';
import type { ErrorRow } from '../protocol/errors.ts';
import { Errors } from '../protocol/errors.ts';
import { commitRule, refusalOf } from './consumer/commit.ts';
import { type CommittedOffset, createOffsets, setOffset } from './offset-table.ts';
import { offsetRecord } from './records.ts';
import type { ConsumerGroup, Shard, Turn } from './group-turn.ts';
import { getOrCreateGroup, groupOfOffsets, orderOf, reply, write } from './group-turn.ts';
import type { GroupInput, GroupRecord, TxnOffsetCommitRequest, TxnOffsetCommitResponse } from './types.ts';

type TxnCommit = Extract<GroupInput, { type: 'txnCommit' }>;

/** From this version on the response may have the errors GROUP_ID_NOT_FOUND and STALE_MEMBER_EPOCH (KIP-1319). */
const groupErrorsSince = 6;

/** The response to a commit in which every partition has `error`. */
export function txnCommitRefused(request: TxnOffsetCommitRequest, error: ErrorRow): TxnOffsetCommitResponse {
  return commitResponse(request, () => error);
}

export function commitTransactionalOffsets(
  turn: Turn,
  { token, apiVersion, request, verification }: TxnCommit,
): void {
  const refused = inVersion(validateCommit(turn, request), apiVersion);
  if (refused !== null) return reply(turn, token, txnCommitRefused(request, refused));
  const group = getOrCreateGroup(turn, request.groupId);
  const { groupId } = group;
  const { offsetMetadataMaxBytes } = turn.shard.config;
  const tooLong = (metadata: string | null) => (metadata?.length ?? 0) > offsetMetadataMaxBytes;
  const offsets = createOffsets();
  const records: GroupRecord[] = [];
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, committedMetadata } of partitions) {
      if (tooLong(committedMetadata)) continue;
      const value: CommittedOffset = {
        offset: committedOffset,
        leaderEpoch: committedLeaderEpoch,
        metadata: committedMetadata ?? '',
        commitMs: turn.wallMs,
        expireMs: -1,
        // As in Kafka 4.3, transactional commits do not store the topic id.
        topicId: uuidZero,
        order: 0,
      };
      setOffset(offsets, name, partitionIndex, value);
      records.push(offsetRecord(groupId, name, partitionIndex, value));
    }
  }
  const response = (error: ErrorRow | null) =>
    commitResponse(request, (metadata) =>
      tooLong(metadata) ? Errors.OFFSET_METADATA_TOO_LARGE : (error ?? Errors.NONE),
    );
  if (records.length === 0) return reply(turn, token, response(null));
  const { pendingOffsets } = turn.shard;
  const settled = pendingOffsets.begin(groupId, offsets);
  const { producerId, producerEpoch } = request;
  write(
    turn,
    records,
    {
      apply: ({ shard }) => {
        settled();
        const order = orderOf(shard);
        for (const [topic, partitions] of offsets)
          for (const [partition, value] of partitions)
            setOffset(offsets, topic, partition, { ...value, order });
        pendingOffsets.add(producerId, groupId, offsets);
      },
      undo: settled,
      answer: (later, error) => reply(later, token, response(error)),
    },
    { producerId, producerEpoch, verification },
  );
}

/** Writes the marker that ends a transaction in this partition. The response is sent when the marker is committed. */
export function completeTransaction(turn: Turn, token: number, end: TransactionEnd): void {
  writeEnd(turn, end, {
    apply: ({ shard }) => endTransaction(shard, end),
    answer: (later, error) => reply(later, token, { errorCode: (error ?? Errors.NONE).code }),
  });
}

/** Called when a marker is in the log: commits or drops the pending offsets of the transaction. */
export function endTransaction(shard: Shard, { producerId, type }: TransactionEnd): void {
  for (const [groupId, pending] of shard.pendingOffsets.take(producerId)) {
    if (type === 'abort') continue;
    for (const [topic, partitions] of pending) {
      for (const [partition, value] of partitions) {
        const { offsets } = groupOfOffsets(shard, groupId);
        const present = offsets.get(topic)?.get(partition);
        if (present !== undefined && present.order > value.order) mark('group.transactional-offset-is-older');
        else setOffset(offsets, topic, partition, value);
      }
    }
  }
}

function commitResponse(
  request: TxnOffsetCommitRequest,
  errorOf: (metadata: string | null) => ErrorRow,
): TxnOffsetCommitResponse {
  return {
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, committedMetadata }) => ({
        partitionIndex,
        errorCode: errorOf(committedMetadata).code,
      })),
    })),
  };
}

/**
 * The rules of OffsetCommit, with two exceptions: clients before v3 send no member id, and commits are accepted during a
 * rebalance.
 */
function validateCommit(turn: Turn, request: TxnOffsetCommitRequest): ErrorRow | null {
  const { groupId, generationId, memberId, groupInstanceId } = request;
  const group = turn.shard.groups.get(groupId);
  if (group === undefined) return generationId < 0 ? null : Errors.GROUP_ID_NOT_FOUND;
  if (group.deleting) return Errors.COORDINATOR_NOT_AVAILABLE;
  if (group.kind === 'consumer') return validateEpoch(turn, group, request);
  if (generationId < 0 && group.state === 'Empty') return null;
  if (generationId < 0 && memberId === '' && groupInstanceId === null) return null;
  const error = group.validateMember(memberId, groupInstanceId);
  if (error !== null) return error;
  return generationId === group.generation ? null : Errors.ILLEGAL_GENERATION;
}

function validateEpoch(
  { image, shard }: Turn,
  group: ConsumerGroup,
  { memberId, groupInstanceId, generationId, topics }: TxnOffsetCommitRequest,
): ErrorRow | null {
  const committer = { memberId, groupInstanceId, generationIdOrMemberEpoch: generationId };
  const withIds = topics.map(({ name, partitions }) => ({
    topicId: image.topics.byName(name)?.id ?? uuidZero,
    partitions,
  }));
  return refusalOf(commitRule(group, committer, 0, true), withIds, shard.config.offsetMetadataMaxBytes);
}

/** Versions before 6 have no error for an unknown group or a stale epoch. Their response has ILLEGAL_GENERATION instead. */
function inVersion(refused: ErrorRow | null, apiVersion: number): ErrorRow | null {
  const isNewer = refused === Errors.GROUP_ID_NOT_FOUND || refused === Errors.STALE_MEMBER_EPOCH;
  return isNewer && apiVersion < groupErrorsSince ? Errors.ILLEGAL_GENERATION : refused;
}
