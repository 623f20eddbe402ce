/**
 * The configuration of a topic, one row for each key. When a topic does not set a key, the value of the broker's property in
 * the row (`synonym`) is used. Defaults and bounds are those of Apache Kafka 4.3.1.
 */
import type { BrokerKey } from '../broker-properties.ts';
import { gzipLevel, throttledReplicas } from '../checks.ts';
import type { Property, PropertyValue } from '../define.ts';
import {
  bool,
  days,
  double,
  hours,
  int,
  intOrNull,
  kibibytes,
  list,
  long,
  longMax,
  mebibytes,
  minutes,
  string,
} from '../define.ts';

export interface TopicProperty<T extends PropertyValue = PropertyValue> extends Property<T> {
  /** The broker's property that gives the value when the topic does not set one; null when there is none. */
  readonly synonym: BrokerKey | null;
}

function topic<T extends PropertyValue>(property: Property<T>, synonym: BrokerKey | null): TopicProperty<T> {
  return { ...property, synonym };
}

export const topicProperties = {
  'cleanup.policy': topic(
    list(['delete'], {
      oneOf: ['compact', 'delete'],
      effect: 'honoured',
      doc: 'What happens to old records: delete, compact (only the last record of each key is kept), or both.',
    }),
    'log.cleanup.policy',
  ),
  'compression.gzip.level': topic(
    int(-1, {
      check: gzipLevel,
      valid: '[1,...,9] or -1',
      effect: 'honoured',
      doc: 'Level used when the broker compresses with gzip.',
    }),
    'compression.gzip.level',
  ),
  'compression.lz4.level': topic(
    int(9, {
      min: 1,
      max: 17,
      effect: 'none',
      doc: 'Level used when the broker compresses with lz4; the lz4 library here has only one level.',
    }),
    'compression.lz4.level',
  ),
  'compression.type': topic(
    string('producer', {
      oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'],
      effect: 'honoured',
      doc: 'Compression of stored batches: `producer` keeps the one that the producer chose.',
    }),
    'compression.type',
  ),
  'compression.zstd.level': topic(
    int(3, {
      min: -131_072,
      max: 22,
      effect: 'honoured',
      doc: 'Level used when the broker compresses with zstd.',
    }),
    'compression.zstd.level',
  ),
  'delete.retention.ms': topic(
    long(days(1), { min: 0, effect: 'honoured', doc: 'How long tombstones of compacted topics are kept.' }),
    'log.cleaner.delete.retention.ms',
  ),
  'file.delete.delay.ms': topic(
    long(minutes(1), {
      min: 0,
      effect: 'honoured',
      doc: 'Time from the decision to delete a file to its removal.',
    }),
    'log.segment.delete.delay.ms',
  ),
  'flush.messages': topic(
    long(longMax, {
      min: 1,
      effect: 'honoured',
      doc: 'Records after which a partition is synced to disk; 1: before each acknowledgement.',
    }),
    'log.flush.interval.messages',
  ),
  'flush.ms': topic(
    long(longMax, { min: 0, effect: 'honoured', doc: 'Time after which a partition is synced to disk.' }),
    'log.flush.interval.ms',
  ),
  'follower.replication.throttled.replicas': topic(
    list([], {
      check: throttledReplicas,
      valid: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
      effect: 'honoured',
      doc: 'Replicas that receive no more than follower.replication.throttled.rate while they follow: partition:broker, or *.',
    }),
    null,
  ),
  'index.interval.bytes': topic(
    int(kibibytes(4), {
      min: 0,
      effect: 'honoured',
      doc: 'Bytes of records between two entries of an index.',
    }),
    'log.index.interval.bytes',
  ),
  'internal.segment.bytes': topic(
    intOrNull({
      internal: true,
      effect: 'honoured',
      doc: 'Segment size without the lower bound of segment.bytes; for tests.',
    }),
    null,
  ),
  'leader.replication.throttled.replicas': topic(
    list([], {
      check: throttledReplicas,
      valid: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
      effect: 'honoured',
      doc: 'Replicas that send no more than leader.replication.throttled.rate while they lead: partition:broker, or *.',
    }),
    null,
  ),
  'local.retention.bytes': topic(long(-2, { min: -2, effect: 'missing' }), 'log.local.retention.bytes'),
  'local.retention.ms': topic(long(-2, { min: -2, effect: 'missing' }), 'log.local.retention.ms'),
  'max.compaction.lag.ms': topic(
    long(longMax, { min: 1, effect: 'honoured', doc: 'Age at which a record has to be compacted.' }),
    'log.cleaner.max.compaction.lag.ms',
  ),
  'max.message.bytes': topic(
    int(1_048_588, {
      min: 0,
      effect: 'honoured',
      doc: 'The largest record batch that is accepted, after compression.',
    }),
    'message.max.bytes',
  ),
  'message.timestamp.after.max.ms': topic(
    long(hours(1), {
      min: 0,
      effect: 'honoured',
      doc: "How far the timestamp of a record may be ahead of the broker's time.",
    }),
    'log.message.timestamp.after.max.ms',
  ),
  'message.timestamp.before.max.ms': topic(
    long(longMax, {
      min: 0,
      effect: 'honoured',
      doc: "How far the timestamp of a record may be behind the broker's time.",
    }),
    'log.message.timestamp.before.max.ms',
  ),
  'message.timestamp.type': topic(
    string('CreateTime', {
      oneOf: ['CreateTime', 'LogAppendTime'],
      effect: 'honoured',
      doc: "Whether records keep the timestamp of the producer (CreateTime) or get the broker's (LogAppendTime).",
    }),
    'log.message.timestamp.type',
  ),
  'min.cleanable.dirty.ratio': topic(
    double(0.5, {
      min: 0,
      max: 1,
      effect: 'honoured',
      doc: 'A partition is compacted when this share of its bytes has not been compacted yet.',
    }),
    'log.cleaner.min.cleanable.ratio',
  ),
  'min.compaction.lag.ms': topic(
    long(0, { min: 0, effect: 'honoured', doc: 'Age before which a record is not compacted.' }),
    'log.cleaner.min.compaction.lag.ms',
  ),
  'min.insync.replicas': topic(
    int(1, {
      min: 1,
      effect: 'honoured',
      doc: 'With acks=all a write is accepted only while at least this many replicas are in sync.',
    }),
    'min.insync.replicas',
  ),
  preallocate: topic(
    bool(false, { effect: 'none', doc: 'Reserves the whole segment file when it is made.' }),
    'log.preallocate',
  ),
  'remote.log.copy.disable': topic(bool(false, { effect: 'missing' }), null),
  'remote.log.delete.on.disable': topic(bool(false, { effect: 'missing' }), null),
  'remote.storage.enable': topic(bool(false, { effect: 'missing' }), null),
  'retention.bytes': topic(
    long(-1, {
      effect: 'honoured',
      doc: 'When a partition is larger than this, its oldest segments are deleted; -1: no limit.',
    }),
    'log.retention.bytes',
  ),
  'retention.ms': topic(
    long(days(7), {
      min: -1,
      effect: 'honoured',
      doc: 'Age at which closed segments are deleted; -1: never.',
    }),
    'log.retention.ms',
  ),
  'segment.bytes': topic(
    int(mebibytes(1024), {
      min: mebibytes(1),
      effect: 'honoured',
      doc: 'Largest size of a segment file; the next batch begins a new one.',
    }),
    'log.segment.bytes',
  ),
  'segment.index.bytes': topic(
    int(mebibytes(10), { min: 4, effect: 'honoured', doc: 'Largest size of an index file.' }),
    'log.index.size.max.bytes',
  ),
  'segment.jitter.ms': topic(
    long(0, {
      min: 0,
      effect: 'honoured',
      doc: 'Random part subtracted from segment.ms, so that not all segments are closed at the same time.',
    }),
    'log.roll.jitter.ms',
  ),
  'segment.ms': topic(
    long(days(7), {
      min: 1,
      effect: 'honoured',
      doc: 'A segment is closed at this age, even when it is not full.',
    }),
    'log.roll.ms',
  ),
  'unclean.leader.election.enable': topic(
    bool(false, {
      effect: 'honoured',
      doc: 'Lets a replica that is not in sync become leader when there is no other; records may be lost.',
    }),
    'unclean.leader.election.enable',
  ),
};
