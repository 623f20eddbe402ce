/**
 * Properties of quotas, metrics and policies, and all that fit nowhere else, one row each. Defaults, bounds and update modes
 * are those of Apache Kafka 4.3.1; `define.ts` explains the columns.
 */
import { guardClass } from '../checks.ts';
import {
  bool,
  classOrNull,
  int,
  intOrNull,
  list,
  long,
  longMax,
  mebibytes,
  minutes,
  seconds,
  string,
} from '../define.ts';

export const operationsProperties = {
  'alter.config.policy.class.name': classOrNull({
    check: guardClass('every change of configuration would be accepted'),
    importance: 'low',
    doc: 'Java class that may refuse changes of configuration.',
  }),
  'alter.log.dirs.replication.quota.window.num': int(11, {
    effect: 'none',
    min: 1,
    importance: 'low',
    doc: 'Number of samples from which the rate of moves between directories is computed.',
  }),
  'alter.log.dirs.replication.quota.window.size.seconds': int(1, {
    effect: 'none',
    min: 1,
    importance: 'low',
    doc: 'Length of a sample of the rate of moves between directories.',
  }),
  'client.quota.callback.class': classOrNull({
    check: guardClass('clients would have other quotas'),
    importance: 'low',
    doc: 'Java class that decides about quotas.',
  }),
  'config.providers': list([], {
    importance: 'low',
    update: 'cluster-wide',
    effect: 'honoured',
    doc: 'Names of providers that replace ${provider:path:key} in values of the properties file: FileConfigProvider, DirectoryConfigProvider, EnvVarConfigProvider. Not in dynamic configuration.',
  }),
  'controller.performance.always.log.threshold.ms': long(seconds(2), {
    effect: 'none',
    min: 0,
    internal: true,
  }),
  'controller.performance.sample.period.ms': long(minutes(1), { effect: 'none', min: 100, internal: true }),
  'controller.quota.window.num': int(11, {
    effect: 'honoured',
    min: 1,
    importance: 'low',
    doc: 'Number of samples from which the rate of topic changes is computed.',
  }),
  'controller.quota.window.size.seconds': int(1, {
    effect: 'honoured',
    min: 1,
    importance: 'low',
    doc: 'Length of a sample of the rate of topic changes.',
  }),
  'create.topic.policy.class.name': classOrNull({
    check: guardClass('every topic would be created'),
    importance: 'low',
    doc: 'Java class that may refuse new topics.',
  }),
  'internal.metadata.delete.delay.millis': long(60_000, {
    effect: 'none',
    importance: 'low',
    internal: true,
  }),
  'internal.metadata.log.segment.bytes': intOrNull({ effect: 'none', importance: 'low', internal: true }),
  'internal.metadata.max.batch.size.in.bytes': int(mebibytes(8), {
    effect: 'none',
    importance: 'low',
    internal: true,
  }),
  'kafka.metrics.polling.interval.secs': int(10, {
    min: 1,
    importance: 'low',
    effect: 'none',
    doc: 'How often Java metrics are read.',
  }),
  'kafka.metrics.reporters': list([], {
    importance: 'low',
    effect: 'none',
    doc: 'Java classes that get the metrics.',
  }),
  'metric.reporters': list(['org.apache.kafka.common.metrics.JmxReporter'], {
    importance: 'low',
    update: 'cluster-wide',
    effect: 'none',
    doc: 'Java classes that get the metrics.',
  }),
  'metrics.num.samples': int(2, {
    min: 1,
    importance: 'low',
    effect: 'none',
    doc: 'Number of samples of Java metrics.',
  }),
  'metrics.recording.level': string('INFO', {
    importance: 'low',
    effect: 'none',
    doc: 'Level of Java metrics.',
  }),
  'metrics.sample.window.ms': long(seconds(30), {
    min: 1,
    importance: 'low',
    effect: 'none',
    doc: 'Length of a sample of Java metrics.',
  }),
  'quota.window.num': int(11, {
    effect: 'honoured',
    min: 1,
    importance: 'low',
    doc: 'Number of samples from which the rate of a quota is computed.',
  }),
  'quota.window.size.seconds': int(1, {
    effect: 'honoured',
    min: 1,
    importance: 'low',
    doc: "Length of a sample of a quota's rate.",
  }),
  'replication.quota.window.num': int(11, {
    effect: 'none',
    min: 1,
    importance: 'low',
    doc: 'Number of samples from which the rate of a replication quota is computed.',
  }),
  'replication.quota.window.size.seconds': int(1, {
    effect: 'none',
    min: 1,
    importance: 'low',
    doc: "Length of a sample of a replication quota's rate.",
  }),
  'server.max.startup.time.ms': long(longMax, {
    effect: 'honoured',
    min: 0,
    internal: true,
    doc: 'A start that takes longer than this is aborted.',
  }),
  'telemetry.max.bytes': int(mebibytes(1), {
    min: 1,
    importance: 'low',
    effect: 'honoured',
    doc: 'Largest batch of metrics that a client may push.',
  }),
  'unstable.api.versions.enable': bool(false, {
    importance: 'high',
    internal: true,
    effect: 'honoured',
    doc: 'Serves and offers the versions that Kafka 4.4 added as well: ApiVersions 5, TxnOffsetCommit 6, DeleteGroups 3.',
  }),
  'unstable.feature.versions.enable': bool(false, {
    importance: 'high',
    internal: true,
    effect: 'none',
    doc: 'Offers versions of features that are still being developed.',
  }),
};
