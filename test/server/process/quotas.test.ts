/**
 * Client quotas on three running nodes: set at one of them, they hold on all, also after the active controller was killed, and
 * after all nodes have started again from a snapshot of the metadata.
 */
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import { Errors } from '../../../src/protocol/errors.ts';
import { ProduceRequest, ProduceResponse } from '../../../src/protocol/messages/records/00-produce.ts';
import {
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
} from '../../../src/protocol/messages/security/48-describe-client-quotas.ts';
import {
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
} from '../../../src/protocol/messages/security/49-alter-client-quotas.ts';
import {
  CreateTopicsRequest,
  CreateTopicsResponse,
} from '../../../src/protocol/messages/topics/19-create-topics.ts';
import { buildBatch } from '../../../src/protocol/records/builder.ts';
import { bytesOf, type NodeFiles, quorumOf, type Tool, until, Workshop } from './harness.ts';

const clientId = 'bendemann-client';
const ids = [1, 2, 3] as const;

let workshop: Workshop;
let isKept = false;
let nodes: NodeFiles[];
let servers: Tool[];
let client: KafkaClient;

beforeAll(async () => {
  workshop = new Workshop();
  nodes = await workshop.nodes(3, { 'metadata.log.max.record.bytes.between.snapshots': 1 });
  await workshop.format(nodes);
  servers = await workshop.startAll(nodes);
  client = workshop.client(...nodes);
}, 60_000);
afterAll(() => workshop.close(isKept));

type Quotas = Readonly<Record<string, number>>;

/** Sets quotas of one entity through the node `at`; null removes one. */
async function alter(at: number, type: string, name: string | null, quotas: Record<string, number | null>) {
  const ops = Object.entries(quotas).map(([key, value]) => ({
    key,
    value: value ?? 0,
    remove: value === null,
  }));
  const answer = await client.requestTo(at, AlterClientQuotasRequest, AlterClientQuotasResponse, {
    entries: [{ entity: [{ entityType: type, entityName: name }], ops }],
    validateOnly: false,
  });
  expect(answer.entries.map(({ errorCode }) => errorCode)).toEqual([0]);
}

/** All quotas as the node `at` describes them, by entity and key. */
async function described(at: number): Promise<Quotas> {
  const all = { components: [], strict: false };
  const answer = await client.requestTo(at, DescribeClientQuotasRequest, DescribeClientQuotasResponse, all);
  const rows = (answer.entries ?? []).flatMap(({ entity, values }) => {
    const named = entity.map(({ entityType, entityName }) => `${entityType} ${entityName ?? 'default'}`);
    return values.map(({ key, value }) => [`${named.join()} ${key}`, value] as const);
  });
  return Object.fromEntries(rows.sort(([a], [b]) => a.localeCompare(b)));
}

const describedAs = (at: number, quotas: Quotas): Promise<NonNullable<boolean>> =>
  until(`the quotas at node ${at}`, async () => {
    const found = await described(at);
    return (
      JSON.stringify(found) === JSON.stringify(quotas) || Promise.reject(new Error(JSON.stringify(found)))
    );
  });

/**
 * The throttle time of a Produce to the node `at`. The bytes count although the topic does not exist. The connection, which is
 * muted then, is not used again.
 */
async function throttleTimeAt(at: number): Promise<number> {
  const records = buildBatch({ records: [{ timestamp: 0, value: bytesOf('x'.repeat(2000)) }] });
  const answer = await workshop.client(...nodes).requestTo(at, ProduceRequest, ProduceResponse, {
    transactionalId: null,
    acks: 1,
    timeoutMs: 5000,
    topicData: [{ name: 'unknown', partitionData: [{ index: 0, records }] }],
  });
  return answer.throttleTimeMs;
}

async function createdThrough(at: number, name: string, numPartitions: number): Promise<number> {
  const answer = await client.requestTo(at, CreateTopicsRequest, CreateTopicsResponse, {
    topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 5000,
    validateOnly: false,
  });
  return answer.topics[0]?.errorCode ?? -1;
}

const byteRate = `client-id ${clientId} producer_byte_rate`;
const mutationRate = 'user default controller_mutation_rate';

test('quotas set at a node that is not the controller hold on each node, before and after it dies', {
  timeout: 60_000,
}, async () => {
  onTestFailed(() => {
    isKept = true;
    console.error(workshop.story());
  });
  const leader = (await quorumOf(client)).leaderId;
  const [one, two] = ids.filter((id) => id !== leader) as [number, number];
  await alter(one, 'client-id', clientId, { producer_byte_rate: 10 });
  await alter(two, 'user', null, { controller_mutation_rate: 0.1 });
  for (const id of ids) {
    await describedAs(id, { [byteRate]: 10, [mutationRate]: 0.1 });
    expect(await throttleTimeAt(id)).toBeGreaterThan(1000);
  }
  // The active controller counts the changes that come through any node.
  expect(await createdThrough(one, 'first', 5)).toBe(0);
  expect(await createdThrough(two, 'second', 5)).toBe(Errors.THROTTLING_QUOTA_EXCEEDED.code);

  await servers[leader - 1]?.end('SIGKILL');
  await until('another controller', async () => (await quorumOf(client)).leaderId !== leader);
  await alter(one, 'client-id', clientId, { producer_byte_rate: null, consumer_byte_rate: 77 });
  const changed = { [`client-id ${clientId} consumer_byte_rate`]: 77, [mutationRate]: 0.1 };
  for (const id of [one, two]) {
    await describedAs(id, changed);
    expect(await throttleTimeAt(id)).toBe(0);
  }
  const back = workshop.start(nodes[leader - 1] as NodeFiles);
  await back.says('Kafka Server started');
  servers[leader - 1] = back;
  await describedAs(leader, changed);
});

test('after a start from a snapshot they hold as before, and kafka-metadata-shell shows them', {
  timeout: 60_000,
}, async () => {
  onTestFailed(() => {
    isKept = true;
    console.error(workshop.story());
  });
  await alter(1, 'client-id', clientId, { producer_byte_rate: 10, consumer_byte_rate: null });
  const said = servers.map(({ output }) => output.length);
  await alter(2, 'ip', '10.1.2.3', { connection_creation_rate: 4 });
  const quotas = { [byteRate]: 10, 'ip 10.1.2.3 connection_creation_rate': 4, [mutationRate]: 0.1 };
  for (const id of ids) await describedAs(id, quotas);
  for (const [i, server] of servers.entries())
    await until('a snapshot', () =>
      server.output.slice(said[i]).includes('Wrote a snapshot of the metadata'),
    );
  for (const server of servers) await server.end('SIGKILL');
  for (const { directory } of nodes) {
    const shell = workshop.tool(
      'kafka-metadata-shell',
      '--snapshot',
      directory,
      'tree',
      '/image/clientQuotas',
    );
    const { output } = await shell.ended;
    expect(output).toMatch(/clientId\(bendemann-client\):\s+producer_byte_rate:\s+10\.0/);
    expect(output).toMatch(/ip\(10\.1\.2\.3\):\s+connection_creation_rate:\s+4\.0/);
    expect(output).toMatch(/user\(\):\s+controller_mutation_rate:\s+0\.1/);
  }
  servers = await workshop.startAll(nodes);
  for (const id of ids) {
    await describedAs(id, quotas);
    expect(await throttleTimeAt(id)).toBeGreaterThan(1000);
  }
});
