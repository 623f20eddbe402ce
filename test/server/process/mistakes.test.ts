/**
 * Makes the most common mistakes of new users with real processes, and checks that each leads to a message that names the
 * mistake and its remedy. docs/ops/mistakes.md is generated from this table by `npm test --
 * test/server/process/mistakes.test.ts -u`.
 */
import { existsSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest';
import { createSystemRandom } from '../../../src/adapters/random.ts';
import { randomUuid } from '../../../src/base/uuid.ts';
import { KafkaError } from '../../../src/protocol/errors.ts';
import {
  createTopic,
  freePorts,
  type NodeFiles,
  producerOf,
  type Settings,
  type Tool,
  Workshop,
} from './harness.ts';
import { RawSocket } from './raw-socket.ts';

interface Mistake {
  readonly mistake: string;
  /** Where the user finds the message. */
  readonly where:
    | 'end of the start'
    | 'log of the broker'
    | 'answer to the client'
    | 'output of kafka-topics';
  /** Text that the message must contain; `…` stands for any text on one line. */
  readonly says: string;
  readonly remedy: string;
  /** Makes the mistake; resolves to the output in which the message must be. */
  readonly make: () => Promise<string>;
}

const standardAuthorizer = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';
const workshop = new Workshop();
let node: NodeFiles;
let server: Tool;
/** The properties of a second broker of the same cluster. */
let second: Settings;

/** Starts a node that is only a broker, with its own ports and directory. It is formatted unless `clusterId` is null. */
async function startBroker(name: string, changes: Settings, clusterId: string | null): Promise<Tool> {
  const [port = 0] = await freePorts(1);
  const directory = join(workshop.folder, name);
  const properties = workshop.properties(name, {
    'node.id': 7,
    'process.roles': 'broker',
    'controller.quorum.voters': `1@localhost:${node.controller.port}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://localhost:${port}`,
    'initial.broker.registration.timeout.ms': 1500,
    'log.dirs': directory,
    ...changes,
  });
  if (clusterId !== null) {
    const format = workshop.tool('kafka-storage', 'format', '-t', clusterId, '-c', properties);
    await format.ended;
  }
  return workshop.start(properties);
}

async function startFails(name: string, changes: Settings, clusterId: string | null): Promise<string> {
  return (await (await startBroker(name, changes, clusterId)).ended).output;
}

/** An address of this machine that other machines can reach; null when it has none. */
function ownAddress(): string | null {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? null;
}

const mistakes: readonly Mistake[] = [
  {
    mistake: '`advertised.listeners` names a host that clients can not find',
    where: 'log of the broker',
    says: 'advertised.listeners names a host that this machine cannot resolve advertised=PLAINTEXT://no-such-host.invalid:…',
    remedy: 'set advertised.listeners to a name or an address that all of them can resolve',
    make: async () => {
      const broker = await startBroker('elsewhere', second, workshop.clusterId);
      await broker.says('cannot resolve');
      return broker.output;
    },
  },
  {
    mistake: '`advertised.listeners` is `localhost`, and the client is on another machine',
    where: 'log of the broker',
    says: 'A client on another machine got an advertised address that points to its own machine client=… advertised=PLAINTEXT://localhost:…',
    remedy: 'Set advertised.listeners to the name of this machine as that client knows it',
    make: async () => {
      const localAddress = ownAddress();
      if (localAddress === null) return skipped;
      const socket = net.connect({ host: '127.0.0.1', port: node.broker.port, localAddress });
      await server.says('points to its own machine');
      socket.destroy();
      return server.output;
    },
  },
  {
    mistake: '`advertised.listeners` is `0.0.0.0`',
    where: 'end of the start',
    says: 'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0',
    remedy: 'Use a routable IP address',
    make: () => startFails('nonroutable', { 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }, null),
  },
  {
    mistake: 'The port is taken',
    where: 'end of the start',
    says: 'Address already in use (listen EADDRINUSE: address already in use …',
    remedy: 'stop it, or give this node other ports in listeners',
    make: () => startFails('taken', { listeners: `PLAINTEXT://:${node.broker.port}` }, workshop.clusterId),
  },
  {
    mistake: 'An authorizer is configured, which Bendemann does not have yet',
    where: 'end of the start',
    says: 'authorizer.class.name=…StandardAuthorizer: ACLs are not built yet, so every client could read and change everything.',
    remedy: 'Remove the line to start a node without access control',
    make: () => startFails('authorizer', { 'authorizer.class.name': standardAuthorizer }, null),
  },
  {
    mistake: 'Two brokers have one `node.id`',
    where: 'end of the start',
    says: 'The controller refused the registration of this broker: Another broker is registered with that broker id.',
    remedy: 'give this one another node.id and format its directories for it',
    make: () => startFails('twice', { 'node.id': 2 }, workshop.clusterId),
  },
  {
    mistake: 'The directories are not formatted',
    where: 'end of the start',
    says: 'No readable meta.properties files found.',
    remedy: 'Format the directories of log.dirs once: kafka-storage.sh format -t CLUSTER_ID -c FILE',
    make: () => startFails('unformatted', {}, null),
  },
  {
    mistake: 'Another process uses the directories',
    where: 'end of the start',
    says: 'Failed to acquire lock on file .lock in …. A Kafka instance in another process or thread is using this directory.',
    remedy: 'Stop the other process, or give this node directories of its own in log.dirs.',
    make: async () => (await workshop.start(node).ended).output,
  },
  {
    mistake: 'The directories were formatted with the id of another cluster',
    where: 'end of the start',
    says: 'The controller refused the registration of this broker: Expected cluster ID …, but got cluster ID …',
    remedy:
      'correct controller.quorum.voters or controller.quorum.bootstrap.servers, or format empty directories with the id of this cluster',
    make: () => startFails('foreign', {}, randomUuid(createSystemRandom())),
  },
  {
    mistake: 'A topic shall have more replicas than there are brokers',
    where: 'output of kafka-topics',
    says: 'The target replication factor of 5 cannot be reached because only … broker(s) are registered',
    remedy: 'Choose a smaller --replication-factor, or start more brokers',
    make: async () => {
      const create = ['--create', '--topic', 'wide', '--replication-factor', '5'];
      const tool = workshop.tool('kafka-topics', '--bootstrap-server', addressOf(node), ...create);
      return (await tool.ended).output;
    },
  },
  {
    mistake: 'The process may open too few files',
    where: 'log of the broker',
    says: 'The limit on open files of this process is low limit=200',
    remedy: 'Raise the limit: ulimit -n 100000 before the start, LimitNOFILE=100000 in a systemd unit',
    make: async () => {
      const properties = join(workshop.folder, 'unformatted.properties');
      const wrapper = ['/bin/sh', '-c', 'ulimit -n 200; exec "$@"', 'sh'];
      return (await workshop.toolIn({ wrapper }, 'kafka-server-start', properties).ended).output;
    },
  },
  {
    mistake: 'A message is too large',
    where: 'answer to the client',
    says: 'The record batch size is … bytes, which exceeds the maximum configured value of 1048588',
    remedy: 'raise max.message.bytes of the topic, or have the producer send smaller batches',
    make: async () => {
      const producer = producerOf(workshop.client(node));
      const value = new Uint8Array(1_100_000);
      const refusal: unknown = await producer
        .send({ topic: 'small', partition: 0, value })
        .catch((e: unknown) => e);
      expect(refusal).toBeInstanceOf(KafkaError);
      return (refusal as Error).message;
    },
  },
  {
    mistake: 'The client is older than Kafka 2.1',
    where: 'log of the broker',
    says: 'closing a connection of a client that is too old … clientId=grandpa',
    remedy:
      'Upgrade the client: like Apache Kafka 4 this broker serves clients of Kafka 2.1 (2018) and newer',
    make: async () => {
      const socket = await RawSocket.open(node.broker);
      // A frame of the old Fetch version 3: size, API key, version, correlation id, client id, and the beginning of a body.
      const request = Buffer.from('00000015000100030000000100076772616e64706100000000', 'hex');
      socket.send(request);
      await socket.closed();
      return server.output;
    },
  },
  {
    mistake: 'The disk is full',
    where: 'log of the broker',
    says: 'the disk failed under a partition partition=full-0 error="StorageError: ENOSPC: no space left on device, write …"',
    remedy: 'free space or move a directory of log.dirs to a larger disk, and start the broker again',
    make: async () => {
      const producer = producerOf(workshop.client(node));
      const send = (): Promise<unknown> =>
        producer.send({ topic: 'full', partition: 0, value: new Uint8Array(700_000) });
      await send();
      // The next record will begin a new segment. Its file is made a link to /dev/full, where every write fails.
      symlinkSync('/dev/full', join(node.directory, 'full-0', `${'1'.padStart(20, '0')}.log`));
      send().catch(() => {});
      await server.says('Shutdown broker because all log dirs have failed');
      return server.output;
    },
  },
  {
    mistake: 'The disk is still full when the node is started again',
    where: 'end of the start',
    says: 'Exiting Kafka due to fatal exception: ENOSPC: the metadata log in …/__cluster_metadata-0/raft/raft-log: …No space left on device.',
    remedy:
      'The disk is full: free space or move a directory of log.dirs to a larger disk, and start the broker again',
    make: async () => {
      await server.ended;
      // At each start, LevelDB begins a new MANIFEST file, whose number this test does not know.
      const database = join(node.directory, '__cluster_metadata-0', 'raft', 'raft-log');
      for (let number = 1; number < 50; number++) {
        const path = join(database, `MANIFEST-${String(number).padStart(6, '0')}`);
        if (!existsSync(path)) symlinkSync('/dev/full', path);
      }
      return (await workshop.start(node).ended).output;
    },
  },
  {
    mistake: 'The directories are on a file system that is read-only',
    where: 'end of the start',
    says: "EROFS: read-only file system, open '…/.lock'.",
    remedy: 'log.dirs must name directories that can be written',
    make: async () => {
      const wrapper = [
        'unshare',
        '-rm',
        'sh',
        '-c',
        'mount --bind -r "$0" "$0" && exec "$@"',
        node.directory,
      ];
      const probe = workshop.toolIn({ wrapper }, 'kafka-storage', '--help');
      if ((await probe.ended).status !== 0) return skipped;
      return (await workshop.toolIn({ wrapper }, 'kafka-server-start', node.properties).ended).output;
    },
  },
];
const skipped = 'skipped';

function addressOf({ broker }: NodeFiles): string {
  return `${broker.host}:${broker.port}`;
}

/** The regular expression for a text in which `…` stands for anything on one line. */
function patternOf(says: string): RegExp {
  const parts = says.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(parts.join('.*'));
}

beforeAll(async () => {
  [node] = (await workshop.nodes(1, { 'log.segment.bytes': 1_048_576 })) as [NodeFiles];
  await workshop.format([node]);
  [server] = (await workshop.startAll([node])) as [Tool];
  second = { 'node.id': 2, 'advertised.listeners': 'PLAINTEXT://no-such-host.invalid:9092' };
  const client = workshop.client(node);
  await createTopic(client, 'small', 1, [1]);
  await createTopic(client, 'full', 1, [1]);
});

afterAll(() => workshop.close());

test('a combined node formatted with another cluster id does not start, like a broker', async () => {
  onTestFailed(() => console.log(workshop.story()));
  const [client = 0, controller = 0] = await freePorts(2);
  const changes = {
    'process.roles': 'broker,controller',
    'controller.quorum.voters': `7@localhost:${controller},1@localhost:${node.controller.port}`,
    listeners: `PLAINTEXT://localhost:${client},CONTROLLER://localhost:${controller}`,
    'initial.broker.registration.timeout.ms': 60_000,
  };
  const text = await startFails('foreign-combined', changes, randomUuid(createSystemRandom()));
  expect(text).toMatch(patternOf('Expected cluster ID …, but got cluster ID …'));
  expect(text).toContain('format empty directories with the id of this cluster');
});

test.each(mistakes)('$mistake', async ({ says, remedy, make }) => {
  onTestFailed(() => console.log(workshop.story()));
  const text = await make();
  if (text === skipped) return;
  expect(text).toMatch(patternOf(says));
  expect(text).toContain(remedy);
});

test('docs/ops/mistakes.md is up to date', async () => {
  const rows = mistakes.map(
    ({ mistake, where, says, remedy }) =>
      `| ${mistake} | ${where} | ${says.replaceAll('|', '\\|')} | ${remedy} |`,
  );
  const text = `# Common mistakes

The most common mistakes of new users, with the message that each causes and where it appears. \`…\` stands for variable text. Each row
is produced with real processes in \`test/server/process/mistakes.test.ts\`, which writes this page. \`bendemann doctor FILE…\` finds many
of these before a start; [messages.md](messages.md) lists every warning with what to do.

| mistake | where the message appears | message | what to do |
|---|---|---|---|
${rows.join('\n')}
`;
  await expect(text).toMatchFileSnapshot('../../../docs/ops/mistakes.md');
});
