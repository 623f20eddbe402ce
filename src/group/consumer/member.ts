/**
 * A member of a consumer group. It has two parts, as in Kafka's records: its own metadata (`MemberMetadata`, record type 5) and its
 * progress towards its target assignment (`CurrentAssignment`, type 8). Both are immutable values.
 */
import type { Uuid } from '../../base/uuid.ts';
import type { MemberProtocol } from '../types.ts';

/** The fields of a classic-protocol member of a consumer group. */
export interface ClassicMemberMetadata {
  readonly sessionTimeoutMs: number;
  /** In the member's order of preference; the metadata of the first is its subscription. */
  readonly supportedProtocols: readonly MemberProtocol[];
}

export interface MemberMetadata {
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** In order, without duplicates. */
  readonly subscribedTopicNames: readonly string[];
  /** In RE2's syntax; null or empty: none. */
  readonly subscribedTopicRegex: string | null;
  /** -1: the member has not sent it. */
  readonly rebalanceTimeoutMs: number;
  readonly serverAssignor: string | null;
  /** Null: the member uses the consumer protocol. */
  readonly classic: ClassicMemberMetadata | null;
}

/**
 * `stable`: it has the target assignment of its epoch. `unrevoked`: it must still revoke `pendingRevocation`. `unreleased`: it
 * waits for partitions that others must still revoke. The numbers are Kafka's, as in records.
 */
export const memberStates = { stable: 0, unrevoked: 1, unreleased: 2 } as const;

/** Partitions with the member epoch at which each was assigned (KIP-1251): topic id → partition → epoch. */
export type EpochedPartitions = ReadonlyMap<Uuid, ReadonlyMap<number, number>>;

export interface CurrentAssignment {
  readonly memberEpoch: number;
  /** Accepted from a member that never got the response with the new epoch. */
  readonly previousMemberEpoch: number;
  /** Another number is a state of a later version; the member must join again. */
  readonly state: number;
  readonly assigned: EpochedPartitions;
  readonly pendingRevocation: EpochedPartitions;
}

export interface ConsumerMember {
  readonly memberId: string;
  readonly metadata: MemberMetadata;
  readonly current: CurrentAssignment;
}

export const joinEpoch = 0;
export const leaveEpoch = -1;
/** A static member leaves temporarily: no other member gets its partitions until its session expires. */
export const leaveStaticEpoch = -2;

export const noPartitions: EpochedPartitions = new Map();

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

/** Before its first heartbeat was handled. */
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

/** The same values; lists in the same order. */
export function sameMetadata(a: MemberMetadata, b: MemberMetadata): boolean {
  return (
    a.instanceId === b.instanceId &&
    a.rackId === b.rackId &&
    a.clientId === b.clientId &&
    a.clientHost === b.clientHost &&
    a.subscribedTopicRegex === b.subscribedTopicRegex &&
    a.rebalanceTimeoutMs === b.rebalanceTimeoutMs &&
    a.serverAssignor === b.serverAssignor &&
    sameNames(a.subscribedTopicNames, b.subscribedTopicNames) &&
    sameClassic(a.classic, b.classic)
  );
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((name, i) => name === b[i]));
}

function sameClassic(a: ClassicMemberMetadata | null, b: ClassicMemberMetadata | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.sessionTimeoutMs !== b.sessionTimeoutMs) return false;
  const these = a.supportedProtocols;
  const those = b.supportedProtocols;
  if (these.length !== those.length) return false;
  return these.every(({ name, metadata }, i) => {
    const other = those[i];
    if (other === undefined || other.name !== name || other.metadata.length !== metadata.length) return false;
    return metadata.every((byte, at) => byte === other.metadata[at]);
  });
}

/** The same partitions, whatever their epochs. */
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
