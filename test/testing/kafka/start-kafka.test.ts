import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { type ReadRecord, Snapshot, startKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

const values = (records: readonly ReadRecord[]): (string | null)[] => records.map(({ value }) => value);

describe('startKafka', () => {
  test('a stock client produces and consumes', async () => {
    await using kafka = await startKafka({ where: 'here', topics: { orders: 3 } });
    const producer = kafkaJs(kafka).producer();
    await producer.connect();
    await producer.send({
      topic: 'orders',
      messages: [{ key: 'a', value: 'one', headers: { from: 'test' } }],
    });
    await producer.disconnect();
    const [record] = await kafka.read('orders', { count: 1 });
    expect(record).toMatchObject({ key: 'a', value: 'one', headers: { from: 'test' }, offset: 0 });

    const consumer = kafkaJs(kafka).consumer({ groupId: 'workers', maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders', fromBeginning: true });
    const got = new Promise<string | undefined>((resolve, reject) => {
      consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) }).catch(reject);
    });
    expect(await got).toBe('one');
    await kafka.wait.group('workers', { state: 'Stable', members: 1, topic: 'orders', lag: 0 });
    await consumer.disconnect();
    await kafka.wait.group('workers', { state: 'Empty', members: 0 });
  });

  test('topics begin with the records, partitions and replicas of the options', async () => {
    await using kafka = await startKafka({
      where: 'here',
      nodes: 3,
      racks: ['a', 'b', 'c'],
      topics: {
        seeded: { partitions: 2, replicas: 2, records: ['x', { key: 'k', value: null, partition: 1 }] },
      },
      properties: { 'auto.create.topics.enable': 'false' },
    });
    const cluster = await kafkaJs(kafka)
      .admin()
      .fetchTopicMetadata({ topics: ['seeded'] });
    expect(cluster.topics[0]?.partitions.map(({ replicas }) => replicas.length)).toEqual([2, 2]);
    expect((await kafka.read('seeded')).map(({ value }) => value).sort()).toEqual([null, 'x'].sort());
    await expect(kafka.produce('nowhere', ['x'])).rejects.toThrow(/nowhere/);
  });

  test('reset restores the first state, restore a snapshot, and a fork is independent', async () => {
    await using kafka = await startKafka({ where: 'here', topics: { orders: { records: ['seed'] } } });
    await kafka.produce('orders', ['one']);
    const snapshot = await kafka.snapshot();
    await using copy = await kafka.fork();
    await copy.produce('orders', ['in the copy']);
    await kafka.reset();
    expect(values(await kafka.read('orders'))).toEqual(['seed']);
    await kafka.createTopic('other');
    await kafka.restore(snapshot);
    expect(values(await kafka.read('orders'))).toEqual(['seed', 'one']);
    await expect(kafka.offsets('other')).rejects.toThrow(/other/);
    expect(values(await copy.read('orders'))).toEqual(['seed', 'one', 'in the copy']);
  });

  test('concurrent resets and snapshots happen one after the other', async () => {
    await using kafka = await startKafka({ where: 'here', topics: { orders: { records: ['seed'] } } });
    await kafka.produce('orders', ['one']);
    const [before, , , after] = await Promise.all([
      kafka.snapshot(),
      kafka.reset(),
      kafka.reset(),
      kafka.snapshot(),
    ]);
    expect(values(await kafka.read('orders'))).toEqual(['seed']);
    await kafka.restore(before);
    expect(values(await kafka.read('orders'))).toEqual(['seed', 'one']);
    await kafka.restore(after);
    expect(values(await kafka.read('orders'))).toEqual(['seed']);
  });

  test('a cluster can begin from a snapshot file, and continue in a directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bendemann-testing-'));
    try {
      const path = join(directory, 'snapshot');
      await using kafka = await startKafka({ where: 'here', topics: { orders: { records: ['seed'] } } });
      await kafka.save(path);
      await using again = await startKafka({ where: 'here', from: path });
      expect(values(await again.read('orders'))).toEqual(['seed']);
      await expect(Snapshot.load(join(directory, 'nothing'))).rejects.toThrow(/ENOENT/);

      const storage = join(directory, 'data');
      const first = await startKafka({ where: 'here', storage, topics: { kept: 1 } });
      await first.produce('kept', ['one']);
      await first.node(1).kill();
      await first.node(1).start();
      await first.produce('kept', ['two']);
      await first.close();
      await using second = await startKafka({ where: 'here', storage });
      expect(second.clusterId).toBe(first.clusterId);
      expect(values(await second.read('kept'))).toEqual(['one', 'two']);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test('twenty clusters at once are independent, and leave no sockets', async () => {
    const resources = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap' || name === 'TCPSocketWrap');
    await vi.waitFor(() => expect(resources()).toEqual([]));
    const before = resources();
    const clusters = await Promise.all(
      Array.from({ length: 20 }, () => startKafka({ where: 'here', topics: { t: 1 } })),
    );
    await Promise.all(clusters.map((kafka, at) => kafka.produce('t', [`of ${at}`])));
    for (const [at, kafka] of clusters.entries()) expect(values(await kafka.read('t'))).toEqual([`of ${at}`]);
    await Promise.all(clusters.map((kafka) => kafka.close()));
    // Node.js gives up closed sockets only in one of the next turns of the event loop.
    await vi.waitFor(() => expect(resources().length).toBeLessThanOrEqual(before.length));
  });

  test('the error of a wait has the last state and the newest log lines', async () => {
    await using kafka = await startKafka({ where: 'here', topics: { orders: 1 } });
    const wait = kafka.wait.group('nobody', { state: 'Stable', timeout: '1s' });
    await expect(wait).rejects.toThrow(
      /Not within 1000 ms: group nobody[^]*Last seen:[^]*Dead[^]*Nodes: 1 running[^]*Last log lines:\nnode 1/,
    );
    await expect(kafka.read('orders', { count: 1, timeout: '50ms' })).rejects.toThrow(
      /Read so far: 0 records/,
    );
    await expect(startKafka({ where: 'here', nodes: 0 })).rejects.toThrow(
      'nodes must be a whole number from 1',
    );
    await expect(startKafka({ where: 'here', nodes: '3' as never })).rejects.toThrow('to 100, not "3".');
    expect(() => kafka.node(2)).toThrow('There is no node 2; nodes are 1 to 1.');
  });
});
