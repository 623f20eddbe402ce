/**
 * The configuration of a topic as it is in force: the topic's own values, and the broker's for the keys that the topic does not
 * set. Also Kafka's checks of a topic's configuration. Partitions keep the result, a plain object; it is computed anew when the
 * configuration of the topic or the broker changes.
 */
import type { BrokerKey } from './broker-properties.ts';
import { ConfigError, type Property, type PropertyValue, parseValue, type ValuesOf } from './define.ts';
import type { NodeConfig } from './node-config.ts';
import { topicProperties } from './tables/topic.ts';

export type TopicValues = ValuesOf<typeof topicProperties>;
export type TopicKey = keyof TopicValues;
export type TopicOverrides = ReadonlyMap<string, string>;

/** Values in the unit of their key. "No limit" is `longMax` where Kafka has Long.MAX_VALUE, and -1 where Kafka has -1. */
export interface TopicConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean };
  readonly minInsyncReplicas: number;
  readonly maxMessageBytes: number;
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly indexIntervalBytes: number;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly fileDeleteDelayMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly preallocate: boolean;
}

export function isTopicKey(name: string): name is TopicKey {
  return Object.hasOwn(topicProperties, name);
}

/** Returns the value of a key that the topic does not set, from the broker's present configuration. */
export function topicDefault(key: TopicKey, config: NodeConfig): PropertyValue {
  const hour = 3_600_000;
  switch (key) {
    case 'segment.ms':
      return config.get('log.roll.ms') ?? config.get('log.roll.hours') * hour;
    case 'segment.jitter.ms':
      return config.get('log.roll.jitter.ms') ?? config.get('log.roll.jitter.hours') * hour;
    case 'retention.ms': {
      const minutes = config.get('log.retention.minutes');
      const value =
        config.get('log.retention.ms') ??
        (minutes === null ? config.get('log.retention.hours') * hour : minutes * 60_000);
      return value < 0 ? -1 : value;
    }
    case 'flush.ms':
      return config.get('log.flush.interval.ms') ?? config.get('log.flush.scheduler.interval.ms');
    default: {
      const property = topicProperties[key];
      return property.synonym === null
        ? (property.default as PropertyValue)
        : config.get(property.synonym as BrokerKey);
    }
  }
}

/** Returns the value of one key for a topic. Throws `ConfigError` when it is invalid. */
export function topicValue<K extends TopicKey>(
  key: K,
  overrides: TopicOverrides,
  config: NodeConfig,
): TopicValues[K] {
  const text = overrides.get(key);
  const value =
    text === undefined ? topicDefault(key, config) : parseValue(key, topicProperties[key] as Property, text);
  return value as TopicValues[K];
}

/**
 * Returns the value that `text` means for a key of topics; null when it is invalid. The controller accepts no invalid value,
 * but the metadata may have one that another release accepted. It counts as not set.
 */
export function storedTopicValue<K extends TopicKey>(key: K, text: string): TopicValues[K] | null {
  try {
    return parseValue(key, topicProperties[key] as Property, text) as TopicValues[K];
  } catch (error) {
    if (error instanceof ConfigError) return null;
    throw error;
  }
}

/** Checks the whole configuration of a topic as it would be after a change. Throws `ConfigError` with Kafka's message. */
export function validateTopicConfig(overrides: TopicOverrides, config: NodeConfig): void {
  for (const [key, text] of overrides) {
    if (!isTopicKey(key)) throw new ConfigError(`Unknown topic config name: ${key}`);
    parseValue(key, topicProperties[key] as Property, text);
  }
  const [min, max] = [
    topicValue('min.compaction.lag.ms', overrides, config),
    topicValue('max.compaction.lag.ms', overrides, config),
  ];
  if (min > max) {
    throw new ConfigError(
      `conflict topic config setting min.compaction.lag.ms (${min}) > max.compaction.lag.ms (${max})`,
    );
  }
  if (topicValue('remote.storage.enable', overrides, config)) {
    throw new ConfigError(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    );
  }
}

/** Returns the configuration that a partition uses. An invalid value counts as not set. */
export function topicConfig(overrides: TopicOverrides, config: NodeConfig): TopicConfig {
  const get = <K extends TopicKey>(key: K): TopicValues[K] => {
    const text = overrides.get(key);
    const own = text === undefined ? null : storedTopicValue(key, text);
    return own ?? (topicDefault(key, config) as TopicValues[K]);
  };
  const policy = get('cleanup.policy');
  return {
    segmentBytes: get('internal.segment.bytes') ?? get('segment.bytes'),
    segmentMs: get('segment.ms'),
    segmentJitterMs: get('segment.jitter.ms'),
    segmentIndexBytes: get('segment.index.bytes'),
    retentionMs: get('retention.ms'),
    retentionBytes: get('retention.bytes'),
    cleanupPolicy: { delete: policy.includes('delete'), compact: policy.includes('compact') },
    minInsyncReplicas: get('min.insync.replicas'),
    maxMessageBytes: get('max.message.bytes'),
    compressionType: get('compression.type') as TopicConfig['compressionType'],
    compressionGzipLevel: get('compression.gzip.level'),
    compressionLz4Level: get('compression.lz4.level'),
    compressionZstdLevel: get('compression.zstd.level'),
    indexIntervalBytes: get('index.interval.bytes'),
    messageTimestampType: get('message.timestamp.type') as TopicConfig['messageTimestampType'],
    messageTimestampBeforeMaxMs: get('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: get('message.timestamp.after.max.ms'),
    flushMessages: get('flush.messages'),
    flushMs: get('flush.ms'),
    fileDeleteDelayMs: get('file.delete.delay.ms'),
    minCleanableDirtyRatio: get('min.cleanable.dirty.ratio'),
    deleteRetentionMs: get('delete.retention.ms'),
    minCompactionLagMs: get('min.compaction.lag.ms'),
    maxCompactionLagMs: get('max.compaction.lag.ms'),
    preallocate: get('preallocate'),
  };
}
