/**
 * Consumer group lag in /metrics of two nodes, for partitions of which the group's coordinator has a replica and for others.
 */
import { afterAll, expect, onTestFailed, test } from 'vitest';
import { metricRows } from '../../../src/telemetry/metrics.ts';
import { bytesOf, createTopic, freePorts, producerOf, until, Workshop } from './harness.ts';

const workshop = new Workshop();
afterAll(() => workshop.close());

test('kafka_consumergroup_lag is right on both nodes, wherever the partitions are', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const metricsPorts = await freePorts(2);
  const nodes = await workshop.nodes(2, {
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    'group.initial.rebalance.delay.ms': 0,
  });
  await workshop.format(nodes);
  const servers = nodes.map(({ properties }, i) =>
    workshop.tool('kafka-server-start', properties, '--override', `metrics.port=${metricsPorts[i]}`),
  );
  for (const server of servers) await server.says('Kafka Server started');
  const client = workshop.client(...nodes);
  const bootstrap = nodes.map(({ broker }) => `localhost:${broker.port}`).join(',');
  // The metrics of quotas are shown for clients that have a quota.
  const quotas = [
    'producer_byte_rate=100000000',
    'consumer_byte_rate=100000000',
    'request_percentage=200',
    'controller_mutation_rate=1000',
  ].join();
  const quotaOfAll = ['--entity-type', 'clients', '--entity-default', '--alter', '--add-config', quotas];
  const configs = workshop.tool('kafka-configs', '--bootstrap-server', bootstrap, ...quotaOfAll);
  expect((await configs.ended).status).toBe(0);
  // Whichever node is the group's coordinator, one of these two topics has no replica on it.
  for (const id of [1, 2]) await createTopic(client, `on-${id}`, 1, [id]);
  const producer = producerOf(client);
  const produce = async (count: number): Promise<void> => {
    for (const topic of ['on-1', 'on-2'])
      for (let i = 0; i < count; i++) await producer.send({ topic, partition: 0, value: bytesOf('x') });
  };
  await produce(5);
  const read = ['--from-beginning', '--group', 'readers', '--max-messages', '10', '--include', 'on-.*'];
  const consumer = workshop.tool('kafka-console-consumer', '--bootstrap-server', bootstrap, ...read);
  expect((await consumer.ended).status).toBe(0);
  await produce(7);
  const lines = async (): Promise<string[]> => {
    const pages = metricsPorts.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
    return (await Promise.all(pages)).join('\n').split('\n');
  };
  const seen = await until('the lag of both topics', async () => {
    const found = (await lines()).filter((line) => line.startsWith('kafka_consumergroup_lag{'));
    return found.length === 2 && found.every((line) => line.endsWith(' 7')) ? found : null;
  });
  expect([...seen].sort()).toEqual([
    'kafka_consumergroup_lag{consumergroup="readers",topic="on-1",partition="0"} 7',
    'kafka_consumergroup_lag{consumergroup="readers",topic="on-2",partition="0"} 7',
  ]);
  expect(await lines()).toContain('kafka_consumergroup_members{consumergroup="readers"} 0');
  const named = new Set((await lines()).flatMap((line) => /^# TYPE (\S+)/.exec(line)?.[1] ?? []));
  expect(Object.keys(metricRows).filter((name) => !named.has(name))).toEqual([]);
});
