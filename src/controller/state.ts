/**
 * The input of the control functions and the shape that all of them have: a control function reads the image, changes
 * nothing, and yields records and a response. `ActiveController.replay` applies the records to the image; nothing else
 * changes it.
 *
 * The image is speculative: committed metadata plus the records of proposals in flight. When the leadership is lost,
 * the image is discarded.
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
  /** broker.session.timeout.ms */
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
  /** Speculative image; replaced after each step of an operation. */
  image: MetadataImage;
  /** Lower bound of the offset of the next proposed entry: Raft may append entries of its own in between. */
  nextOffset: number;
  readonly settings: ControllerSettings;
  readonly rules: ConfigRules;
  readonly random: Random;
}

export interface Result<R> {
  readonly records: readonly MetadataRecord[];
  readonly response: R;
}

/**
 * A request that is handled in steps. Each step yields records (possibly none, when it only examined many partitions);
 * the next step sees them in `state.image`. Between two steps the driver may propose the records and let the event loop
 * run; no other request is handled in between.
 */
export type Operation<R> = Generator<readonly MetadataRecord[], R, void>;

export function* single<R>(result: Result<R>): Operation<R> {
  if (result.records.length > 0) yield result.records;
  return result.response;
}

/** Kafka's limit on the partitions of one request. */
export const partitionsPerRequestMax = 10_000;
