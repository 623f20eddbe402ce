/**
 * What the control functions work on, and the shape they all have: they look at the image, change nothing, and give records and
 * a response. The records are replayed into the image by the active controller; nothing else changes it.
 *
 * The image is speculative: the committed one plus the records of proposals that are still on their way. When the leadership is
 * lost it is thrown away.
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
  /** min.insync.replicas of this controller's own properties: the last fallback. */
  readonly minInsyncReplicas: number;
  /** unclean.leader.election.enable of this controller's own properties: the last fallback. */
  readonly uncleanLeaderElectionEnable: boolean;
  /** auto.leader.rebalance.enable with leader.imbalance.check.interval.seconds; null: never. */
  readonly leaderRebalanceIntervalMs: number | null;
  /** What this software can do, by feature. */
  readonly supportedFeatures: ReadonlyMap<string, FeatureRange>;
  /** The current voters of the metadata quorum: they are in its log, not in the image. */
  readonly voters: () => readonly { readonly id: NodeId; readonly directoryId: Uuid }[];
  /** The keys of RFC 5802 for a salted password: mechanism 1 is SCRAM-SHA-256, 2 is SCRAM-SHA-512. */
  readonly scramKeys: (
    mechanism: number,
    saltedPassword: Uint8Array,
  ) => { readonly storedKey: Uint8Array; readonly serverKey: Uint8Array };
}

export interface ControllerState {
  /** Speculative; replaced after each step of an operation. */
  image: MetadataImage;
  /** Offset that the entry with the next records will have, or less: entries of Raft's own may come in between. */
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
 * A request that is worked on in steps: each step gives records (or none, after much looking), and sees those of the steps before in
 * `state.image`. Between two steps the driver may commit what it has and let others run; no other request comes in between.
 */
export type Operation<R> = Generator<readonly MetadataRecord[], R, void>;

export function* single<R>(result: Result<R>): Operation<R> {
  if (result.records.length > 0) yield result.records;
  return result.response;
}

/** Kafka's bound on what one request may ask for. */
export const partitionsPerRequestMax = 10_000;
