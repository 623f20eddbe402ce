/**
 * A member of a consumer group. As in Kafka's records it has two parts: its own metadata (`MemberMetadata`, record type 5) and
 * how far it has come towards its target assignment (`CurrentAssignment`, record type 8). Both are immutable values.
 */
import { sameElements } from '../../base/collections.ts';
import type { Uuid } from '../../base/uuid.ts';
import { sameProtocols } from '../member-protocols.ts';
import type { MemberProtocol } from '../types.ts';

/** The further data of a member that uses the classic protocol. */
export interface ClassicMemberMetadata {
  readonly sessionTimeoutMs: number;
  /** In the member's order of preference. The metadata of the first protocol is the member's subscription. */
  readonly supportedProtocols: readonly MemberProtocol[];
}

export interface MemberMetadata {
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** In ascending order, without duplicates. */
  readonly subscribedTopicNames: readonly string[];
  /** A regular expression in RE2's syntax; null or empty: none. */
  readonly subscribedTopicRegex: string | null;
  /** -1: the member has not sent it. */
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Null: the member uses the consumer protocol. */
  readonly classic: ClassicMemberMetadata | null;
}

/**
 * `stable`: the member has the target assignment of its epoch. `unrevoked`: it has still to revoke `pendingRevocation`.
 * `unreleased`: it waits for partitions that other members have still to revoke. The numbers are those of Kafka's records.
 */
export const memberStates = { stable: 0, unrevoked: 1, unreleased: 2 } as const;

/** Partitions, each with the member epoch at which the member got it (KIP-1251): topic id → partition → epoch. */
export type EpochedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>;

export interface CurrentAssignment {
  readonly memberEpoch: number;
  /** The epoch before the last increment. It is accepted from a member that did not get the response with the new epoch. */
  readonly previousMemberEpoch: number;
  /** One of `memberStates`. Another number is a state of a later Kafka version; then the member must join again. */
  readonly state: number;
  readonly assigned: EpochedPartitions;
  readonly pendingRevocation: EpochedPartitions;
}

export interface ConsumerMember {
  readonly memberId: string;
  readonly metadata: MemberMetadata;
  readonly current: CurrentAssignment;
}

/** The member epoch in the heartbeat with which a member joins. */
export const joinEpoch = 0;
/** The member epoch in the heartbeat with which a member leaves. */
export const leaveEpoch = -1;
/**
 * The member epoch in the heartbeat with which a static member leaves temporarily. It keeps its partitions until its session
 * expires.
 */
export const leaveStaticEpoch = -2;

export const noPartitions: EpochedPartitions = new Map();

/** The metadata of a member that is not in the group yet. */
export const newMetadata: MemberMetadata = {
  instanceId: null,
  rackId: null,
  clientId: '',
  clientHost: '',
  subscribedTopicNames: [],
  subscribedTopicRegex: '',
  rebalanceTimeoutMs: -1,
  serverAssignor: null,
  classic: null,
};

/** The assignment of a member whose first heartbeat has not been handled yet. */
export const newCurrent: CurrentAssignment = {
  memberEpoch: joinEpoch,
  previousMemberEpoch: -1,
  state: memberStates.stable,
  assigned: noPartitions,
  pendingRevocation: noPartitions,
};

export function hasRegex(metadata: MemberMetadata): boolean {
  return metadata.subscribedTopicRegex !== null && metadata.subscribedTopicRegex !== '';
}

export function isReconciledTo({ memberEpoch, state }: CurrentAssignment, targetEpoch: number): boolean {
  return state === memberStates.stable && memberEpoch === targetEpoch;
}

/** Whether all values are equal; lists must have the same order. */
export function sameMetadata(a: MemberMetadata, b: MemberMetadata): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    sameElements(a.subscribedTopicNames, b.subscribedTopicNames) &&
    sameClassic(a.classic, b.classic)
  );
}

function sameClassic(a: ClassicMemberMetadata | null, b: ClassicMemberMetadata | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.sessionTimeoutMs === b.sessionTimeoutMs && sameProtocols(a.supportedProtocols, b.supportedProtocols)
  );
}

/** Whether both have the same partitions; the epochs may differ. */
export function samePartitions(a: EpochedPartitions, b: EpochedPartitions): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions.keys()) if (!others.has(partition)) return false;
  }
  return true;
}
