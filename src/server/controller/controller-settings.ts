/** The settings of the controller, from this node's properties. */
import { LaterReleaseError } from '../../base/later-release.ts';
import type { NodeConfig } from '../../config/node-config.ts';
import type { ControllerSettings } from '../../controller/state.ts';
import type { FeatureRange } from '../../metadata/cluster-image.ts';
import { scramKeys } from './scram-keys.ts';

/** Features of Apache Kafka 4.3 and the levels of each that this software supports. */
export const supportedFeatures: ReadonlyMap<string, FeatureRange> = new Map([
  ['eligible.leader.replicas.version', { min: 0, max: 1 }],
  ['group.version', { min: 0, max: 1 }],
  ['kraft.version', { min: 0, max: 1 }],
  ['metadata.version', { min: 7, max: 30 }],
  ['share.version', { min: 0, max: 1 }],
  ['streams.version', { min: 0, max: 1 }],
  ['transaction.version', { min: 0, max: 2 }],
]);

/**
 * Throws `LaterReleaseError` when a feature has a level that this release does not support. As in Kafka, a controller stops then: as
 * the active controller it would write records that do not fit the level.
 */
export function checkFeatureLevels(levels: ReadonlyMap<string, number>): void {
  for (const [name, level] of levels) {
    const { min, max } = supportedFeatures.get(name) ?? { min: 0, max: 0 };
    if (level < min || level > max)
      throw new LaterReleaseError(
        `The metadata log sets ${name} to ${level}, and this controller supports only the levels ${min} to ${max}`,
      );
  }
}

export function controllerSettings(
  config: NodeConfig,
  clusterId: string,
  voters: ControllerSettings['voters'],
): ControllerSettings {
  return {
    nodeId: config.nodeId,
    clusterId,
    sessionTimeoutMs: config.get('broker.session.timeout.ms'),
    defaultReplicationFactor: config.get('default.replication.factor'),
    defaultPartitionCount: config.get('num.partitions'),
    deleteTopicEnable: config.get('delete.topic.enable'),
    minInsyncReplicas: config.get('min.insync.replicas'),
    uncleanLeaderElectionEnable: config.get('unclean.leader.election.enable'),
    leaderRebalanceIntervalMs: config.get('auto.leader.rebalance.enable')
      ? config.get('leader.imbalance.check.interval.seconds') * 1000
      : null,
    supportedFeatures,
    voters,
    scramKeys,
  };
}
