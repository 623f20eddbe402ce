/**
 * Decides which replicas may lead when the last known leader has lost records. It reads `PartitionImage.formerIsr`: replicas
 * that were in sync, and replicas that have lost records. docs/decisions/0080 has the reasons. Pure.
 */
import type { NodeId } from '../base/ids.ts';
import type { FormerMember } from '../metadata/topics-image.ts';

export function hasLost(members: readonly FormerMember[], id: NodeId): boolean {
  return members.some(({ brokerId, hasLostRecords }) => hasLostRecords && brokerId === id);
}

/** The members with `added` instead of an entry of the same broker; the same list when there is nothing to add. */
export function withFormer(
  members: readonly FormerMember[],
  added: FormerMember | undefined,
): readonly FormerMember[] {
  if (added === undefined) return members;
  return [...members.filter(({ brokerId }) => brokerId !== added.brokerId), added];
}

/**
 * The replicas that may lead instead of one that has lost records. A replica may lead when it has lost no records and was in
 * sync until a leader epoch that is at least the latest one in the logs of the members that have lost records. Of these
 * replicas, only those that were in sync longest are returned, in the order of `replicas`, because they may have records that
 * the others lack. With `all` (an unclean election) the others follow, those that were in sync longer first.
 */
export function formerLeaders(
  members: readonly FormerMember[],
  replicas: readonly NodeId[],
  all: boolean,
): readonly NodeId[] {
  const neededEpoch = Math.max(
    -1,
    ...members.filter(({ hasLostRecords }) => hasLostRecords).map(({ leaderEpoch }) => leaderEpoch),
  );
  const complete = members.filter((member) => !member.hasLostRecords && member.leaderEpoch >= neededEpoch);
  const latestEpoch = Math.max(-1, ...complete.map(({ leaderEpoch }) => leaderEpoch));
  return complete
    .filter(({ leaderEpoch }) => all || leaderEpoch === latestEpoch)
    .sort(
      (a, b) => b.leaderEpoch - a.leaderEpoch || replicas.indexOf(a.brokerId) - replicas.indexOf(b.brokerId),
    )
    .map(({ brokerId }) => brokerId);
}
