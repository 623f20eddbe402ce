/**
 * Calls for nodes, clocks, snapshots and directories in unusual orders. Each must end in a defined state or with an error that
 * explains itself.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type StartKafkaOptions, startKafka, type TestKafka } from '../../../src/testing/kafka/index.ts';
import { kafkaJs } from './kafkajs.ts';

const open = (options: StartKafkaOptions = {}): Promise<TestKafka> =>
  startKafka({ where: 'here', log: 'silent', timeout: '10s', topics: { orders: 1 }, ...options });
const valuesOf = async (kafka: TestKafka): Promise<(string | null)[]> =>
  (await kafka.read('orders')).map(({ value }) => value);

describe('a node', () => {
  test('ends at once when it is killed during its start or its stop', async () => {
    await using kafka = await open();
    const node = kafka.node(1);
    await node.kill();
    const starting = expect(node.start()).rejects.toThrow('Node 1 ended before it handled client requests.');
    await node.kill();
    await starting;
    expect(node.state).toBe('down');
    await Promise.all([node.start(), node.start()]);
    const stopping = node.stop();
    await expect(node.start()).rejects.toThrow('Node 1 is stopping: wait for stop() before start().');
    await node.kill();
    await stopping;
    await node.start();
    await kafka.produce('orders', ['one']);
  });

  test('cannot be stopped while it is paused, or paused while it is down', async () => {
    await using kafka = await open();
    const node = kafka.node(1);
    node.pause();
    await expect(node.stop()).rejects.toThrow('Node 1 is paused: resume() it before stop(), or kill() it.');
    node.resume();
    await node.stop();
    expect(() => node.pause()).toThrow('Node 1 is down: only a node that runs can be paused.');
    await expect(kafka.moveLeader('orders', 0, 1)).rejects.toThrow("Node 1 is down: it can't lead orders-0.");
    await expect(kafka.wait.inSync(undefined, { timeout: 20 })).rejects.toThrow(/no node has metadata/);
    await expect(kafka.produce('orders', ['one'])).rejects.toThrow(
      /records are written to orders[^]*Nodes: 1 down/,
    );
  });

  test('without a majority fails its start at the deadline, and runs when there is a majority', async () => {
    await using kafka = await open({ nodes: 3, timeout: '2s' });
    await Promise.all(kafka.nodes.map((node) => node.kill()));
    await expect(kafka.node(1).start()).rejects.toThrow(
      /Not within 2000 ms: node 1 handles client requests[^]*1 starting, 2 down, 3 down/,
    );
    await Promise.all([kafka.node(2).start(), kafka.node(3).start()]);
    await kafka.wait.until(() => kafka.node(1).state === 'running');
    await kafka.wait.inSync();
  });

  test("on a failing disk does not start, with the disk's error", async () => {
    await using kafka = await open();
    kafka.disk(1).fail('write');
    await kafka.node(1).kill();
    await expect(kafka.node(1).start()).rejects.toThrow(/EIO/);
    expect(kafka.node(1).state).toBe('failed');
    kafka.disk(1).mend();
    await kafka.node(1).start();
    expect(kafka.node(1).failure).toBe(null);
  });

  test.each(['memory', 'directory'])(
    'whose disk fails to sync ends with the next metadata record (in %s)',
    async (storage) => {
      const directory = mkdtempSync(join(tmpdir(), 'bendemann-lives-'));
      try {
        await using kafka = await open(storage === 'memory' ? {} : { storage: directory });
        kafka.disk(1).fail('sync');
        const created = expect(kafka.createTopic('new', { partitions: 1 })).rejects.toThrow();
        await kafka.wait.until(() => kafka.node(1).state === 'failed');
        expect(String(kafka.node(1).failure)).toContain('EIO: sync the metadata log');
        await kafka.close();
        await created;
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  );

  test('whose disk is full has room for the metadata log, unless the disk fails too', async () => {
    await using kafka = await open();
    const faults = kafka.disk(1);
    faults.full();
    expect(faults.metadataFailureOf('write', 'sync')).toBe(null);
    faults.fail('sync');
    expect(faults.metadataFailureOf('write', 'sync')?.message).toBe('EIO: sync the metadata log');
    faults.mend();
  });

  test('with a slow disk takes longer for a metadata record', async () => {
    await using kafka = await open({ clock: 'manual' });
    kafka.disk(1).slow('1s');
    const before = kafka.clock.now();
    let isCreated = false;
    const created = kafka.createTopic('slow', { partitions: 1 }).then(() => {
      isCreated = true;
    });
    while (!isCreated) await kafka.clock.advance('100ms');
    await created;
    expect(kafka.clock.now() - before).toBeGreaterThanOrEqual(1000);
  });
});

describe('a manual clock', () => {
  test('does not hold up the long polls of clients', async () => {
    await using kafka = await open({ clock: 'manual' });
    const consumer = kafkaJs(kafka).consumer({ groupId: 'g', maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders' });
    await consumer.run({ eachMessage: () => Promise.resolve() });
    await kafka.wait.until(() => /Fetch .*-> ok/.test(String(kafka.requests)));
    await consumer.disconnect();
    await kafka.wait.group('g', { members: 0 });
  });

  test("gives the test's records their timestamps", async () => {
    await using kafka = await open({
      clock: 'manual',
      topics: { orders: { configs: { 'retention.ms': '60000', 'segment.ms': '1000' } } },
    });
    await kafka.clock.advance('1h');
    await kafka.produce('orders', ['young']);
    await kafka.clock.advance('20s');
    expect(await kafka.read('orders')).toMatchObject([{ value: 'young' }]);
    await kafka.clock.advance('20m');
    expect(await valuesOf(kafka)).toEqual([]);
  });

  test('has the same time in a fork, and goes back with a reset', async () => {
    await using kafka = await open({ clock: 'manual' });
    const start = kafka.clock.now();
    await kafka.clock.advance('7d');
    await using fork = await kafka.fork();
    expect(fork.clock.now() - start).toBeGreaterThanOrEqual(7 * 86_400_000);
    await kafka.reset();
    expect(kafka.clock.now() - start).toBeLessThan(60_000);
    await kafka.produce('orders', ['one']);
    await kafka.clock.advance('1h');
    expect(await valuesOf(kafka)).toEqual(['one']);
  });

  test('can be advanced with slow disks and after the restart of a node', async () => {
    await using kafka = await open({ clock: 'manual', nodes: 3 });
    for (const { id } of kafka.nodes) kafka.disk(id).slow('50ms');
    const writing = kafka.produce('orders', ['slow']);
    await Promise.all([writing, kafka.clock.advance('10s')]);
    await kafka.snapshot();
    for (const { id } of kafka.nodes) kafka.disk(id).mend();
    await kafka.node(1).restart();
    await kafka.clock.advance('10s');
    await kafka.wait.inSync();
    await expect(kafka.wait.offsets('orders', 9, { timeout: 20 })).rejects.toThrow(
      /The clock is manual and stands at \d+/,
    );
    await expect(kafka.clock.set('2050-01-01' as never)).rejects.toThrow(/is neither a Date/);
  });
});

describe('a cluster', () => {
  test('is unchanged when a snapshot does not fit it', async () => {
    await using kafka = await open();
    await using other = await open();
    await kafka.produce('orders', ['kept']);
    const rows: readonly (readonly [unknown, RegExp])[] = [
      [await other.snapshot(), /begin with it, by startKafka\({ from: snapshot }\)/],
      ['path', /A snapshot is expected/],
      [
        {
          clusterId: kafka.clusterId,
          nodes: new Map([
            [1, 1],
            [2, 2],
          ]),
        },
        /The snapshot has 2 nodes/,
      ],
    ];
    for (const [snapshot, message] of rows)
      await expect(kafka.restore(snapshot as never)).rejects.toThrow(message);
    expect(await valuesOf(kafka)).toEqual(['kept']);
    await expect(open({ from: {} as never })).rejects.toThrow(/from must be a snapshot/);
  });

  test('from a snapshot also gets the missing topics of its options', async () => {
    await using kafka = await open({ topics: { orders: { records: ['one'] } } });
    await using copy = await open({ from: await kafka.snapshot(), topics: { orders: 1, more: 2 } });
    await copy.reset();
    expect([(await valuesOf(copy)).length, (await copy.offsets('more')).size]).toEqual([1, 2]);
  });

  test('in a directory can be opened again with the same options, and not twice at once', async () => {
    const storage = mkdtempSync(join(tmpdir(), 'bendemann-lives-'));
    try {
      const options = { storage, topics: { orders: { records: ['seed'] } } };
      const first = await open(options);
      await expect(open(options)).rejects.toThrow(/another process or thread is using this directory/);
      await first.produce('orders', ['one']);
      await expect(first.restore({} as never)).rejects.toThrow();
      first.node(1).pause();
      await first.close();
      const second = await open(options);
      expect(await valuesOf(second)).toEqual(['seed', 'one']);
      await second.close();
      await expect(open({ ...options, nodes: 3 })).rejects.toThrow(/has 1 nodes, not 3/);
      writeFileSync(join(storage, 'node-1', 'meta.properties'), 'rubbish');
      await expect(open(options)).rejects.toThrow(/is not a directory of a test cluster/);
    } finally {
      rmSync(storage, { recursive: true, force: true });
    }
  });

  test('ends all pending and later calls with an error when it is closed', async () => {
    const kafka = await open({ nodes: 2 });
    kafka.node(2).pause();
    const waits = [
      kafka.wait.group('g', { members: 1 }),
      kafka.wait.until(() => false),
      kafka.read('orders', { count: 1 }),
    ].map((wait) => expect(wait).rejects.toThrow('The cluster was closed.'));
    await Promise.all([kafka.close(), kafka.close(), ...waits]);
    await kafka.close();
    const calls = [
      () => kafka.produce('orders', ['one']),
      () => kafka.node(1).start(),
      () => kafka.reset(),
      () => kafka.fork(),
      () => kafka.wait.leader('orders'),
      () => kafka.clock.advance('1s'),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow('The cluster was closed.');
  });
});
