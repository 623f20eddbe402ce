/**
 * Moves one member one step towards its target assignment. First the member revokes partitions that are not in its target; it
 * confirms this by no longer listing them among the partitions that it owns. Then it advances to the target epoch and gets
 * those partitions of its target that no other member holds. The rest it gets in later steps, when the other members have
 * revoked them. So no partition ever has two owners.
 */
import type { Uuid } from '../../base/uuid.ts';
import type { OwnedPartitions } from '../types.ts';
import type { Partitions } from './assignors/assignor.ts';
import type { CurrentAssignment, EpochedPartitions } from './member.ts';
import { memberStates, noPartitions } from './member.ts';

export interface ReconcileInput {
  readonly current: CurrentAssignment;
  readonly targetEpoch: number;
  readonly target: Partitions;
  /** The partitions that the member reports as owned; null: the request does not have the field. */
  readonly owned: OwnedPartitions | null;
  /** Whether the topic exists and the member subscribes to it. */
  readonly isSubscribed: (topicId: Uuid) => boolean;
  /**
   * Whether the member's subscription has changed. Then it must revoke topics that are no longer in it, even if its epoch does
   * not change.
   */
  readonly subscriptionChanged: boolean;
  /** Whether a member holds the partition; this member counts too. */
  readonly isHeld: (topicId: Uuid, partition: number) => boolean;
}

/**
 * The member's next assignment; the same object when nothing changes. Null when the member is in a state of a later Kafka
 * version and may still own partitions: then it must give them up and join again.
 */
export function reconcile(input: ReconcileInput): CurrentAssignment | null {
  const { current, targetEpoch, owned } = input;
  switch (current.state) {
    case memberStates.stable:
      if (current.memberEpoch !== targetEpoch) return next(input, current.memberEpoch);
      return input.subscriptionChanged ? dropUnsubscribed(input) : current;
    case memberStates.unrevoked:
      if (!ownsAny(owned, current.pendingRevocation)) return next(input, current.memberEpoch);
      return input.subscriptionChanged ? dropUnsubscribed(input) : current;
    case memberStates.unreleased:
      return next(input, current.memberEpoch);
    default:
      return owned?.length === 0 ? next(input, targetEpoch) : null;
  }
}

/**
 * Whether the member may still own any of `partitions`. A request without the field `owned` says nothing, so the member may own
 * all of them.
 */
function ownsAny(owned: OwnedPartitions | null, partitions: EpochedPartitions): boolean {
  if (owned === null) return true;
  return owned.some(({ topicId, partitions: list }) => {
    const wanted = partitions.get(topicId);
    return wanted !== undefined && list.some((partition) => wanted.has(partition));
  });
}

/** The member has to revoke the topics to which it no longer subscribes. Its epoch and its other partitions stay. */
function dropUnsubscribed({ current, owned, isSubscribed }: ReconcileInput): CurrentAssignment {
  const assigned = new Map(current.assigned);
  const pendingRevocation = new Map(current.pendingRevocation);
  for (const [topicId, partitions] of current.assigned) {
    if (isSubscribed(topicId)) continue;
    assigned.delete(topicId);
    const pending = pendingRevocation.get(topicId);
    pendingRevocation.set(topicId, pending === undefined ? partitions : new Map([...pending, ...partitions]));
  }
  if (assigned.size === current.assigned.size) return current;
  const seen = { ...current, previousMemberEpoch: current.memberEpoch };
  if (!ownsAny(owned, pendingRevocation)) return { ...seen, assigned };
  return { ...seen, state: memberStates.unrevoked, assigned, pendingRevocation };
}

function next(input: ReconcileInput, memberEpoch: number): CurrentAssignment {
  const { current, targetEpoch, owned, isSubscribed, isHeld } = input;
  const assigned = new Map<Uuid, Map<number, number>>();
  const toRevoke = new Map<Uuid, Map<number, number>>();
  const gained: [Uuid, number][] = [];
  let waits = false;
  for (const [topicId, partitions] of current.assigned) {
    const target = new Set(isSubscribed(topicId) ? input.target.get(topicId) : []);
    for (const [partition, epoch] of partitions) {
      setPartition(target.has(partition) ? assigned : toRevoke, topicId, partition, epoch);
    }
  }
  for (const [topicId, partitions] of input.target) {
    if (!isSubscribed(topicId)) continue;
    const kept = assigned.get(topicId);
    for (const partition of partitions) {
      if (kept?.has(partition)) continue;
      // A partition that the member itself is revoking counts as free: the member may have it back.
      const isOwn = current.pendingRevocation.get(topicId)?.has(partition) ?? false;
      if (isHeld(topicId, partition) && !isOwn) waits = true;
      else gained.push([topicId, partition]);
    }
  }
  if (toRevoke.size > 0 && ownsAny(owned, toRevoke)) {
    return changed(current, memberEpoch, memberStates.unrevoked, assigned, toRevoke);
  }
  for (const [topicId, partition] of gained) setPartition(assigned, topicId, partition, targetEpoch);
  const state = waits ? memberStates.unreleased : memberStates.stable;
  return changed(current, targetEpoch, state, assigned, noPartitions);
}

function setPartition(
  map: Map<Uuid, Map<number, number>>,
  topicId: Uuid,
  partition: number,
  epoch: number,
): void {
  const partitions = map.get(topicId);
  if (partitions === undefined) map.set(topicId, new Map([[partition, epoch]]));
  else partitions.set(partition, epoch);
}

function changed(
  current: CurrentAssignment,
  memberEpoch: number,
  state: number,
  assigned: EpochedPartitions,
  pendingRevocation: EpochedPartitions,
): CurrentAssignment {
  const previousMemberEpoch = current.memberEpoch;
  if (
    memberEpoch === previousMemberEpoch &&
    previousMemberEpoch === current.previousMemberEpoch &&
    state === current.state &&
    sameEpoched(assigned, current.assigned) &&
    sameEpoched(pendingRevocation, current.pendingRevocation)
  )
    return current;
  return { memberEpoch, previousMemberEpoch, state, assigned, pendingRevocation };
}

function sameEpoched(a: EpochedPartitions, b: EpochedPartitions): boolean {
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const [partition, epoch] of partitions) if (others.get(partition) !== epoch) return false;
  }
  return true;
}
