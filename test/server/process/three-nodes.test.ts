/**
 * Three nodes as processes, while a producer with acks=all writes all the time. Nodes are killed, paused for a moment, and all
 * killed at once. After each of these faults, every acknowledged record must be read back once and in order.
 */
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import type { Producer } from '../../../src/client/producer.ts';
import {
  bytesOf,
  createTopic,
  type NodeFiles,
  partitionsOf,
  producerOf,
  quorumOf,
  readAll,
  type Tool,
  until,
  Workshop,
} from './harness.ts';

const workshop = new Workshop();
const topic = 'purchases';
const partitionCount = 3;
let nodes: NodeFiles[];
let servers: Tool[];
let client: KafkaClient;

/** Sends records one after another to every partition and remembers which of them were acknowledged. */
class Load {
  acknowledged: string[] = [];
  private readonly producer: Producer;
  private isStopped = false;
  private readonly loops: Promise<void>[] = [];
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
    this.producer = producerOf(workshop.client(...nodes), { lingerMs: 0, requestTimeoutMs: 5_000 });
    for (let partition = 0; partition < partitionCount; partition++) this.loops.push(this.loop(partition));
  }

  /** Waits until `count` more records were acknowledged in each partition. */
  async more(count: number): Promise<void> {
    const before = this.counts();
    await until(`${count} more records acknowledged in each partition`, () =>
      this.counts().every((now, partition) => now >= (before[partition] ?? 0) + count),
    );
  }

  async stop(): Promise<string[]> {
    this.isStopped = true;
    await Promise.all(this.loops);
    return this.acknowledged;
  }

  private counts(): number[] {
    const counts = Array.from({ length: partitionCount }, () => 0);
    for (const value of this.acknowledged) {
      const partition = Number(value.split(' ')[1]);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    return counts;
  }

  private async loop(partition: number): Promise<void> {
    for (let i = 0; !this.isStopped; i++) {
      const value = `${this.name} ${partition} ${i}`;
      await this.producer.send({ topic, partition, value: bytesOf(value) });
      this.acknowledged.push(value);
    }
  }
}

async function expectAllRead(acknowledged: readonly string[]): Promise<void> {
  const found = await readAll(client, topic);
  const seen = new Set(found);
  expect(acknowledged.filter((value) => !seen.has(value))).toEqual([]);
  // The producer is idempotent, so a record that it sent twice is there once.
  expect(found.length).toBe(seen.size);
  const last = new Map<string, number>();
  for (const value of found) {
    const [load = '', partition = '', count = ''] = value.split(' ');
    const key = `${load} ${partition}`;
    expect(Number(count), value).toBeGreaterThan(last.get(key) ?? -1);
    last.set(key, Number(count));
  }
}

async function allInSync(): Promise<void> {
  await until('all replicas in sync', async () =>
    (await partitionsOf(client, topic)).every(({ isr, leader }) => leader >= 0 && isr.length === 3),
  );
}

async function restart(id: number): Promise<void> {
  const server = workshop.start(nodes[id - 1] as NodeFiles);
  servers[id - 1] = server;
  await server.says('Kafka Server started');
}

beforeAll(async () => {
  nodes = await workshop.nodes(3);
  await workshop.format(nodes);
  servers = await workshop.startAll(nodes);
  client = workshop.client(...nodes);
  await createTopic(client, topic, partitionCount, 3);
});

afterAll(() => workshop.close());

describe('three nodes under load', () => {
  test('kill -9 of the leader of a partition loses no acknowledged record', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const load = new Load('leader');
    await load.more(20);
    const victim = (await partitionsOf(client, topic))[0]?.leader as number;
    await servers[victim - 1]?.end('SIGKILL');
    await load.more(20);
    await restart(victim);
    await allInSync();
    await load.more(20);
    await expectAllRead(await load.stop());
  });

  test('kill -9 of the active controller loses no acknowledged record', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const load = new Load('controller');
    await load.more(20);
    const before = await quorumOf(client);
    await servers[before.leaderId - 1]?.end('SIGKILL');
    const after = await until('another active controller', async () => {
      const now = await quorumOf(client);
      return now.leaderEpoch > before.leaderEpoch ? now : null;
    });
    expect(after.leaderId).not.toBe(before.leaderId);
    await load.more(20);
    await restart(before.leaderId);
    await allInSync();
    await expectAllRead(await load.stop());
  });

  test('pauses of 200 ms cause no election', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const load = new Load('pauses');
    const before = await quorumOf(client);
    const epochsBefore = (await partitionsOf(client, topic)).map(({ leaderEpoch }) => leaderEpoch);
    for (const server of [...servers, ...servers]) {
      server.signal('SIGSTOP');
      // This is not a wait for some event: the pause of the process is the fault that is tested.
      await new Promise((resolve) => setTimeout(resolve, 200));
      server.signal('SIGCONT');
      await load.more(5);
    }
    expect(await quorumOf(client)).toEqual(before);
    const partitions = await partitionsOf(client, topic);
    expect(partitions.map(({ leaderEpoch }) => leaderEpoch)).toEqual(epochsBefore);
    expect(partitions.map(({ isr }) => isr.length)).toEqual([3, 3, 3]);
    await expectAllRead(await load.stop());
  });

  test('SIGTERM moves the leaderships away, and the node returns into the ISR', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const load = new Load('handover');
    await load.more(10);
    const { status } = (await servers[1]?.end('SIGTERM')) ?? {};
    expect(status).toBe(143);
    await until('nobody follows it', async () =>
      (await partitionsOf(client, topic)).every(({ leader }) => leader >= 0 && leader !== 2),
    );
    await load.more(10);
    await restart(2);
    expect(servers[1]?.output).not.toContain('not clean');
    await allInSync();
    await expectAllRead(await load.stop());
  });

  test('kill -9 of all three at once loses no acknowledged record', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const load = new Load('all');
    await load.more(20);
    await Promise.all(servers.map((server) => server.end('SIGKILL')));
    await Promise.all([1, 2, 3].map(restart));
    await allInSync();
    await load.more(20);
    await expectAllRead(await load.stop());
  });

  test('no node logged an error', () => {
    expect(servers.map(({ output }) => output).join('')).not.toContain(' ERROR ');
  });
});
