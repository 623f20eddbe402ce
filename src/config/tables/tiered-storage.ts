/**
 * Properties of tiered storage, which is not implemented: the keys have no effect, and a node refuses to start with
 * `remote.log.storage.system.enable=true`. Defaults, bounds and update modes are those of Apache Kafka 4.3.1; `define.ts`
 * explains the columns.
 */
import {
  bool,
  double,
  int,
  long,
  longMax,
  mebibytes,
  minutes,
  seconds,
  string,
  stringOrNull,
} from '../define.ts';
import { nonEmptyString } from '../checks.ts';

export const tieredStorageProperties = {
  'follower.fetch.last.tiered.offset.enable': bool(false, { update: 'cluster-wide' }),
  'log.local.retention.bytes': long(-2, { min: -2, update: 'cluster-wide' }),
  'log.local.retention.ms': long(-2, { min: -2, update: 'cluster-wide' }),
  'remote.fetch.max.wait.ms': int(500, { min: 1, update: 'cluster-wide' }),
  'remote.list.offsets.request.timeout.ms': long(seconds(30), { min: 1, update: 'cluster-wide' }),
  'remote.log.index.file.cache.total.size.bytes': long(mebibytes(1024), {
    min: 1,
    importance: 'low',
    update: 'cluster-wide',
  }),
  'remote.log.index.file.cache.ttl.ms': long(minutes(15), { min: -1, importance: 'low', internal: true }),
  'remote.log.manager.copier.thread.pool.size': int(10, { min: 1, update: 'cluster-wide' }),
  'remote.log.manager.copy.max.bytes.per.second': long(longMax, { min: 1, update: 'cluster-wide' }),
  'remote.log.manager.copy.quota.window.num': int(11, { min: 1 }),
  'remote.log.manager.copy.quota.window.size.seconds': int(1, { min: 1 }),
  'remote.log.manager.expiration.thread.pool.size': int(10, { min: 1, update: 'cluster-wide' }),
  'remote.log.manager.fetch.max.bytes.per.second': long(longMax, { min: 1, update: 'cluster-wide' }),
  'remote.log.manager.fetch.quota.window.num': int(11, { min: 1 }),
  'remote.log.manager.fetch.quota.window.size.seconds': int(1, { min: 1 }),
  'remote.log.manager.follower.thread.pool.size': int(2, { min: 1, update: 'cluster-wide' }),
  'remote.log.manager.task.interval.ms': long(seconds(30), { min: 1, importance: 'low' }),
  'remote.log.manager.task.retry.backoff.max.ms': long(seconds(30), {
    min: 1,
    importance: 'low',
    internal: true,
  }),
  'remote.log.manager.task.retry.backoff.ms': long(500, { min: 1, importance: 'low', internal: true }),
  'remote.log.manager.task.retry.jitter': double(0.2, {
    min: 0,
    max: 0.5,
    importance: 'low',
    internal: true,
  }),
  'remote.log.manager.thread.pool.size': int(2, { min: 1 }),
  'remote.log.metadata.custom.metadata.max.bytes': int(128, { min: 0, importance: 'low' }),
  'remote.log.metadata.manager.class.name': string(
    'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager',
    { check: nonEmptyString, valid: 'non-empty string' },
  ),
  'remote.log.metadata.manager.class.path': stringOrNull(),
  'remote.log.metadata.manager.impl.prefix': string('rlmm.config.', {
    check: nonEmptyString,
    valid: 'non-empty string',
  }),
  'remote.log.metadata.manager.listener.name': stringOrNull({
    check: nonEmptyString,
    valid: 'non-empty string',
  }),
  'remote.log.reader.max.pending.tasks': int(100, { min: 1 }),
  'remote.log.reader.threads': int(10, { min: 1, update: 'cluster-wide' }),
  'remote.log.storage.manager.class.name': stringOrNull({ check: nonEmptyString, valid: 'non-empty string' }),
  'remote.log.storage.manager.class.path': stringOrNull(),
  'remote.log.storage.manager.impl.prefix': string('rsm.config.', {
    check: nonEmptyString,
    valid: 'non-empty string',
  }),
  'remote.log.storage.system.enable': bool(false),
};
