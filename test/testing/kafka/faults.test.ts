import { Partitioners, type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { batches, checkCrc } from '../../../src/protocol/records/batch.ts';
import { type LoggedRequest, startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

let kafka: TestKafka;
let producer: Producer;

beforeAll(async () => {
  kafka = await startKafka({ where: 'here', nodes: 1, topics: { orders: 2, other: 1 }, log: 'silent' });
  producer = await producerOf('app');
});

afterEach(async () => {
  await producer.disconnect();
  await kafka.reset();
  producer = await producerOf('app');
});

afterAll(async () => {
  await producer.disconnect();
  await kafka.close();
});

async function producerOf(clientId: string): Promise<Producer> {
  const made = kafkaJs(kafka, clientId).producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await made.connect();
  return made;
}

async function send(topic: string, ...values: string[]): Promise<void> {
  await producer.send({ topic, messages: values.map((value) => ({ value, partition: 0 })) });
}

const valuesOf = async (topic: string): Promise<(string | null)[]> =>
  (await kafka.read(topic)).map(({ value }) => value);

/** The error code of each partition in a Produce response. */
function errorsOf(response: unknown): Record<string, number> {
  const { responses } = response as {
    responses: { name: string; partitionResponses: { index: number; errorCode: number }[] }[];
  };
  return Object.fromEntries(
    responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map(({ index, errorCode }) => [`${name}-${index}`, errorCode] as const),
    ),
  );
}

describe('faults on requests', () => {
  test('an error is sent `times` times, then the request is handled', async () => {
    const fault = kafka.fault({ api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', times: 2 });
    await send('orders', 'one');
    expect(fault.hits).toBe(2);
    expect(fault.requests[0]).toMatchObject({ api: 'Produce', clientId: 'app', about: 'orders[0]' });
    expect(kafka.requests.count({ api: 'Produce' })).toBe(3);
    expect(kafka.requests.toString()).toMatch(/Produce v\d+ {2}orders\[0\] {2}-> NOT_LEADER_OR_FOLLOWER/);
    expect(kafka.requests.toString('Produce').split('\n')).toHaveLength(kafka.requests.of('Produce').length);
    expect(await valuesOf('orders')).toEqual(['one']);
  });

  test('an error after the append duplicates records of a producer that is not idempotent', async () => {
    kafka.fault({ api: 'Produce', error: 'REQUEST_TIMED_OUT', after: true });
    await send('orders', 'one');
    expect(await valuesOf('orders')).toEqual(['one', 'one']);
  });

  test('an error after the append duplicates no records of an idempotent producer', async () => {
    const idempotent = kafkaJs(kafka).producer({ idempotent: true, maxInFlightRequests: 1 });
    await idempotent.connect();
    const fault = kafka.fault({ api: 'Produce', error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', after: true });
    await idempotent.send({ topic: 'orders', messages: [{ value: 'one', partition: 0 }] });
    await idempotent.disconnect();
    expect(fault.hits).toBe(1);
    expect(await valuesOf('orders')).toEqual(['one']);
  });

  test('a fault on one partition does not affect the others in the request', async () => {
    const fault = kafka.fault({
      api: 'Produce',
      topic: 'orders',
      partition: 1,
      error: 'NOT_LEADER_OR_FOLLOWER',
    });
    await producer.sendBatch({
      topicMessages: [
        {
          topic: 'orders',
          messages: [
            { value: 'zero', partition: 0 },
            { value: 'one', partition: 1 },
          ],
        },
        { topic: 'other', messages: [{ value: 'else' }] },
      ],
    });
    expect(fault.hits).toBe(1);
    const errors = kafka.requests.of('Produce').map(({ response }) => errorsOf(response));
    // When one partition of a request has failed, kafkajs sends the whole request again.
    expect(errors).toEqual([
      { 'orders-0': 0, 'orders-1': 6, 'other-0': 0 },
      { 'orders-0': 0, 'orders-1': 0, 'other-0': 0 },
    ]);
    expect((await valuesOf('orders')).sort()).toEqual(['one', 'zero', 'zero']);
  });

  test('an error for one topic fails the whole response of an API that has no error codes of partitions', async () => {
    const admin = kafkaJs(kafka).admin();
    await admin.connect();
    kafka.fault({
      api: 'ListPartitionReassignments',
      topic: 'orders',
      error: 'CLUSTER_AUTHORIZATION_FAILED',
    });
    const topics = [
      { topic: 'orders', partitions: [0] },
      { topic: 'other', partitions: [0] },
    ];
    await expect(admin.listPartitionReassignments({ topics })).rejects.toThrow(/[Cc]luster/);
    expect(await admin.listPartitionReassignments({ topics })).toEqual({ topics: [] });
    await admin.disconnect();
  });

  test.each([
    ['topic', { topic: 'other' }],
    ['client id', { clientId: 'somebody' }],
    ['transactional id', { transactionalId: 'tx' }],
    ['api', { api: ['Fetch', 'Heartbeat'] }],
    ['predicate', { where: () => false }],
  ])('a fault whose filter by %s does not match does not affect the request', async (_name, filter) => {
    const fault = kafka.fault({
      api: 'Produce',
      ...filter,
      disconnect: true,
      times: Number.POSITIVE_INFINITY,
    });
    await send('orders', 'one');
    expect(fault.requests.filter(({ api }) => api === 'Produce')).toEqual([]);
  });

  test('a connection can be closed before and after the append', async () => {
    kafka.fault({ api: 'Produce', disconnect: true });
    await send('orders', 'one');
    expect(await valuesOf('orders')).toEqual(['one']);
    kafka.fault({ api: 'Produce', disconnect: true, after: true });
    await send('orders', 'two');
    expect(await valuesOf('orders')).toEqual(['one', 'two', 'two']);
  });

  test('a dropped response is never sent, although the records are appended', async () => {
    const impatient = kafkaJs(kafka, 'impatient').producer({ retry: { retries: 0 } });
    await impatient.connect();
    const fault = kafka.fault({ clientId: 'impatient', api: 'Produce', drop: true });
    let isSent = false;
    const sending = impatient.send({ topic: 'orders', messages: [{ value: 'x' }] }).then(
      () => {
        isSent = true;
      },
      () => {},
    );
    await fault.wait();
    await kafka.wait.offsets('orders', 1);
    expect(isSent).toBe(false);
    kafka.network.disconnectClients({ clientId: 'impatient' });
    await sending;
    expect(isSent).toBe(false);
    await impatient.disconnect();
  });

  test('a response can be delayed and have a throttle time', async () => {
    kafka.fault({ api: 'Produce', delay: '30ms', throttleMs: 7 });
    const before = performance.now();
    await send('orders', 'one');
    expect(performance.now() - before).toBeGreaterThanOrEqual(29);
    expect(kafka.requests.of('Produce')[0]?.response).toMatchObject({ throttleTimeMs: 7 });
  });

  /** For each partition in a Fetch response: whether all its batches are complete and have the right checksum. */
  const intact = ({ response }: LoggedRequest): Record<string, boolean> => {
    const { responses } = response as {
      responses: { topic: string; partitions: { partitionIndex: number; records: Uint8Array | null }[] }[];
    };
    return Object.fromEntries(
      responses.flatMap(({ topic, partitions }) =>
        partitions.map(({ partitionIndex, records }) => {
          const { headers, stop } = batches(records ?? new Uint8Array(0));
          const isWhole = stop === 'end' && headers.every(({ bytes, at }) => checkCrc(bytes, at));
          return [`${topic}-${partitionIndex}`, isWhole] as const;
        }),
      ),
    );
  };

  test.each(['crc', 'truncate'] as const)(
    'corrupt: %s damages the records of the selected partition only',
    async (corrupt) => {
      const consumer = kafkaJs(kafka, 'reader').consumer({ groupId: 'g', maxWaitTimeInMs: 50 });
      const fault = kafka.fault({ corrupt, topic: 'orders', partition: 1 });
      const seen: (string | null)[] = [];
      await consumer.connect();
      await consumer.subscribe({ topics: ['orders', 'other'], fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => void seen.push(message.value?.toString() ?? null),
      });
      await kafka.wait.until(() => kafka.requests.count({ api: 'Fetch' }) > 2);
      // A response without records has nothing to damage, so the fault must not count it as a hit.
      expect(fault.hits).toBe(0);
      const messages = [0, 1].map((partition) => ({ value: `orders-${partition}`, partition }));
      await producer.sendBatch({
        topicMessages: [
          { topic: 'orders', messages },
          { topic: 'other', messages: [{ value: 'other-0' }] },
        ],
      });
      await fault.wait();
      await kafka.wait.until(() => seen.length === 3);
      expect(seen.sort()).toEqual(['orders-0', 'orders-1', 'other-0']);
      expect(fault.requests).toHaveLength(1);
      expect(intact(fault.requests[0] as LoggedRequest)['orders-1']).toBe(false);
      for (const request of kafka.requests.of('Fetch').filter(({ response }) => response !== undefined))
        for (const [partition, is] of Object.entries(intact(request)))
          expect(is).toBe(
            partition !== 'orders-1' || request.correlationId !== fault.requests[0]?.correlationId,
          );
      await consumer.disconnect();
    },
  );

  test('a client that checks checksums detects corrupt records', async () => {
    await send('orders', 'one');
    const fault = kafka.fault({ corrupt: 'crc', clientId: 'checker' });
    const { KafkaClient } = await import('../../../src/client/kafka-client.ts');
    const { Fetcher } = await import('../../../src/client/fetcher.ts');
    const { connectTcp } = await import('../../../src/adapters/tcp-network.ts');
    const { systemClock, systemScheduler } = await import('../../../src/adapters/clock.ts');
    const [host = '', port = ''] = kafka.bootstrapServers.split(':');
    const ports = { network: { connect: connectTcp }, clock: systemClock, scheduler: systemScheduler };
    const client = new KafkaClient({ bootstrap: [{ host, port: Number(port) }], clientId: 'checker' }, ports);
    const fetcher = new Fetcher(client, { reset: 'none' });
    fetcher.assign('orders', 0, 0);
    const reading = (async () => {
      while ((await fetcher.poll(100)).length === 0);
    })();
    await expect(reading).rejects.toThrow(/corrupt/);
    expect(fault.hits).toBe(1);
    client.close();
  });

  test('a disposed fault affects no request', async () => {
    {
      using fault = kafka.fault({
        api: 'Produce',
        error: 'UNKNOWN_SERVER_ERROR',
        times: Number.POSITIVE_INFINITY,
      });
      expect(fault.isOver).toBe(false);
    }
    await send('orders', 'one');
    const observed = kafka.fault({ api: 'Produce', observe: true, times: 5 });
    await send('orders', 'two');
    expect(observed.hits).toBe(1);
    await expect(observed.wait(2, { timeout: 20 })).rejects.toThrow(/so far it met 1/);
    expect(() => kafka.fault({ error: 'NO_SUCH_ERROR' as never })).toThrow(/is not a Kafka error/);
    expect(() => kafka.fault({ times: 0 })).toThrow(/times must be/);
  });
});

describe('control functions', () => {
  test('can answer a request, pass it on, or hold it until the test releases it', async () => {
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const held: string[] = [];
    const remove = kafka.on('Produce', async (request, next) => {
      held.push(request.about);
      await gate;
      return next();
    });
    const sending = send('orders', 'one');
    await kafka.wait.until(() => held.length === 1);
    expect(await valuesOf('orders')).toEqual([]);
    letGo();
    await sending;
    expect(await valuesOf('orders')).toEqual(['one']);
    remove();

    kafka.on('ListGroups', () => ({
      errorCode: 0,
      groups: [{ groupId: 'made up', protocolType: 'consumer' }],
    }));
    const admin = kafkaJs(kafka).admin();
    expect((await admin.listGroups()).groups.map(({ groupId }) => groupId)).toEqual(['made up']);
    await admin.disconnect();
  });
});
