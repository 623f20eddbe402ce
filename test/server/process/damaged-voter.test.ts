/**
 * A dynamic quorum of three processes, one of which loses the disk of its metadata log while it is down. It refuses to start
 * with what is left. It is then removed from the voters, formatted, and added again with its new directory id. At the end it
 * counts as a voter: the quorum survives the loss of another node.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import { parseMetaProperties } from '../../../src/log/directories/meta-properties.ts';
import {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
} from '../../../src/protocol/messages/quorum/55-describe-quorum.ts';
import { createTopic, type NodeFiles, type Tool, until, Workshop } from './harness.ts';

const workshop = new Workshop();
const directoryIds = [1, 2, 3].map(() => randomUuid(createSystemRandom()));
let nodes: NodeFiles[];
let servers: Tool[];

const bootstrapOf = (...these: readonly NodeFiles[]): string =>
  these.map(({ broker }) => `${broker.host}:${broker.port}`).join(',');

async function succeed(name: string, ...args: string[]): Promise<string> {
  const { status, output } = await workshop.tool(name, ...args).ended;
  expect(status, `${name} ${args.join(' ')}: ${output}`).toBe(0);
  return output;
}

const directoryIdOf = ({ directory }: NodeFiles): string =>
  parseMetaProperties(readFileSync(join(directory, 'meta.properties'), 'utf8')).directoryId as string;

/** Ids and directory ids of the voters, as node `asked` answers. */
async function votersOf(asked: NodeFiles): Promise<string[]> {
  const answer = await workshop.client(asked).request(DescribeQuorumRequest, DescribeQuorumResponse, {
    topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 0 }] }],
  });
  const voters = answer.topics[0]?.partitions[0]?.currentVoters ?? [];
  return voters.map(({ replicaId, replicaDirectoryId }) => `${replicaId} ${replicaDirectoryId}`).sort();
}

async function start(node: NodeFiles): Promise<void> {
  const server = workshop.start(node);
  servers[node.id - 1] = server;
  await server.says('Kafka Server started');
}

beforeAll(async () => {
  nodes = await workshop.nodes(3);
  for (const { properties } of nodes) {
    const all = nodes.map(({ controller }) => `localhost:${controller.port}`).join(',');
    const text = readFileSync(properties, 'utf8').replace(/^controller\.quorum\.voters=.*$/m, '');
    writeFileSync(properties, `${text}controller.quorum.bootstrap.servers=${all}\n`);
  }
  const initial = nodes
    .map(({ id, controller }) => `${id}@localhost:${controller.port}:${directoryIds[id - 1]}`)
    .join(',');
  for (const { properties } of nodes) {
    const cluster = ['-t', workshop.clusterId, '-c', properties];
    await succeed('kafka-storage', 'format', ...cluster, '--initial-controllers', initial);
  }
  servers = await workshop.startAll(nodes);
});

afterAll(() => workshop.close());

test('a voter that lost its log does not start, and returns as a new voter after a format', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const [first, second, third] = nodes as [NodeFiles, NodeFiles, NodeFiles];
  expect(await votersOf(first)).toEqual([1, 2, 3].map((id) => `${id} ${directoryIds[id - 1]}`));
  await createTopic(workshop.client(first), 'before', 1, 3);

  await servers[2]?.end('SIGKILL');
  rmSync(join(third.directory, '__cluster_metadata-0'), { recursive: true });
  const { status, output } = await workshop.start(third).ended;
  expect(status).toBe(1);
  expect(output).toMatch(/is damaged: .*remove-controller.*add-controller/);
  await createTopic(workshop.client(first), 'meanwhile', 1, [1, 2]);

  const server = ['--bootstrap-server', bootstrapOf(first, second)];
  const old = ['--controller-id', '3', '--controller-directory-id', directoryIds[2] as string];
  await succeed('kafka-metadata-quorum', ...server, 'remove-controller', ...old);
  rmSync(join(third.directory, 'meta.properties'));
  rmSync(join(third.directory, 'raft.witness'));
  const cluster = ['-t', workshop.clusterId, '-c', third.properties];
  await succeed('kafka-storage', 'format', ...cluster, '--no-initial-controllers');
  expect(directoryIdOf(third)).not.toBe(directoryIds[2]);
  await start(third);
  await succeed('kafka-metadata-quorum', ...server, '--command-config', third.properties, 'add-controller');
  await until('three voters', async () => {
    const expected = [`1 ${directoryIds[0]}`, `2 ${directoryIds[1]}`, `3 ${directoryIdOf(third)}`];
    return JSON.stringify(await votersOf(first)) === JSON.stringify(expected);
  });

  await servers[0]?.end('SIGKILL');
  await until('a topic from two of three', async () => {
    await createTopic(workshop.client(second, third), 'after', 1, [2, 3]).catch((error: unknown) => {
      if (!String(error).includes('error 36')) throw error;
    });
    return true;
  });
  await start(first);
  await until('node 1 knows of it', async () =>
    (await workshop.client(first).metadata(null)).topics.has('after'),
  );
});
