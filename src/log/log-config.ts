/**
 * The configuration of a log: that of its topic, which `config/topic.ts` makes. The defaults here are Kafka's, for tests and
 * tools.
 */
import type { TopicConfig } from '../config/topic.ts';

export type LogConfig = TopicConfig;

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1073741824,
  segmentMs: 604800000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10485760,
  retentionMs: 604800000,
  retentionBytes: -1,
  cleanupPolicy: { delete: true, compact: false },
  minInsyncReplicas: 1,
  maxMessageBytes: 1048588,
  compressionType: 'producer',
  compressionGzipLevel: -1,
  compressionLz4Level: 9,
  compressionZstdLevel: 3,
  indexIntervalBytes: 4096,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: 3600000,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  fileDeleteDelayMs: 60000,
  minCleanableDirtyRatio: 0.5,
  deleteRetentionMs: 86400000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  preallocate: false,
};
