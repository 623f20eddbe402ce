/**
 * Selects the replica from which a consumer should read (KIP-392, `replica.selector.class`). Pure: the leader calls it with the
 * state of its followers, and names the selected replica in its fetch response.
 */
import type { NodeId } from '../base/ids.ts';

/** An in-sync replica that has the offset that the consumer requests. */
export interface ReadableReplica {
  readonly brokerId: NodeId;
  readonly rack: string | null;
  readonly logEndOffset: number;
  /** Monotonic time at which this replica last had all of the leader's log. */
  readonly lastCaughtUpMs: number;
}

/** Selects one of `followers`; null: the leader. */
export type ReplicaSelector = (
  clientRack: string,
  leaderRack: string | null,
  followers: readonly ReadableReplica[],
) => ReadableReplica | null;

/**
 * `RackAwareReplicaSelector`: the leader if it is in the client's rack, else the most caught-up replica of that rack, else the
 * leader.
 */
const rackAware: ReplicaSelector = (clientRack, leaderRack, followers) => {
  if (clientRack === '' || leaderRack === clientRack) return null;
  const near = followers.filter(({ rack }) => rack === clientRack);
  near.sort(
    (a, b) =>
      b.logEndOffset - a.logEndOffset || b.lastCaughtUpMs - a.lastCaughtUpMs || a.brokerId - b.brokerId,
  );
  return near[0] ?? null;
};

const leaderOnly: ReplicaSelector = () => null;

/** The selectors by the values of `replica.selector.class` that name them. */
export const replicaSelectors: ReadonlyMap<string, ReplicaSelector> = new Map([
  ['org.apache.kafka.common.replica.RackAwareReplicaSelector', rackAware],
  ['org.apache.kafka.common.replica.LeaderSelector', leaderOnly],
]);
