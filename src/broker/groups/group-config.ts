/** The settings of the group coordinator, computed from the broker's properties. */
import type { NodeConfig } from '../../config/node-config.ts';
import type { GroupConfig, GroupSettings } from '../../group/types.ts';
import { resourceType } from '../../metadata/configs-image.ts';
import type { MetadataImage } from '../../metadata/image.ts';

export function groupConfig(config: NodeConfig): GroupConfig {
  return {
    minSessionTimeoutMs: config.get('group.min.session.timeout.ms'),
    maxSessionTimeoutMs: config.get('group.max.session.timeout.ms'),
    initialRebalanceDelayMs: config.get('group.initial.rebalance.delay.ms'),
    maxSize: config.get('group.max.size'),
    offsetMetadataMaxBytes: config.get('offset.metadata.max.bytes'),
    offsetsRetentionMs: config.get('offsets.retention.minutes') * 60_000,
    offsetsRetentionCheckIntervalMs: config.get('offsets.retention.check.interval.ms'),
    consumer: {
      maxSize: config.get('group.consumer.max.size'),
      assignors: config.get('group.consumer.assignors').map(assignorName),
      migrationPolicy: migrationPolicy(config.get('group.consumer.migration.policy')),
      regexRefreshIntervalMs: config.get('group.consumer.regex.refresh.interval.ms'),
    },
    ofGroup: (groupId, image) => groupSettings(config, groupId, image),
  };
}

/** Kafka also accepts the class names of its own assignors. */
function assignorName(name: string): string {
  if (name.endsWith('.UniformAssignor')) return 'uniform';
  return name.endsWith('.RangeAssignor') ? 'range' : name;
}

function migrationPolicy(text: string): GroupConfig['consumer']['migrationPolicy'] {
  const policy = text.toLowerCase();
  return policy === 'disabled' || policy === 'upgrade' || policy === 'downgrade' ? policy : 'bidirectional';
}

/**
 * The settings of one group. Its own values (`kafka-configs --entity-type groups`) override the broker's, but are kept within
 * the broker's current bounds.
 */
function groupSettings(config: NodeConfig, groupId: string, image: MetadataImage): GroupSettings {
  const own = image.configs.get(resourceType.group, groupId);
  const clamped = (key: string, brokers: number, least: number, most: number): number => {
    const text = own.get(key);
    return text === undefined ? brokers : Math.max(least, Math.min(Number(text), most));
  };
  return {
    sessionTimeoutMs: clamped(
      'consumer.session.timeout.ms',
      config.get('group.consumer.session.timeout.ms'),
      config.get('group.consumer.min.session.timeout.ms'),
      config.get('group.consumer.max.session.timeout.ms'),
    ),
    heartbeatIntervalMs: clamped(
      'consumer.heartbeat.interval.ms',
      config.get('group.consumer.heartbeat.interval.ms'),
      config.get('group.consumer.min.heartbeat.interval.ms'),
      config.get('group.consumer.max.heartbeat.interval.ms'),
    ),
    assignmentIntervalMs: clamped(
      'consumer.assignment.interval.ms',
      config.get('group.consumer.assignment.interval.ms'),
      config.get('group.consumer.min.assignment.interval.ms'),
      config.get('group.consumer.max.assignment.interval.ms'),
    ),
  };
}
