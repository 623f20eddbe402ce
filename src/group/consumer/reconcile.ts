/**
 * Moves one member towards its target assignment, one step at a time. A member first revokes partitions (it confirms that by no
 * longer listing them among those it owns). Then it advances to the target's epoch and gets the free partitions of its target;
 * those that others still hold it gets in later steps. So no partition ever has two owners.
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
  /** The member's subscription changed: it must revoke topics that are no longer in it, even when its epoch does not change. */
  readonly subscriptionChanged: boolean;
  /** Whether some member holds the partition, this one included. */
  readonly isHeld: (topicId: Uuid, partition: number) => boolean;
}

/**
 * Returns the same object when nothing changes. Null: the state is of a later version, and the member must join again without
 * partitions.
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

/** A member that does not report its owned partitions may still own all of them. */
function ownsAny(owned: OwnedPartitions | null, partitions: EpochedPartitions): boolean {
  if (owned === null) return true;
  return owned.some(({ topicId, partitions: list }) => {
    const wanted = partitions.get(topicId);
    return wanted !== undefined && list.some((partition) => wanted.has(partition));
  });
}

/** Topics to which the member no longer subscribes are revoked; its epoch and everything else stay. */
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
      // The member may get back partitions that it has just revoked itself.
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
