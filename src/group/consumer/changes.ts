/**
 * What can change in a consumer group: each change is one record of the log and one step of the state, so that replaying the
 * records gives the state that wrote them. A null value is a tombstone.
 */
import type { Partitions } from './assignors/assignor.ts';
import type { CurrentAssignment, MemberMetadata } from './member.ts';

/** The topics that a regular expression matched. */
export interface ResolvedRegex {
  /** In order. */
  readonly topics: readonly string[];
  /** Offset of the metadata image that it was matched against. */
  readonly version: number;
  /** Wall time. */
  readonly timestampMs: number;
}

export interface GroupEpoch {
  readonly epoch: number;
  /** Of the subscribed topics as they were: another hash means that the group has to be assigned anew. */
  readonly metadataHash: number;
}

export interface TargetEpoch {
  readonly epoch: number;
  /** Wall time at which the assignment was ready; 0: unknown. */
  readonly timestampMs: number;
}

export type Change =
  | { readonly type: 'groupEpoch'; readonly value: GroupEpoch | null }
  | { readonly type: 'member'; readonly memberId: string; readonly value: MemberMetadata | null }
  | { readonly type: 'targetEpoch'; readonly value: TargetEpoch | null }
  | { readonly type: 'target'; readonly memberId: string; readonly value: Partitions | null }
  | { readonly type: 'current'; readonly memberId: string; readonly value: CurrentAssignment | null }
  | { readonly type: 'regex'; readonly regex: string; readonly value: ResolvedRegex | null }
  /** What Kafka before 4.1 kept of the subscribed topics; only its tombstone is still written. */
  | { readonly type: 'partitionMetadata'; readonly value: 'present' | null };
