/** The settings of the controller, from this node's properties. */
import type { NodeConfig } from '../../config/node-config.ts';
import type { ControllerSettings } from '../../controller/state.ts';
import { supportedFeatures } from '../../metadata/feature-versions.ts';
import { scramKeys } from './scram-keys.ts';

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
