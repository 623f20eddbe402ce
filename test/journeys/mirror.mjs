/** MirrorMaker 2 from Apache Kafka to us and back, offsets of groups translated. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { freePorts, kafkaVersion, run, same, valuesOf, waitFor } from './lib.mjs';

export const about =
  'MirrorMaker 2: a topic from Apache Kafka to us, and one of ours to Apache Kafka, offsets translated';
export const isShort = false;

const coordinates = [
  `org.apache.kafka:connect-mirror:${kafkaVersion}`,
  `org.apache.kafka:kafka_2.13:${kafkaVersion}`,
  'org.slf4j:slf4j-simple:1.7.36',
];

async function startKafka(journey, classPath) {
  const [port, controllerPort] = await freePorts(2);
  const properties = journey.write('kafka.properties', {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@localhost:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://localhost:${port},CONTROLLER://localhost:${controllerPort}`,
    'log.dirs': journey.path('kafka'),
    'offsets.topic.replication.factor': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
  });
  const format = ['format', '-t', 'abcdefghijklmnopqrstuv', '-c', properties];
  run('java', ['-cp', classPath, 'kafka.tools.StorageTool', ...format]);
  journey.java('kafka', classPath, 'kafka.Kafka', [properties]);
  return `localhost:${port}`;
}

async function startMirror(journey, classPath, theirs, ours) {
  const [port] = await freePorts(1);
  const properties = journey.write('mm2.properties', {
    clusters: 'theirs,ours',
    'theirs.bootstrap.servers': theirs.bootstrap,
    'ours.bootstrap.servers': ours.bootstrap,
    'theirs->ours.enabled': true,
    'theirs->ours.topics': 'orders',
    'ours->theirs.enabled': true,
    'ours->theirs.topics': 'invoices',
    'replication.factor': 1,
    'checkpoints.topic.replication.factor': 1,
    'heartbeats.topic.replication.factor': 1,
    'offset-syncs.topic.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'status.storage.replication.factor': 1,
    'config.storage.replication.factor': 1,
    'sync.group.offsets.enabled': true,
    'sync.group.offsets.interval.seconds': 2,
    'emit.checkpoints.interval.seconds': 2,
    'refresh.groups.interval.seconds': 2,
    'offset.lag.max': 10,
    'dedicated.mode.enable.internal.rest': false,
    listeners: `http://127.0.0.1:${port}`,
  });
  journey.java('mm2', classPath, 'org.apache.kafka.connect.mirror.MirrorMaker', [properties]);
}

export async function travel(journey) {
  const classPath = journey.jars('mirror', coordinates);
  const ours = await journey.cluster(1);
  const theirs = { bootstrap: await startKafka(journey, classPath), bin: ours.bin };
  const tool = (name, cluster, ...args) =>
    run(join(ours.bin, name), ['--bootstrap-server', cluster.bootstrap, ...args]);
  await waitFor('Apache Kafka', 90_000, () => tool('kafka-topics', theirs, '--list') !== null);
  const numbers = (word) => Array.from({ length: 200 }, (_, at) => `${word} ${at}`);
  for (const [cluster, topic] of [
    [theirs, 'orders'],
    [ours, 'invoices'],
  ]) {
    tool('kafka-topics', cluster, '--create', '--topic', topic, '--partitions', '2');
    run(
      join(ours.bin, 'kafka-console-producer'),
      ['--bootstrap-server', cluster.bootstrap, '--topic', topic],
      {
        input: numbers(topic).join('\n'),
      },
    );
  }
  const group = ['--group', 'billing', '--max-messages', '120', '--timeout-ms', '20000', '--from-beginning'];
  tool('kafka-console-consumer', theirs, '--topic', 'orders', ...group);
  await startMirror(journey, classPath, theirs, ours);
  same(
    'orders on our side',
    (await valuesOf(ours, 'theirs.orders', 200, 180_000)).sort(),
    numbers('orders').sort(),
  );
  same(
    'invoices on theirs',
    (await valuesOf(theirs, 'ours.invoices', 200, 180_000)).sort(),
    numbers('invoices').sort(),
  );
  // The group can go on here where it stopped there; what it had read already may come again, nothing is skipped.
  const offsets = await waitFor('translated offsets', 120_000, () => {
    const args = ['--bootstrap-server', ours.bootstrap, '--describe', '--group', 'billing'];
    const { stdout } = spawnSync(join(ours.bin, 'kafka-consumer-groups'), args, { encoding: 'utf8' });
    const rows = [...stdout.matchAll(/theirs\.orders\s+\d\s+(\d+)/g)].map(([, offset]) => Number(offset));
    return rows.length > 0 ? rows : null;
  });
  const translated = offsets.reduce((sum, offset) => sum + offset, 0);
  if (translated === 0 || translated > 120) throw new Error(`the group goes on at ${translated} of 120`);
  return `the group's 120 of 200 became ${translated}`;
}
