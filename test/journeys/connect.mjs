/** Kafka Connect: Apache's own worker with its file connectors. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { freePorts, json, kafkaVersion, same, valuesOf, waitFor } from './lib.mjs';

export const about =
  'Connect standalone and distributed: files to topics to files, workers killed, an exactly-once source';
export const isShort = true;

const artifacts = ['connect-runtime', 'connect-file', 'connect-json', 'connect-transforms'];
const coordinates = [
  ...artifacts.map((artifact) => `org.apache.kafka:${artifact}:${kafkaVersion}`),
  'org.slf4j:slf4j-simple:1.7.36',
];
export const converters = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const fileSource = 'org.apache.kafka.connect.file.FileStreamSourceConnector';
const fileSink = 'org.apache.kafka.connect.file.FileStreamSinkConnector';
const linesOf = (path) =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
const numbered = (from, to) => Array.from({ length: to - from }, (_, at) => `line ${from + at}`);
const byNumber = (left, right) => Number(left.split(' ')[1]) - Number(right.split(' ')[1]);
const textOf = (lines) => lines.map((line) => `${line}\n`).join('');

async function standalone(journey, classPath, cluster) {
  const [port] = await freePorts(1);
  const worker = journey.write('standalone.properties', {
    'bootstrap.servers': cluster.bootstrap,
    ...converters,
    'offset.storage.file.filename': journey.path('offsets'),
    'offset.flush.interval.ms': 200,
    listeners: `http://127.0.0.1:${port}`,
  });
  const input = journey.path('standalone.txt');
  const output = journey.path('standalone-out.txt');
  writeFileSync(input, textOf(numbered(0, 100)));
  const source = journey.write('source.properties', {
    name: 'source',
    'connector.class': fileSource,
    file: input,
    topic: 'standalone',
  });
  const sink = journey.write('sink.properties', {
    name: 'sink',
    'connector.class': fileSink,
    file: output,
    topics: 'standalone',
  });
  const main = 'org.apache.kafka.connect.cli.ConnectStandalone';
  const program = journey.java('standalone', classPath, main, [worker, source, sink]);
  await waitFor('100 lines through Connect standalone', 120_000, () => linesOf(output).length >= 100);
  same('lines', linesOf(output), numbered(0, 100));
  await program.kill('SIGTERM');
}

/** A worker of a distributed Connect. */
export function workerProperties(cluster, port) {
  return {
    'bootstrap.servers': cluster.bootstrap,
    'group.id': 'connect',
    'config.storage.topic': 'connect-configs',
    'offset.storage.topic': 'connect-offsets',
    'status.storage.topic': 'connect-status',
    'config.storage.replication.factor': 3,
    'offset.storage.replication.factor': 3,
    'status.storage.replication.factor': 3,
    'offset.flush.interval.ms': 200,
    'exactly.once.source.support': 'enabled',
    'session.timeout.ms': 6000,
    'heartbeat.interval.ms': 1000,
    'scheduled.rebalance.max.delay.ms': 1000,
    listeners: `http://127.0.0.1:${port}`,
  };
}

/** A worker that is killed and one that takes over: nothing is lost, and with an exactly-once source nothing comes twice. */
async function distributed(journey, classPath, cluster) {
  const ports = await freePorts(2);
  const startWorker = (at) => {
    const properties = journey.write(`worker-${at}.properties`, {
      ...workerProperties(cluster, ports[at]),
      ...converters,
    });
    const main = 'org.apache.kafka.connect.cli.ConnectDistributed';
    return journey.java(`worker-${at}`, classPath, main, [properties]);
  };
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const workers = [startWorker(0), startWorker(1)];
  const [first, second] = urls;
  await waitFor('the REST interface', 120_000, () => json(`${first}/connectors`));
  const input = journey.path('distributed.txt');
  const output = journey.path('distributed-out.txt');
  writeFileSync(input, textOf(numbered(0, 50)));
  const create = (name, config) =>
    waitFor(`connector ${name}`, 60_000, () => json(`${first}/connectors`, 'POST', { name, config }));
  await create('source', {
    'connector.class': fileSource,
    file: input,
    topic: 'distributed',
    'exactly.once.support': 'required',
    'transaction.boundary': 'poll',
  });
  await create('sink', { 'connector.class': fileSink, file: output, topics: 'distributed' });
  await valuesOf(cluster, 'distributed', 50, 120_000);
  // Whoever has the source is killed; the other one goes on with it.
  const { tasks } = await waitFor('a task of the source', 60_000, () =>
    json(`${first}/connectors/source/status`).then((status) => (status.tasks.length > 0 ? status : null)),
  );
  const holder = tasks[0].worker_id.endsWith(`:${ports[0]}`) ? 0 : 1;
  const left = holder === 0 ? second : first;
  await workers[holder].kill('SIGKILL');
  appendFileSync(input, textOf(numbered(50, 100)));
  const values = await valuesOf(cluster, 'distributed', 100, 180_000);
  // The topic has three partitions: a consumer gets those of the two workers in any order.
  same('records of the exactly-once source', values.sort(byNumber), numbered(0, 100));
  await waitFor('100 lines in the sink', 120_000, () => linesOf(output).length >= 100);
  same('lines of the sink, each at least once', [...new Set(linesOf(output))], numbered(0, 100));
  // A node dies as well, and a task is started again by the REST interface.
  await cluster.kill(cluster.nodes[0]);
  await json(`${left}/connectors/sink/restart?includeTasks=true`, 'POST').catch(() => null);
  appendFileSync(input, textOf(numbered(100, 120)));
  await waitFor('120 lines in the sink', 180_000, () => new Set(linesOf(output)).size >= 120);
  await json(`${left}/connectors/sink`, 'DELETE');
}

export async function travel(journey) {
  const classPath = journey.jars('connect', coordinates);
  const cluster = await journey.cluster(3);
  await standalone(journey, classPath, cluster);
  await distributed(journey, classPath, cluster);
  return 'nothing lost, exactly-once source without repetition';
}
