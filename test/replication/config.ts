import type { TopicConfig } from '../../src/config/topic.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';

export type { TopicConfig };

/** The topic configuration with Kafka's defaults and this min.insync.replicas. */
export function resolveTopicConfig(minInsyncReplicas: number): TopicConfig {
  return {
    ...defaultLogConfig,
    compressionType: 'producer',
    messageTimestampType: 'CreateTime',
    minInsyncReplicas,
    compressionGzipLevel: -1,
    compressionLz4Level: 9,
    compressionZstdLevel: 3,
    preallocate: false,
  };
}
