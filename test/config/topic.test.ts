import { expect, test } from 'vitest';
import { longMax } from '../../src/config/define.ts';
import { belowGroup, ConfigSource, describeEntity, describeTopic } from '../../src/config/describe.ts';
import { NodeConfig } from '../../src/config/node-config.ts';
import { clientMetricsProperties, groupProperties } from '../../src/config/tables/entities.ts';
import { topicConfig, validateTopicConfig } from '../../src/config/topic.ts';

const node = (extra = '') =>
  NodeConfig.parse(`process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
${extra}`);
const of = (values: Record<string, string>) => new Map(Object.entries(values));

test("a topic's own values override dynamic ones, which override those of the file", () => {
  const config = node('log.segment.bytes=2097152\nlog.retention.minutes=10\nlog.roll.hours=2\n');
  expect(topicConfig(new Map(), config)).toMatchObject({
    segmentBytes: 2_097_152,
    retentionMs: 600_000,
    segmentMs: 7_200_000,
    flushMs: longMax,
    cleanupPolicy: { delete: true, compact: false },
    minInsyncReplicas: 1,
    messageTimestampAfterMaxMs: 3_600_000,
  });
  config.applyDynamic(of({ 'log.retention.ms': '5', 'min.insync.replicas': '2' }), new Map());
  expect(
    topicConfig(of({ 'min.insync.replicas': '3', 'cleanup.policy': 'compact,delete' }), config),
  ).toMatchObject({
    retentionMs: 5,
    minInsyncReplicas: 3,
    cleanupPolicy: { delete: true, compact: true },
  });
});

test('log.retention.hours=-1 means no limit; an unparsable value counts as not set', () => {
  expect(topicConfig(of({ 'segment.bytes': 'x' }), node('log.retention.hours=-1'))).toMatchObject({
    retentionMs: -1,
    segmentBytes: 1_073_741_824,
  });
  expect(topicConfig(of({ 'internal.segment.bytes': '100' }), node()).segmentBytes).toBe(100);
});

test('invalid values are refused with messages of Kafka 4.3.1', () => {
  const wrong = (values: Record<string, string>) => {
    try {
      validateTopicConfig(of(values), node());
      return 'fine';
    } catch (problem) {
      return (problem as Error).message;
    }
  };
  expect(wrong({ 'retention.ms': '-1', 'cleanup.policy': '' })).toBe('fine');
  expect(wrong({ nosuch: '1' })).toBe('Unknown topic config name: nosuch');
  expect(wrong({ 'segment.bytes': '10' })).toBe(
    'Invalid value 10 for configuration segment.bytes: Value must be at least 1048576',
  );
  expect(wrong({ 'retention.ms': '-5' })).toBe(
    'Invalid value -5 for configuration retention.ms: Value must be at least -1',
  );
  expect(wrong({ 'cleanup.policy': 'none' })).toBe(
    'Invalid value none for configuration cleanup.policy: String must be one of: compact, delete',
  );
  expect(wrong({ 'cleanup.policy': 'delete,delete' })).toBe('fine');
  expect(wrong({ 'cleanup.policy': 'delete,' })).toBe(
    "Configuration 'cleanup.policy' values must not be empty.",
  );
  expect(wrong({ 'leader.replication.throttled.replicas': '0:1,a' })).toBe(
    "Invalid value [0:1, a] for configuration leader.replication.throttled.replicas: leader.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
  );
  expect(wrong({ 'min.compaction.lag.ms': '2', 'max.compaction.lag.ms': '1' })).toBe(
    'conflict topic config setting min.compaction.lag.ms (2) > max.compaction.lag.ms (1)',
  );
});

test('each described value has its source and synonyms', () => {
  const entries = new Map(
    describeTopic(of({ 'retention.ms': '60000' }), node('log.segment.bytes=1073741824\n'), null).map((e) => [
      e.name,
      e,
    ]),
  );
  expect(entries.get('retention.ms')).toMatchObject({
    value: '60000',
    source: 1,
    type: 5,
    synonyms: [{ name: 'retention.ms', source: 1 }],
  });
  expect(entries.get('segment.bytes')).toMatchObject({
    value: '1073741824',
    source: 4,
    synonyms: [
      { name: 'log.segment.bytes', source: 4 },
      { name: 'log.segment.bytes', source: 5 },
    ],
  });
  expect(entries.get('segment.ms')).toMatchObject({ value: '604800000', source: 5, synonyms: [] });
  expect(entries.get('flush.ms')).toMatchObject({ value: '9223372036854775807', synonyms: [] });
  expect(entries.has('internal.segment.bytes')).toBe(false);
});

test("a group's value has the broker's as synonym, a client metrics subscription's has none", () => {
  const group = (own: ReadonlyMap<string, string>, config = node()) =>
    describeEntity(groupProperties, own, ConfigSource.group, ['consumer.session.timeout.ms'], (key) =>
      belowGroup(config, key),
    )[0];
  const layer = { name: 'group.consumer.session.timeout.ms', value: '45000', source: 5 };
  expect(group(new Map())).toMatchObject({ value: '45000', source: 5, synonyms: [layer] });
  expect(group(new Map([['consumer.session.timeout.ms', '50000']]))).toMatchObject({
    value: '50000',
    source: 8,
    synonyms: [{ name: 'consumer.session.timeout.ms', value: '50000', source: 8 }, layer],
  });
  // As Kafka 4.3.1 answers with that in the properties file.
  const file = { ...layer, value: '50000', source: 4 };
  expect(group(new Map(), node('group.consumer.session.timeout.ms=50000'))).toMatchObject({
    value: '50000',
    source: 4,
    synonyms: [file, layer],
  });
  const metrics = (own: ReadonlyMap<string, string>) =>
    describeEntity(clientMetricsProperties, own, ConfigSource.clientMetrics, ['interval.ms'])[0];
  expect(metrics(new Map())).toMatchObject({ value: '300000', source: 5, synonyms: [] });
  expect(metrics(new Map([['interval.ms', '100']]))).toMatchObject({
    value: '100',
    source: 7,
    synonyms: [{ name: 'interval.ms', value: '100', source: 7 }],
  });
});

test('a list is described without blanks, also among the synonyms', () => {
  const config = NodeConfig.parse(
    'process.roles=controller\nnode.id=1\ncontroller.listener.names=C\nlisteners=C://:1\ncontroller.quorum.voters=1@h:1',
  );
  const entry = describeTopic(new Map([['cleanup.policy', 'delete , compact']]), config, [
    'cleanup.policy',
  ])[0];
  expect(entry).toMatchObject({
    value: 'delete,compact',
    synonyms: [{ value: 'delete,compact', source: 1 }, { source: 5 }],
  });
});
