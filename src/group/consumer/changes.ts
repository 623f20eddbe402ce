/**
 * The possible changes of a consumer group. Each is one record of the log and one step of the state, so that replaying the records
 * gives the state that wrote them. A null value is a tombstone.
 */
import type { Partitions } from './assignors/assignor.ts';
import type { CurrentAssignment, MemberMetadata } from './member.ts';

/** The topics that a regular expression matched. */
export interface ResolvedRegex {
  /** In order. */
  readonly topics: readonly string[];
  /** Offset of the metadata image against which it was matched. */
  readonly version: number;
  /** Wall-clock time. */
  readonly timestampMs: number;
}

export interface GroupEpoch {
  readonly epoch: number;
  /** Hash of the subscribed topics; when it differs, the group must be assigned again. */
  readonly metadataHash: number;
}

export interface TargetEpoch {
  readonly epoch: number;
  /** Wall-clock time at which the assignment was ready; 0: unknown. */
  readonly timestampMs: number;
}

export type Change =
  | { readonly type: 'groupEpoch'; readonly value: GroupEpoch | null }
  | { readonly type: 'member'; readonly memberId: string; readonly value: MemberMetadata | null }
  | { readonly type: 'targetEpoch'; readonly value: TargetEpoch | null }
  | { readonly type: 'target'; readonly memberId: string; readonly value: Partitions | null }
  | { readonly type: 'current'; readonly memberId: string; readonly value: CurrentAssignment | null }
  | { readonly type: 'regex'; readonly regex: string; readonly value: ResolvedRegex | null }
  /** A record of Kafka before 4.1 about the subscribed topics; only its tombstone is still written. */
  | { readonly type: 'partitionMetadata'; readonly value: 'present' | null };
