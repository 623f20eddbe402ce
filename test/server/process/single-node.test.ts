/**
 * One node as a process: it starts, and ends in several ways. After each end, every acknowledged record must still be there.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import {
  bytesOf,
  createTopic,
  freePorts,
  type NodeFiles,
  producerOf,
  readAll,
  textOf,
  type Tool,
  until,
  Workshop,
} from './harness.ts';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import { Fetcher } from '../../../src/client/fetcher.ts';
import {
  ApiVersionsRequest,
  ApiVersionsResponse,
} from '../../../src/protocol/messages/cluster/18-api-versions.ts';

const workshop = new Workshop();
let node: NodeFiles;
let server: Tool;
const acknowledged: string[] = [];

async function produce(count: number): Promise<void> {
  const client = workshop.client(node);
  const producer = producerOf(client);
  const values = Array.from({ length: count }, (_, i) => `record ${acknowledged.length + i}`);
  const sent = values.map((value) => producer.send({ topic: 'kept', value: bytesOf(value) }));
  await Promise.all(sent);
  acknowledged.push(...values);
}

/** Checks that the node answers requests and has every acknowledged record once, in order. */
async function expectNothingLost(): Promise<void> {
  expect(await readAll(workshop.client(node), 'kept')).toEqual(acknowledged);
}

const marker = (): string => join(node.directory, '.kafka_cleanshutdown');

beforeAll(async () => {
  [node] = (await workshop.nodes(1)) as [NodeFiles];
  await workshop.format([node]);
  [server] = (await workshop.startAll([node])) as [Tool];
  await createTopic(workshop.client(node), 'kept', 1, 1);
});

afterAll(() => workshop.close());

afterEach(() => {
  expect(server.output).not.toContain(' ERROR ');
});

describe('one node as a process', () => {
  test('produces and consumes 100 records', async () => {
    onTestFailed(() => console.log(workshop.story()));
    await produce(100);
    const client = workshop.client(node);
    const fetcher = new Fetcher(client);
    fetcher.assign('kept', 0, 0);
    const [first] = await fetcher.poll(10_000);
    expect([first?.offset, textOf(first?.value ?? null)]).toEqual([0, 'record 0']);
    await expectNothingLost();
  });

  test("the client refuses an API that the node does not serve, with Kafka's message", async () => {
    const unknown = { ...ApiVersionsRequest, key: 9999, name: 'DescribeOldThingsRequest' };
    await expect(workshop.client(node).request(unknown, ApiVersionsResponse, {})).rejects.toThrow(
      'The node does not support DESCRIBE_OLD_THINGS',
    );
  });

  test('a second process on the same directory does not start, the first goes on serving', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const { status, output } = await workshop.start(node).ended;
    expect(status).toBe(1);
    expect(output).toContain(
      `Failed to acquire lock on file .lock in ${node.directory}. A Kafka instance in another process or thread is using this directory.`,
    );
    await produce(10);
    await expectNothingLost();
  });

  test('a second process on the same port does not start, the first goes on serving', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const other = workshop.properties('port-in-use', {
      'node.id': 1,
      'process.roles': 'broker,controller',
      'controller.quorum.voters': `1@localhost:${node.controller.port}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://:${node.broker.port},CONTROLLER://:${node.controller.port}`,
      'log.dirs': join(workshop.folder, 'port-in-use'),
    });
    await workshop.format([{ ...node, properties: other }]);
    const { status, output } = await workshop.start(other).ended;
    expect(status).toBe(1);
    expect(output).toContain(`Address already in use`);
    expect(output).toContain(String(node.broker.port));
    await produce(10);
    await expectNothingLost();
  });

  /** Starts another broker, with the controller of our node as its controller. */
  async function broker(name: string, id: number, clusterId: string): Promise<Tool> {
    const [port] = (await freePorts(1)) as [number];
    const directory = join(workshop.folder, name);
    const properties = workshop.properties(name, {
      'node.id': id,
      'process.roles': 'broker',
      'controller.quorum.bootstrap.servers': `localhost:${node.controller.port}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `PLAINTEXT://:${port}`,
      'log.dirs': directory,
      // How long the second broker with our node's id tries to register. A broker of another cluster does not try again after
      // it was refused.
      'initial.broker.registration.timeout.ms': 2_500,
    });
    await workshop.format([{ ...node, properties }], clusterId);
    return workshop.start(properties);
  }

  test('a broker of another cluster is refused', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const foreign = randomUuid(createSystemRandom());
    const { status, output } = await (await broker('stranger', 9, foreign)).ended;
    expect(output).toContain(`Expected cluster ID ${workshop.clusterId}, but got cluster ID ${foreign}`);
    expect(status).toBe(1);
    await produce(10);
    await expectNothingLost();
  });

  test('a broker with the id of a live one is refused', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const { status, output } = await (await broker('twin', 1, workshop.clusterId)).ended;
    expect(output).toContain('Another broker is registered with that broker id.');
    expect(output.match(/error=DUPLICATE_BROKER_REGISTRATION/g)?.length).toBe(1);
    expect(status).toBe(1);
    await produce(10);
    await expectNothingLost();
  });

  test('kill -9 loses no acknowledged record', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const client = workshop.client(node);
    const producer = producerOf(client, { retries: 0, maxBlockMs: 100 });
    const settled: Promise<unknown>[] = [];
    // The node is killed while it appends records. Acknowledged ones must be there afterwards; the others may be or not.
    for (let i = 0; i < 200; i++) {
      const value = `record ${acknowledged.length + i}`;
      settled.push(producer.send({ topic: 'kept', value: bytesOf(value) }));
    }
    await settled[0];
    await server.end('SIGKILL');
    const outcomes = await Promise.allSettled(settled);
    const countBefore = acknowledged.length;
    const countAcknowledged = outcomes.findIndex(({ status }) => status === 'rejected');
    const countMin = countBefore + (countAcknowledged < 0 ? outcomes.length : countAcknowledged);
    expect(existsSync(marker())).toBe(false);
    server = workshop.start(node);
    await server.says('Kafka Server started');
    const found = await readAll(workshop.client(node), 'kept');
    expect(found.length).toBeGreaterThanOrEqual(countMin);
    expect(found).toEqual(Array.from({ length: found.length }, (_, i) => `record ${i}`));
    acknowledged.splice(0, acknowledged.length, ...found);
    await produce(10);
    await expectNothingLost();
  });

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)(
    '%s: status %i, .kafka_cleanshutdown is written, and the next start recovers nothing',
    async (signal, expected) => {
      onTestFailed(() => console.log(workshop.story()));
      await produce(10);
      const { status, output } = await server.end(signal);
      expect(output).toContain(`Terminating process due to signal ${signal}`);
      expect(output).toContain('Kafka Server stopped');
      expect(status).toBe(expected);
      expect(existsSync(marker())).toBe(true);
      server = workshop.start(node);
      await server.says('Kafka Server started');
      expect(server.output).not.toContain('not clean');
      expect(existsSync(marker())).toBe(false);
      await expectNothingLost();
      await produce(1);
    },
  );

  test('during its shutdown it sends no Metadata response without itself', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const client = workshop.client(node);
    const countsTold = new Set<number>();
    const asking = (async () => {
      // This loop ends with an error when the node closes the connection.
      for (;;) countsTold.add((await client.metadata([])).brokers.size);
    })().catch(() => undefined);
    await until('an answer', () => countsTold.size > 0);
    await server.end('SIGTERM');
    await asking;
    expect([...countsTold]).toEqual([1]);
    server = workshop.start(node);
    await server.says('Kafka Server started');
  });

  test('SIGTERM during the start ends the process', async () => {
    onTestFailed(() => console.log(workshop.story()));
    await server.end('SIGTERM');
    server = workshop.start(node);
    await until('a first line of output', () => server.output.length > 0);
    const { status } = await server.end('SIGTERM');
    expect(status).toBe(143);
    server = workshop.start(node);
    await server.says('Kafka Server started');
    await expectNothingLost();
  });
});
