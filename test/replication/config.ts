import type { TopicConfig } from '../../src/config/topic.ts';
import { defaultLogConfig } from '../../src/log/log-config.ts';

export type { TopicConfig };

/** Kafka's defaults with the given min.insync.replicas. */
export function resolveTopicConfig(minInsyncReplicas: number): TopicConfig {
  return {
    ...defaultLogConfig,
    compressionType: 'producer',
    messageTimestampType: 'CreateTime',
    minInsyncReplicas,
    compressionGzipLevel: -1,
    compressionLz4Level: 9,
    compressionZstdLevel: 3,
    uncleanLeaderElectionEnable: false,
    preallocate: false,
  };
}
