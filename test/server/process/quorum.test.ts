/**
 * Changes of the voter set on real, running nodes. A quorum grows from one node to three, loses its leader and gets a node back
 * with an empty disk. A static quorum becomes dynamic. Controllers join by themselves and move to another port.
 */
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, onTestFailed, test } from 'vitest';
import type { KafkaClient } from '../../../src/client/kafka-client.ts';
import {
  createTopic,
  describeQuorum,
  freePorts,
  type NodeFiles,
  type Settings,
  until,
  Workshop,
} from './harness.ts';

let workshop: Workshop;
let isKept = false;

beforeEach(() => {
  workshop = new Workshop();
  isKept = false;
  onTestFailed(() => {
    isKept = true;
    console.error(workshop.story());
  });
});
afterEach(() => workshop.close(isKept));

/** Runs a tool to its end and returns its output; throws when its exit status is not 0. */
async function run(name: string, nodes: readonly NodeFiles[], ...args: string[]): Promise<string> {
  const bootstrap = nodes.map(({ broker }) => `${broker.host}:${broker.port}`).join(',');
  const { status, output } = await workshop.tool(name, '--bootstrap-server', bootstrap, ...args).ended;
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${output}`);
  return output;
}

interface Quorum {
  readonly leader: number;
  /** Id and directory id of each voter, in order of ids. */
  readonly voters: readonly (readonly [number, string])[];
  readonly observers: readonly number[];
  readonly ports: readonly number[];
  /** The log end offset of the leader. */
  readonly logEndOffset: number;
}

async function quorumOf(client: KafkaClient): Promise<Quorum> {
  const [quorum, controllers] = await describeQuorum(client);
  return {
    leader: quorum.leaderId,
    voters: quorum.currentVoters
      .map(({ replicaId, replicaDirectoryId }) => [replicaId, replicaDirectoryId] as const)
      .sort(([a], [b]) => a - b),
    observers: quorum.observers.map(({ replicaId }) => replicaId).sort((a, b) => a - b),
    logEndOffset:
      quorum.currentVoters.find(({ replicaId }) => replicaId === quorum.leaderId)?.logEndOffset ?? -1,
    ports: controllers.flatMap(({ listeners }) => listeners.map(({ port }) => port)).sort((a, b) => a - b),
  };
}

const idsOf = ({ voters }: Quorum): number[] => voters.map(([id]) => id);

/** Formats a dynamic quorum in which only the first node is a voter; the others may join later. */
async function formatDynamic(nodes: readonly NodeFiles[]): Promise<void> {
  await workshop.format(nodes.slice(0, 1), workshop.clusterId, '--standalone');
  await workshop.format(nodes.slice(1), workshop.clusterId, '--no-initial-controllers');
}

const replication: Settings = { 'offsets.topic.replication.factor': 1 };

describe('the voters of running nodes', { timeout: 60_000 }, () => {
  test('can be added, the leader can be lost, and a node with a wiped disk can be added again', async () => {
    const nodes = await workshop.nodes(3, replication, 'dynamic');
    const [one, two, three] = nodes as [NodeFiles, NodeFiles, NodeFiles];
    await formatDynamic(nodes);
    const servers = await workshop.startAll(nodes);
    const client = workshop.client(two, three);
    const learners = () => quorumOf(client).then(({ observers }) => observers.join() === '2,3');
    await until('two learners', learners);
    for (const node of [two, three]) {
      const args = ['--command-config', node.properties, 'add-controller'];
      const added = await run('kafka-metadata-quorum', [one], ...args);
      expect(added).toContain(`Added controller ${node.id} with directory id `);
    }
    const before = await quorumOf(client);
    expect([before.leader, idsOf(before), before.observers]).toEqual([1, [1, 2, 3], []]);

    await servers[0]?.end('SIGKILL');
    await createTopic(client, 'after-the-leader', 1, [2, 3]);
    const [, wiped] = before.voters[0] as readonly [number, string];
    const args = ['remove-controller', '-i', '1', '-d', wiped];
    expect(await run('kafka-metadata-quorum', [two, three], ...args)).toBe(
      `Removed  KRaft controller 1 with directory id ${wiped}\n`,
    );
    expect(idsOf(await quorumOf(client))).toEqual([2, 3]);

    rmSync(one.directory, { recursive: true });
    await workshop.format([one], workshop.clusterId, '--no-initial-controllers');
    await workshop.startAll([one]);
    await until('the wiped node learns', async () => (await quorumOf(client)).observers.includes(1));
    await run('kafka-metadata-quorum', [two], '--command-config', one.properties, 'add-controller');
    const after = await quorumOf(client);
    expect(idsOf(after)).toEqual([1, 2, 3]);
    expect(after.voters[0]?.[1]).not.toBe(wiped);
  });

  test('become dynamic with kraft.version=1, also after a restart of all, and the leader can be removed', async () => {
    const nodes = await workshop.nodes(3, replication);
    await workshop.format(nodes);
    const servers = await workshop.startAll(nodes);
    const upgrade = ['upgrade', '--feature', 'kraft.version=1'];
    const done = 'kraft.version was upgraded to 1.\n';
    // The upgrade is refused until all controllers have registered, which they do shortly after the start.
    await until('the upgrade', async () => (await run('kafka-features', nodes, ...upgrade)) === done);
    for (const server of servers) server.signal('SIGKILL');
    await Promise.all(servers.map(({ ended }) => ended));
    await workshop.startAll(nodes);
    expect(await run('kafka-features', nodes, 'describe')).toMatch(
      /kraft\.version .* FinalizedVersionLevel: 1 /,
    );
    const client = workshop.client(...nodes);
    const { leader, voters } = await quorumOf(client);
    expect(voters.map(([id]) => id)).toEqual([1, 2, 3]);
    const [, directoryId] = voters.find(([id]) => id === leader) as readonly [number, string];
    await run('kafka-metadata-quorum', nodes, 'remove-controller', '-i', `${leader}`, '-d', directoryId);
    const rest = await until('another leader, which the former one follows', async () => {
      const quorum = await quorumOf(client);
      return quorum.leader > 0 && quorum.observers.join() === String(leader) ? quorum : null;
    });
    expect(rest.leader).not.toBe(leader);
    expect(idsOf(rest)).toEqual([1, 2, 3].filter((id) => id !== leader));
  });

  test('are added by auto-join, also with an emptied disk, and update their changed address', async () => {
    const quick = { 'controller.quorum.fetch.timeout.ms': 500, 'controller.quorum.auto.join.enable': 'true' };
    const nodes = await workshop.nodes(3, { ...replication, ...quick }, 'dynamic');
    const [one, two, three] = nodes as [NodeFiles, NodeFiles, NodeFiles];
    await formatDynamic(nodes);
    const servers = await workshop.startAll(nodes);
    const client = workshop.client(one);
    const before = await until('three voters', async () => {
      const quorum = await quorumOf(client);
      return quorum.voters.length === 3 ? quorum : null;
    });

    await servers[1]?.end('SIGKILL');
    rmSync(two.directory, { recursive: true });
    await workshop.format([two], workshop.clusterId, '--no-initial-controllers');
    await workshop.startAll([two]);
    await until('the new disk in the place of the old one', async () => {
      const { voters } = await quorumOf(client);
      return voters.length === 3 && voters[1]?.[0] === 2 && voters[1]?.[1] !== before.voters[1]?.[1];
    });

    await servers[2]?.end('SIGTERM');
    const [port = 0] = await freePorts(1);
    const moved = workshop.tool(
      'kafka-server-start',
      three.properties,
      '--override',
      `listeners=PLAINTEXT://:${three.broker.port},CONTROLLER://localhost:${port}`,
    );
    await moved.says('Kafka Server started');
    await until('the new port', async () => (await quorumOf(client)).ports.includes(port));
    expect(idsOf(await quorumOf(client))).toEqual([1, 2, 3]);
  });

  test('show a growing log end offset to repeated DescribeQuorum requests, even on an idle log', async () => {
    const [node] = (await workshop.nodes(1, { 'metadata.max.idle.interval.ms': 3_600_000 })) as [NodeFiles];
    await workshop.format([node]);
    await workshop.startAll([node]);
    const client = workshop.client(node);
    const told: number[] = [];
    // The start itself writes only a few records, and by the configured interval the next idle record would come after an hour.
    // The log end grows more often only because each DescribeQuorum request makes an idle record due at once.
    await until('a log end that grows ten times', async () => {
      const { logEndOffset } = await quorumOf(client);
      if (logEndOffset !== told.at(-1)) told.push(logEndOffset);
      return told.length > 10;
    });
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  });
});
