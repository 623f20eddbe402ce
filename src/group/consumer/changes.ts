/**
 * The possible changes of a consumer group. Each `Change` is one record of the log and one step of the state; so replaying the
 * records gives the state that wrote them. A change with a null value removes what it names; its record is a tombstone.
 */
import type { Partitions } from './assignors/assignor.ts';
import type { CurrentAssignment, MemberMetadata } from './member.ts';

/** The topics that match a regular expression. */
export interface ResolvedRegex {
  /** Topic names in ascending order. */
  readonly topics: readonly string[];
  /** Offset of the metadata image with which the expression was matched. */
  readonly version: number;
  /** Wall-clock time of the matching. */
  readonly timestampMs: number;
}

export interface GroupEpoch {
  readonly epoch: number;
  /** Hash of the subscribed topics; when it changes, the group epoch increases and a new assignment is computed. */
  readonly metadataHash: number;
}

export interface TargetEpoch {
  readonly epoch: number;
  /** Wall-clock time at which the target assignment was computed; 0: unknown. */
  readonly timestampMs: number;
}

export type Change =
  | { readonly type: 'groupEpoch'; readonly value: GroupEpoch | null }
  | { readonly type: 'member'; readonly memberId: string; readonly value: MemberMetadata | null }
  | { readonly type: 'targetEpoch'; readonly value: TargetEpoch | null }
  | { readonly type: 'target'; readonly memberId: string; readonly value: Partitions | null }
  | { readonly type: 'current'; readonly memberId: string; readonly value: CurrentAssignment | null }
  | { readonly type: 'regex'; readonly regex: string; readonly value: ResolvedRegex | null }
  /**
   * Kafka before 4.1 wrote a record about the subscribed topics. This broker reads such records, and writes only their
   * tombstones.
   */
  | { readonly type: 'partitionMetadata'; readonly value: 'present' | null };
