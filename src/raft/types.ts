/**
 * The types of the consensus core. Offsets count entries from 0. An `…EndOffset` is exclusive: the offset of the next entry.
 * Epochs count from 1; epoch 0 is before the first election.
 */
import type { NodeId } from '../base/ids.ts';
import { type Uuid, uuidZero } from '../base/uuid.ts';

/**
 * Identifies a replica of the metadata log by its node and its metadata directory. A node with an emptied directory has
 * forgotten its votes and acknowledgements, so it gets a new directory id and is another replica.
 */
export interface ReplicaKey {
  readonly id: NodeId;
  readonly directoryId: Uuid;
}

export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A member of the quorum. While `directoryId` is zero (static voters), only the node id identifies the voter. */
export interface Voter {
  readonly id: NodeId;
  readonly directoryId: Uuid;
  readonly endpoints: readonly Endpoint[];
}

/**
 * `data`: a payload of the controller. `leaderChange`: the first entry of each leader, without payload. `voters`: a new voter
 * set, which is in force from its append on.
 */
export type EntryKind = 'data' | 'leaderChange' | 'voters';

export interface Entry {
  readonly offset: number;
  readonly epoch: number;
  readonly kind: EntryKind;
  readonly payload: Uint8Array;
  readonly appendedMs: number;
}

/**
 * What must survive a crash besides the log. `highWatermark` may be lower than the present one. It never passes the end of the
 * entries that are stored with it.
 */
export interface HardState {
  readonly epoch: number;
  readonly votedFor: ReplicaKey | null;
  readonly highWatermark: number;
}

/** A snapshot contains the state of all entries below `endOffset`; `epoch` is the epoch of the last of them. */
export interface SnapshotMeta {
  readonly endOffset: number;
  readonly epoch: number;
  /** The voter set in force at `endOffset`. */
  readonly voters: readonly Voter[];
}

export function sameReplica(a: ReplicaKey, b: ReplicaKey): boolean {
  return a.id === b.id && a.directoryId === b.directoryId;
}

/** Whether `key` identifies the voter. While the voter's directory id is unknown (zero), only the node id is compared. */
export function isVoter(voter: Voter, key: ReplicaKey): boolean {
  return voter.id === key.id && (voter.directoryId === uuidZero || voter.directoryId === key.directoryId);
}

export function voterOf(voters: readonly Voter[], key: ReplicaKey): Voter | null {
  return voters.find((voter) => isVoter(voter, key)) ?? null;
}

/** The size of an entry in queues and messages: its payload and a header. */
export function entrySizeBytes(entry: Entry): number {
  return entry.payload.length + 32;
}
