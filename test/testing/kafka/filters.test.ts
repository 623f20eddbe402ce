/**
 * Each filter of a fault is tested with a request of a stock client that fits it and one that does not. Each wait is tested
 * before and after its condition is true.
 */
import { type Consumer, type Kafka, Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultFilter, startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';
import { systemClock, systemScheduler } from '../../../src/adapters/clock.ts';
import { connectTcp } from '../../../src/adapters/tcp-network.ts';
import { KafkaClient } from '../../../src/client/kafka-client.ts';
import {
  ConsumerGroupHeartbeatRequest,
  ConsumerGroupHeartbeatResponse,
} from '../../../src/protocol/messages/groups/68-consumer-group-heartbeat.ts';
import { kafkaJs } from './kafkajs.ts';

let kafka: TestKafka;
let app: Kafka;
let producer: Producer;
let other: Producer;

beforeAll(async () => {
  const topics = { orders: { partitions: 2, replicas: 2 }, other: { partitions: 2, replicas: 2 } };
  kafka = await startKafka({ where: 'here', nodes: 2, topics, log: 'silent' });
  await kafka.moveLeader('orders', 0, 1);
  await kafka.moveLeader('orders', 1, 2);
  app = kafkaJs(kafka, 'app');
  producer = app.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  other = kafkaJs(kafka, 'other').producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await Promise.all([producer.connect(), other.connect()]);
});

afterAll(async () => {
  await Promise.all([producer.disconnect(), other.disconnect()]);
  await kafka.close();
});

const send = (topic: string, partition: number, from: Producer = producer): Promise<unknown> =>
  from.send({ topic, messages: [{ value: 'x', partition }] });

async function transaction(transactionalId: string): Promise<void> {
  const made = kafkaJs(kafka).producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 });
  await made.connect();
  const running = await made.transaction();
  await running.send({ topic: 'orders', messages: [{ value: 'x', partition: 0 }] });
  await running.commit();
  await made.disconnect();
}

async function describeGroup(id: string): Promise<void> {
  const admin = app.admin();
  await admin.connect();
  await admin.describeGroups([id]);
  await admin.disconnect();
}

/** Each filter, with an action whose request fits it and one whose request does not. */
const filters: Readonly<
  Record<string, { filter: FaultFilter; fits: () => Promise<unknown>; fitsNot: () => Promise<unknown> }>
> = {
  api: {
    filter: { api: 'DescribeGroups' },
    fits: () => describeGroup('g'),
    fitsNot: () => send('orders', 0),
  },
  'one of several apis': {
    filter: { api: ['Fetch', 'Produce'] },
    fits: () => send('orders', 0),
    fitsNot: () => describeGroup('g'),
  },
  node: {
    filter: { api: 'Produce', node: 2 },
    fits: () => send('orders', 1),
    fitsNot: () => send('orders', 0),
  },
  topic: {
    filter: { api: 'Produce', topic: 'orders' },
    fits: () => send('orders', 0),
    fitsNot: () => send('other', 0),
  },
  partition: {
    filter: { api: 'Produce', partition: 1 },
    fits: () => send('orders', 1),
    fitsNot: () => send('orders', 0),
  },
  group: {
    filter: { group: 'billing' },
    fits: () => describeGroup('billing'),
    fitsNot: () => describeGroup('shipping'),
  },
  'transactional id': {
    filter: { transactionalId: 'tx-1', api: ['InitProducerId', 'AddPartitionsToTxn', 'EndTxn'] },
    fits: () => transaction('tx-1'),
    fitsNot: () => transaction('tx-2'),
  },
  'client id': {
    filter: { clientId: 'other' },
    fits: () => send('orders', 0, other),
    fitsNot: () => send('orders', 0),
  },
  predicate: {
    filter: { where: ({ body }) => (body as { acks?: number }).acks === 0 },
    fits: () => producer.send({ topic: 'orders', acks: 0, messages: [{ value: 'x', partition: 0 }] }),
    fitsNot: () => send('orders', 0),
  },
};

describe('a filter by', () => {
  test.each(Object.entries(filters))('%s selects exactly the requests that match', async (_name, row) => {
    using fault = kafka.fault({ ...row.filter, observe: true, times: Number.POSITIVE_INFINITY });
    await row.fitsNot();
    expect(fault.hits).toBe(0);
    await row.fits();
    await fault.wait();
    expect(fault.hits).toBeGreaterThan(0);
  });

  test('transactional id selects every request of a transaction', async () => {
    using fault = kafka.fault({ transactionalId: 'tx-3', observe: true, times: Number.POSITIVE_INFINITY });
    await transaction('tx-3');
    const apis = new Set(fault.requests.map(({ api }) => api));
    expect([...apis].sort()).toEqual(
      ['AddPartitionsToTxn', 'EndTxn', 'FindCoordinator', 'InitProducerId', 'Produce'].sort(),
    );
    expect(await kafka.coordinator('transaction', 'tx-3')).toBe(
      kafka.node(fault.requests.find(({ api }) => api === 'EndTxn')?.node ?? 0),
    );
  });
});

describe('a wait', () => {
  const soon = { timeout: 30 };

  test('for the state, members or lag of a group ends when they are reached', async () => {
    await kafka.createTopic('read', { partitions: 1, records: ['one', 'two'] });
    await expect(kafka.wait.group('readers', { members: 1, ...soon })).rejects.toThrow(/readers/);
    const consumer: Consumer = app.consumer({ groupId: 'readers', maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'read', fromBeginning: true });
    await consumer.run({ eachMessage: () => Promise.resolve() });
    await kafka.wait.group('readers', { state: 'Stable', members: 1, topic: 'read', lag: 0 });
    await expect(kafka.wait.group('readers', { members: 2, ...soon })).rejects.toThrow();
    await expect(kafka.wait.group('readers', { state: 'Empty', ...soon })).rejects.toThrow();
    await consumer.disconnect();
    await kafka.wait.group('readers', { state: 'Empty', members: 0 });
    await kafka.produce('read', ['three']);
    await kafka.produce(
      'read',
      Array.from({ length: 4 }, () => 'more'),
    );
    await expect(kafka.wait.group('readers', { topic: 'read', lag: 0, timeout: '1s' })).rejects.toThrow(
      /Last seen: {"state":"Empty","members":0,"lag":5}/,
    );
  });

  test('for the members of a group works with the consumer protocol', async () => {
    const [host = '', port = ''] = kafka.brokers[0]?.split(':') ?? [];
    const ports = { network: { connect: connectTcp }, clock: systemClock, scheduler: systemScheduler };
    const client = new KafkaClient({ bootstrap: [{ host, port: Number(port) }], clientId: 'member' }, ports);
    const join = { groupId: 'new', memberId: 'm', memberEpoch: 0, rebalanceTimeoutMs: 1000 };
    const subscribed = { ...join, subscribedTopicNames: ['orders'], topicPartitions: [] };
    await kafka.coordinator('group', 'new');
    const coordinator = await client.coordinator('new');
    const answer = await client.requestTo(
      coordinator,
      ConsumerGroupHeartbeatRequest,
      ConsumerGroupHeartbeatResponse,
      subscribed,
    );
    expect(answer.errorCode).toBe(0);
    await kafka.wait.group('new', { members: 1 });
    await expect(kafka.wait.group('new', { members: 2, ...soon })).rejects.toThrow(/"members":1/);
    client.close();
  });

  test('for offsets, a condition or a fault ends when they are reached', async () => {
    await kafka.createTopic('counted');
    await expect(kafka.wait.offsets('counted', 2, soon)).rejects.toThrow(/counted/);
    await kafka.produce('counted', ['one', 'two']);
    await kafka.wait.offsets('counted', 2);
    await expect(kafka.wait.until(() => false, { what: 'the impossible', ...soon })).rejects.toThrow(
      /impossible/,
    );
    expect(await kafka.wait.until(() => 7)).toBe(7);
    // The deadline also holds for a condition whose promise never settles.
    await expect(kafka.wait.until(() => new Promise(() => {}), soon)).rejects.toThrow(/Not within 30 ms/);
    using fault = kafka.fault({ clientId: 'nobody', observe: true });
    await expect(fault.wait(1, soon)).rejects.toThrow(/so far it met 0/);
  });

  test('for in-sync replicas or a leader ends when they are there', async () => {
    await kafka.node(2).kill();
    await expect(kafka.wait.leader('orders', 0, { is: 2, ...soon })).rejects.toThrow();
    await expect(kafka.wait.inSync('orders', soon)).rejects.toThrow();
    await kafka.node(2).start();
    await kafka.wait.inSync('orders');
    await kafka.moveLeader('orders', 0, 2);
    expect(await kafka.wait.leader('orders', 0, { not: 1 })).toBe(2);
  });
});
