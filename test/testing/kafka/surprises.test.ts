/**
 * Cases that would surprise a user: a wait for something that can't happen, a fault that ends in another way than announced, a
 * function of the user's test that throws.
 */
import { Partitioners, type Producer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

let kafka: TestKafka;
let lines: string[] = [];

beforeAll(async () => {
  kafka = await startKafka({
    where: 'here',
    topics: { orders: 2 },
    timeout: '10s',
    log: (line) => lines.push(line),
    onRequest: ({ clientId }) => {
      if (clientId === 'watched') throw new Error('the test fails');
    },
  });
});

beforeEach(async () => {
  await kafka.reset();
  lines = [];
});

afterAll(() => kafka.close());

async function withProducer(
  work: (producer: Producer) => Promise<void>,
  clientId = 'app',
  requestTimeout = 2_000,
): Promise<void> {
  const producer = kafkaJs(kafka, clientId, requestTimeout).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  await work(producer);
  await producer.disconnect();
}

const messages = (...values: string[]): { value: string; partition: number }[] =>
  values.map((value) => ({ value, partition: 0 }));
const valuesOf = async (): Promise<(string | null)[]> =>
  (await kafka.read('orders')).map(({ value }) => value);

describe('a fault', () => {
  test('that drops a response does not delay the responses after it', async () => {
    kafka.fault({ api: 'Produce', drop: true });
    await withProducer(
      async (producer) => void (await producer.send({ topic: 'orders', messages: messages('one') })),
      'app',
      200,
    );
    expect(await valuesOf()).toEqual(['one', 'one']);
  });

  test('with a delay or after the append also applies to disconnects and to requests with acks=0', async () => {
    await withProducer(async (producer) => {
      const late = kafka.fault({ api: 'Produce', disconnect: true, delay: 40 });
      const before = performance.now();
      await producer.send({ topic: 'orders', messages: messages('late') });
      expect(performance.now() - before).toBeGreaterThanOrEqual(39);
      expect(late.hits).toBe(1);
      const silent = kafka.fault({ api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', after: true });
      await producer.send({ topic: 'orders', acks: 0, messages: messages('silent') });
      await silent.wait();
    });
    await kafka.wait.offsets('orders', 2);
    expect(await valuesOf()).toEqual(['late', 'silent']);
  });

  test('of one partition is sent at once, although the other partitions wait for records', async () => {
    const consumer = kafkaJs(kafka).consumer({ groupId: 'g', maxWaitTimeInMs: 60_000 });
    const fault = kafka.fault({ api: 'Fetch', partition: 1, error: 'NOT_LEADER_OR_FOLLOWER' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders' });
    await consumer.run({ eachMessage: () => Promise.resolve() });
    await fault.wait();
    await kafka.wait.until(() => /Fetch .* NOT_LEADER_OR_FOLLOWER/.test(String(kafka.requests)));
    kafka.network.disconnectClients();
    await consumer.disconnect();
  });

  test('that cannot apply to so many requests makes the wait fail at once', async () => {
    const fault = kafka.fault({ api: 'Produce', observe: true, times: 1 });
    await expect(fault.wait(2)).rejects.toThrow(/never happens: the fault .*so far it met 0, and times is 1/);
    const waiting = expect(fault.wait()).rejects.toThrow(/so far it met 0, and it is over/);
    await kafka.reset();
    await waiting;
    expect(fault.isOver).toBe(true);
  });

  test('shows its error in the timeline, wherever in the response it is', async () => {
    kafka.fault({ api: 'AddPartitionsToTxn', error: 'CONCURRENT_TRANSACTIONS' });
    const options = { transactionalId: 'tx', idempotent: true, maxInFlightRequests: 1 };
    const producer = kafkaJs(kafka).producer(options);
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'orders', messages: messages('one') });
    await transaction.commit();
    await producer.disconnect();
    expect(String(kafka.requests)).toMatch(/AddPartitionsToTxn .*-> CONCURRENT_TRANSACTIONS/);
  });
});

describe('a function of a test', () => {
  test('that throws is named in the log; a request that it selects gets an error, others are handled', async () => {
    await withProducer(async (producer) => {
      await producer.send({ topic: 'orders', messages: messages('one') });
    }, 'watched');
    expect(lines.join()).toMatch(/\[test\] onRequest threw: Error: the test fails/);
    const where = (): boolean => {
      throw new Error('no such field');
    };
    kafka.fault({ api: 'ListGroups', where, observe: true });
    const admin = kafkaJs(kafka).admin();
    await admin.connect();
    await expect(admin.listGroups()).rejects.toThrow(/unexpected error/);
    expect(lines.join()).toMatch(/\[test\] where of a fault threw: no such field/);
    await admin.disconnect();
  });

  test.each([
    ['throws', () => Promise.reject(new Error('boom')), /ListGroups threw: boom/],
    ['returns nothing', () => undefined, /returned undefined; expected are the fields/],
    ['returns another word', () => 'clsoe', /returned "clsoe"; expected/],
    ['leaves a field out', () => ({}), /ListGroupsResponse\.errorCode is missing/],
    ['misspells a field', () => ({ errorcode: 0, groups: [] }), /has no field 'errorcode'; fields are/],
    [
      'misspells an inner one',
      () => ({ errorCode: 0, groups: [{ group: 'g' }] }),
      /groups has no field 'group'/,
    ],
    ['gives a wrong value', () => ({ errorCode: 'x', groups: [] }), /errorCode: x is not an int16/],
  ])('that makes a response and %s is named in the log', async (_name, control, message) => {
    kafka.on('ListGroups', control as never);
    const admin = kafkaJs(kafka).admin();
    await admin.connect();
    await expect(admin.listGroups()).rejects.toThrow(/unexpected error/);
    expect(lines.join()).toMatch(message);
    await admin.disconnect();
  });

  test('that passes all requests on changes nothing, also with acks=0 and errors', async () => {
    for (const api of ['Produce', 'Metadata', 'CreateTopics', 'ApiVersions'])
      kafka.on(api, (_request, next) => next());
    await withProducer(async (producer) => {
      await producer.send({ topic: 'orders', acks: 0, messages: messages('one') });
      await producer.send({ topic: 'orders', messages: messages('two') });
    });
    const admin = kafkaJs(kafka).admin();
    await admin.connect();
    await expect(admin.createTopics({ topics: [{ topic: 'bad name' }] })).rejects.toThrow();
    await admin.disconnect();
    expect(await valuesOf()).toEqual(['one', 'two']);
  });
});

describe('a topic or partition that does not exist', () => {
  test('is an error of leader(), read() and produce(), and is awaited with a count', async () => {
    await expect(kafka.leader('nope')).rejects.toThrow('There is no partition nope-0.');
    await expect(kafka.read('nope')).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION: There is no topic nope/);
    await expect(kafka.produce('orders', [{ value: 'x', partition: 7 }])).rejects.toThrow(
      'There is no partition 7: orders has 2 partitions.',
    );
    const reading = kafka.read('soon', { count: 1 });
    const counting = kafka.wait.offsets('soon', 1);
    await kafka.createTopic('soon', { records: ['here'] });
    expect(await reading).toMatchObject([{ value: 'here' }]);
    await counting;
  });

  test('is named in the error of a wait for it', async () => {
    const soon = { timeout: 1_000 };
    await expect(kafka.wait.inSync('nope', soon)).rejects.toThrow(/Last seen: there is no topic nope/);
    await expect(kafka.wait.leader('orders', 5, soon)).rejects.toThrow(/there is no partition orders-5/);
    await expect(kafka.wait.offsets('nope', 1, soon)).rejects.toThrow(/There is no topic nope/);
    await expect(kafka.read('nope', { count: 1, ...soon })).rejects.toThrow(/There is no topic nope/);
  });

  test('produce() fails when too few replicas are in sync, and does not append the record later', async () => {
    await using copy = await startKafka({
      where: 'here',
      nodes: 3,
      topics: { safe: { configs: { 'min.insync.replicas': '3' } } },
      timeout: '3s',
      log: 'silent',
    });
    const leader = await copy.leader('safe');
    await copy.node((leader.id % 3) + 1).stop();
    await expect(copy.produce('safe', ['one'])).rejects.toThrow(
      /NOT_ENOUGH_REPLICAS: .*1 records are written to safe/,
    );
  });
});
