/**
 * The types of control functions. A control function handles one kind of request: it reads the metadata image
 * (`ControllerState`) and returns metadata records and a response (`Result`), or yields records in several steps (`Operation`).
 * It never changes the image: `ActiveController.replay` does this with the records.
 *
 * The image is speculative: the committed metadata plus all records that control functions returned since, proposed or not. It
 * is discarded when the controller loses the leadership, or when a proposal fails.
 */
import type { NodeId } from '../base/ids.ts';
import type { Random } from '../base/random.ts';
import type { Uuid } from '../base/uuid.ts';
import type { FeatureRange } from '../metadata/cluster-image.ts';
import type { MetadataImage } from '../metadata/image.ts';
import type { MetadataRecord } from '../metadata/records.ts';
import type { ConfigRules } from './config-rules.ts';

export interface ControllerSettings {
  readonly nodeId: NodeId;
  readonly clusterId: string;
  /** broker.session.timeout.ms. */
  readonly sessionTimeoutMs: number;
  readonly defaultReplicationFactor: number;
  readonly defaultPartitionCount: number;
  readonly deleteTopicEnable: boolean;
  /** min.insync.replicas of this controller's own properties, used when no dynamic value is set. */
  readonly minInsyncReplicas: number;
  /** unclean.leader.election.enable of this controller's own properties, used when no dynamic value is set. */
  readonly uncleanLeaderElectionEnable: boolean;
  /** leader.imbalance.check.interval.seconds; null when auto.leader.rebalance.enable is false. */
  readonly leaderRebalanceIntervalMs: number | null;
  /** The range of levels that this software supports, by feature. */
  readonly supportedFeatures: ReadonlyMap<string, FeatureRange>;
  /** The current voters of the metadata quorum. They are in the quorum's log, not in the image. */
  readonly voters: () => readonly { readonly id: NodeId; readonly directoryId: Uuid }[];
  /** StoredKey and ServerKey of RFC 5802 for a salted password. Mechanism 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512. */
  readonly scramKeys: (
    mechanism: number,
    saltedPassword: Uint8Array,
  ) => { readonly storedKey: Uint8Array; readonly serverKey: Uint8Array };
}

export interface ControllerState {
  /** The speculative image: it includes records that are not committed yet. Each step of an operation replaces it. */
  image: MetadataImage;
  /** A lower bound of the offset of the next proposed entry: Raft may append entries of its own before it. */
  nextOffset: number;
  readonly settings: ControllerSettings;
  readonly rules: ConfigRules;
  readonly random: Random;
}

/** The client's `controller_mutation_rate` (KIP-599), for one request. */
export interface PartitionMutations {
  /** Counts partitions that are created or deleted. May throw THROTTLING_QUOTA_EXCEEDED; then nothing is counted. */
  record(partitions: number): void;
  /** How long the client is throttled because of this request. */
  readonly throttleTimeMs: number;
}

export const unlimitedMutations: PartitionMutations = { record: () => {}, throttleTimeMs: 0 };

export interface Result<R> {
  readonly records: readonly MetadataRecord[];
  readonly response: R;
}

/**
 * A request that is handled in steps. Each step yields records, or an empty list when it only examined many partitions; they
 * are applied to `state.image` before the next step. Between two steps the driver may propose the records and let the event
 * loop run, but it runs no other operation.
 */
export type Operation<R> = Generator<readonly MetadataRecord[], R, void>;

export function* single<R>(result: Result<R>): Operation<R> {
  if (result.records.length > 0) yield result.records;
  return result.response;
}

/** How many partitions one CreateTopics or CreatePartitions request may create; Kafka has the same limit. */
export const partitionsPerRequestMax = 10_000;
