/**
 * The rules for offset commits in a consumer group (KIP-848, KIP-1251): a member commits with its member epoch. A commit with
 * an older epoch is accepted for a partition if the member has held it without interruption since that epoch. So a member whose
 * epoch has just increased need not repeat its commit, and a member that lost a partition cannot commit for it.
 */
import type { Uuid } from '../../base/uuid.ts';
import type { ErrorRow } from '../../protocol/errors.ts';
import { Errors } from '../../protocol/errors.ts';
import type { OffsetCommitRequest } from '../types.ts';
import type { ConsumerGroup } from '../group-turn.ts';

/** The error for the whole request, or a function that checks each partition. */
export type CommitRule = ErrorRow | ((topicId: Uuid, partition: number) => ErrorRow | null);

interface CommittedTopic {
  readonly topicId: Uuid;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    readonly committedMetadata: string | null;
  }[];
}

/**
 * The error if nothing of `topics` may be committed, otherwise null. As in Kafka, the whole commit is refused if one partition
 * fails the check.
 */
export function refusalOf(
  rule: CommitRule,
  topics: readonly CommittedTopic[],
  metadataMaxBytes: number,
): ErrorRow | null {
  if (typeof rule !== 'function') return rule;
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex, committedMetadata } of partitions) {
      // A partition whose metadata is too long is refused by itself later. As in Kafka, its epoch is not checked before that.
      if ((committedMetadata?.length ?? 0) > metadataMaxBytes) continue;
      const error = rule(topicId, partitionIndex);
      if (error !== null) return error;
    }
  }
  return null;
}

const memberEpochSince = 9;
const anyPartition = (): null => null;

type Committer = Pick<OffsetCommitRequest, 'memberId' | 'groupInstanceId' | 'generationIdOrMemberEpoch'>;

/** Checks a commit. `isTransactional`: the request is TxnOffsetCommit, which older clients send without member id and epoch. */
export function commitRule(
  group: ConsumerGroup,
  { memberId, groupInstanceId, generationIdOrMemberEpoch: epoch }: Committer,
  apiVersion: number,
  isTransactional = false,
): CommitRule {
  // Administrators, and consumers that choose their partitions themselves (`assign`), commit without being members.
  if (epoch < 0 && group.members.size === 0) return anyPartition;
  if (isTransactional && epoch === -1 && memberId === '' && groupInstanceId === null) return anyPartition;
  const member = group.members.get(memberId);
  if (member === undefined) return Errors.UNKNOWN_MEMBER_ID;
  const isClassic = member.metadata.classic !== null;
  if (!isTransactional && !isClassic && apiVersion < memberEpochSince) return Errors.UNSUPPORTED_VERSION;
  const { memberEpoch, assigned, pendingRevocation } = member.current;
  if (epoch === memberEpoch) return anyPartition;
  const stale = isClassic ? Errors.ILLEGAL_GENERATION : Errors.STALE_MEMBER_EPOCH;
  if (epoch > memberEpoch) return stale;
  return (topicId, partition) => {
    const since = assigned.get(topicId)?.get(partition) ?? pendingRevocation.get(topicId)?.get(partition);
    return since === undefined || epoch < since ? stale : null;
  };
}

/**
 * OffsetFetch v9: a member sends its epoch when it fetches offsets. A member that was removed or has an old epoch gets an
 * error.
 */
export function fetchRule(group: ConsumerGroup, memberId: string | null, epoch: number): ErrorRow | null {
  if (memberId === null && epoch < 0) return null;
  const member = group.members.get(memberId ?? '');
  if (member === undefined) return Errors.UNKNOWN_MEMBER_ID;
  if (epoch === member.current.memberEpoch) return null;
  return member.metadata.classic === null ? Errors.STALE_MEMBER_EPOCH : Errors.ILLEGAL_GENERATION;
}
