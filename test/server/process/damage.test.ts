/**
 * Three nodes as processes. The metadata log of one is damaged while it is down: it refuses to start, ends with status 1 and
 * says what to do, while the other two go on. After an operator has done that, it starts again. Further tests lose two nodes,
 * and kill all three at once.
 */
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFailed, test } from 'vitest';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import {
  bytesOf,
  createTopic,
  describeQuorum,
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
let nodes: NodeFiles[];
let servers: Tool[];
let damaged: NodeFiles;
let client: KafkaClient;
let topicCount = 0;
const acknowledged: string[] = [];

const log = (node: NodeFiles): string => join(node.directory, '__cluster_metadata-0');
const db = (node: NodeFiles): string => join(log(node), 'raft', 'raft-log');

async function fileOf(folder: string, pattern: RegExp): Promise<string> {
  const name = (await readdir(folder))
    .filter((one) => pattern.test(one))
    .sort()
    .at(-1);
  if (name === undefined) throw new Error(`no ${pattern} in ${folder}`);
  return join(folder, name);
}

async function flip(file: string, at: number): Promise<void> {
  const content = await readFile(file);
  const index = at < 0 ? content.length + at : at;
  content[index] = (content[index] as number) ^ 1;
  await writeFile(file, content);
}

const running = (): number[] => nodes.map(({ id }) => id).filter((id) => servers[id - 1]?.isEnded === false);

/** Checks that the running nodes create a topic and store a record. */
async function expectServing(): Promise<void> {
  topicCount += 1;
  await until('a topic', async () => {
    await createTopic(client, `topic-${topicCount}`, 1, running()).catch((error: unknown) => {
      if (!String(error).includes('error 36')) throw error;
    });
    return true;
  });
  const value = `record ${acknowledged.length}`;
  await producerOf(client, { lingerMs: 0 }).send({ topic: 'kept', value: bytesOf(value) });
  acknowledged.push(value);
}

async function start(...these: readonly NodeFiles[]): Promise<void> {
  const started = these.map((node) => {
    const server = workshop.start(node);
    servers[node.id - 1] = server;
    return server;
  });
  for (const server of started) await server.says('Kafka Server started');
}

async function allInSync(): Promise<void> {
  await until('all replicas in sync', async () => {
    const partitions = await partitionsOf(client, 'kept');
    return partitions.every(({ isr, leader }) => leader >= 0 && isr.length === 3);
  });
}

/**
 * Waits until nothing is being written and everything is durable and acknowledged on all nodes. Only then is damage certain to
 * be noticed.
 */
async function atRest(): Promise<void> {
  await until('voters that have acknowledged everything', async () => {
    const [{ currentVoters, highWatermark }] = await describeQuorum(client);
    return currentVoters.every(({ logEndOffset }) => logEndOffset === highWatermark);
  });
}

/**
 * Does what the error message of a refused start says: deletes the metadata files, formats and starts the node, which then
 * fetches everything from the others.
 */
async function formatAgain(): Promise<void> {
  for (const name of ['__cluster_metadata-0', 'meta.properties', 'raft.witness'])
    await rm(join(damaged.directory, name), { recursive: true, force: true });
  await workshop.format([damaged]);
  await start(damaged);
  await allInSync();
  await expectServing();
}

interface Row {
  readonly state: string | null;
}

const killAll = (): Promise<unknown> => Promise.all(servers.map((server) => server.end('SIGKILL')));

/** Runs scripts/metadata-digest.mjs on the three directories while no node runs, and checks that all have the same metadata. */
async function expectSameMetadata(): Promise<{ endOffset: number; state: string }> {
  const directories = nodes.map(({ directory }) => directory);
  const { status, output } = await workshop.tool('../scripts/metadata-digest.mjs', '--json', ...directories)
    .ended;
  expect(status, output).toBe(0);
  const found = JSON.parse(output.trim().split('\n').at(-1) ?? '') as { endOffset: number; rows: Row[] };
  expect(new Set(found.rows.map(({ state }) => state)).size).toBe(1);
  return { endOffset: found.endOffset, state: found.rows[0]?.state ?? '' };
}

beforeAll(async () => {
  // Without these idle records, nothing is written to the metadata log while no client sends requests.
  nodes = await workshop.nodes(3, { 'default.replication.factor': 3, 'metadata.max.idle.interval.ms': 0 });
  await workshop.format(nodes);
  servers = await workshop.startAll(nodes);
  client = workshop.client(...nodes);
  await createTopic(client, 'kept', 1, 3);
  await expectServing();
  damaged = nodes[2] as NodeFiles;
  // A restart makes LevelDB write its log into table files, which some of these tests damage.
  await servers[2]?.end('SIGKILL');
  await start(damaged);
  await allInSync();
});

afterAll(() => workshop.close());

const kinds: readonly [string, (node: NodeFiles) => Promise<unknown>][] = [
  ["the newest record of LevelDB's log flipped", async (node) => flip(await fileOf(db(node), /\.log$/), -5)],
  [
    "LevelDB's log cut",
    async (node) => {
      const file = await fileOf(db(node), /\.log$/);
      await truncate(file, (await readFile(file)).length - 100);
    },
  ],
  ["LevelDB's log removed", async (node) => rm(await fileOf(db(node), /\.log$/))],
  ['CURRENT removed', (node) => rm(join(db(node), 'CURRENT'))],
  ['MANIFEST removed', async (node) => rm(await fileOf(db(node), /^MANIFEST/))],
  ['a table flipped', async (node) => flip(await fileOf(db(node), /\.ldb$/), 60)],
  ['the database removed', (node) => rm(db(node), { recursive: true })],
  ['the whole metadata log removed', (node) => rm(log(node), { recursive: true })],
  ['the witness removed', (node) => rm(join(node.directory, 'raft.witness'))],
];

describe('a damaged metadata log', () => {
  const kept = (): string => join(workshop.folder, 'kept-aside');

  beforeAll(async () => {
    await atRest();
    await servers[2]?.end('SIGKILL');
    await cp(damaged.directory, kept(), { recursive: true });
  });

  test.each(kinds)('%s: the node does not start, the other nodes go on serving', async (_, damage) => {
    onTestFailed(() => console.log(workshop.story()));
    await rm(damaged.directory, { recursive: true });
    await cp(kept(), damaged.directory, { recursive: true });
    await damage(damaged);
    for (const attempt of [1, 2]) {
      const { status, output } = await workshop.start(damaged).ended;
      expect(status, `attempt ${attempt}: ${output}`).toBe(1);
      expect(output).toMatch(/ERROR .*The metadata log in \S+ is damaged: .*kafka-storage format/);
    }
    await expectServing();
  });

  test('after the format that the message asks for, the node copies the log from the others', async () => {
    onTestFailed(() => console.log(workshop.story()));
    await formatAgain();
    expect(await readAll(client, 'kept')).toEqual(acknowledged);
  });

  test('a node with an old copy of its directory ends, because it lacks entries that it acknowledged', async () => {
    onTestFailed(() => console.log(workshop.story()));
    const { leaderId } = await until('a controller', () => quorumOf(client));
    damaged = nodes.find(({ id }) => id !== leaderId) as NodeFiles;
    const old = join(workshop.folder, 'old');
    await servers[damaged.id - 1]?.end('SIGKILL');
    await cp(damaged.directory, old, { recursive: true });
    await start(damaged);
    await allInSync();
    await expectServing();
    await expectServing();
    await servers[damaged.id - 1]?.end('SIGKILL');
    await rm(damaged.directory, { recursive: true });
    await cp(old, damaged.directory, { recursive: true });
    const { status, output } = await workshop.start(damaged).ended;
    expect(status, output).toBe(1);
    expect(output).toMatch(/acknowledged the metadata log up to offset \d+ and has it up to \d+ only/);
    await expectServing();
    await formatAgain();
    expect(await readAll(client, 'kept')).toEqual(acknowledged);
  });
});

describe('the loss of nodes', () => {
  test('two of three: no topic can be created until they are back, then all records are there', async () => {
    onTestFailed(() => console.log(workshop.story()));
    await Promise.all([servers[0]?.end('SIGKILL'), servers[1]?.end('SIGKILL')]);
    const alone = workshop.client(nodes[2] as NodeFiles);
    await expect(createTopic(alone, 'impossible', 1, 1)).rejects.toThrow();
    await start(nodes[0] as NodeFiles, nodes[1] as NodeFiles);
    await allInSync();
    await expectServing();
    expect(await readAll(client, 'kept')).toEqual(acknowledged);
  });

  test('kill -9 of all three, three times: their metadata stays the same, nothing is lost', async () => {
    onTestFailed(() => console.log(workshop.story()));
    let endOffset = 0;
    for (let i = 0; i < 3; i++) {
      await expectServing();
      await killAll();
      const found = await expectSameMetadata();
      expect(found.endOffset).toBeGreaterThan(endOffset);
      endOffset = found.endOffset;
      await start(...nodes);
      await allInSync();
    }
    expect(await readAll(client, 'kept')).toEqual(acknowledged);
    const topics = (await client.metadata(null)).topics;
    for (let i = 1; i <= topicCount; i++) expect(topics.has(`topic-${i}`)).toBe(true);
  });
});
